import { expect } from 'chai'
import { Permission, READ_ACL_UNSAFE } from '../../../../lib/model/acl.js'
import type { SessionId } from '../../../../lib/model/ids.js'
import type { Request } from '../../../../lib/model/request.js'
import { create, PipelineWorld } from './pipeline-world.js'

const exists: Request = { kind: 'exists', path: '/', watch: false }
const sync: Request = { kind: 'sync', path: '/' }

describe('the stations of a request', () => {
  let world: PipelineWorld
  let session: SessionId
  const cxids = () => world.submitted.map(({ cxid }) => cxid)
  beforeEach(() => {
    world = new PipelineWorld({ outstandingMax: 4 })
    world.lead()
    session = world.attachNew(1)
  })

  it('C2: a read of a client that waits for nothing is answered at once, one behind a write in its turn', () => {
    const a = create('/a')
    world.ask(1, 1, exists)
    expect(world.said()).to.deep.equal(['1: 1 stat'])
    world.ask(1, 2, a.request)
    world.ask(1, 3, exists)
    expect(world.said()).to.deep.equal([])
    world.apply(session, 2, a.txn)
    expect(world.said()).to.deep.equal(['1: 2 created', '1: 3 stat'])
  })

  it('R2: what is more than all clients may have under way is not taken', () => {
    for (const cxid of [1, 2, 3, 4]) world.ask(1, cxid, create(`/${cxid}`).request)
    world.ask(1, 5, create('/5').request)
    expect(world.said()).to.deep.equal(['1: 5 OVERLOADED not-applied'])
    expect(cxids()).to.deep.equal([1, 2, 3, 4])
    world.apply(session, 1, create('/1').txn)
    world.ask(1, 6, create('/6').request)
    expect(cxids()).to.deep.equal([1, 2, 3, 4, 6])
  })

  it('C8: a sync is answered when what it waits for is applied here, and nothing behind it is submitted before', () => {
    const [a, b] = [create('/a'), create('/b')]
    world.ask(1, 1, sync)
    world.ask(1, 2, b.request)
    expect(cxids()).to.deep.equal([1])
    const elsewhere = world.propose('0900000000000009' as SessionId, 1, a.txn)
    world.pipeline.synced({ kind: 'synced', session, cxid: 1, zxid: elsewhere.zxid }, world.now)
    expect(world.said()).to.deep.equal([])
    world.applyProposal(elsewhere)
    expect(world.said()).to.deep.equal(['1: 1 done'])
    expect(cxids()).to.deep.equal([1, 2])
  })

  it('what the leader is too old to understand is refused in its turn, and not submitted', () => {
    world.ask(1, 1, create('/a').request)
    world.understands = false
    world.ask(1, 2, create('/b').request)
    expect(cxids()).to.deep.equal([1])
    world.apply(session, 1, create('/a').txn)
    expect(world.said()).to.deep.equal(['1: 1 created', '1: 2 error'])
  })
})

describe('watches, when a txn is applied', () => {
  const closed = [{ perms: Permission.ALL, scheme: 'digest', id: 'ada:x' }]
  const ada = [{ scheme: 'digest', id: 'ada:x' }]

  it('W7: tells of a znode only those who may read it, of a deleted one by its last ACL', () => {
    const world = new PipelineWorld()
    world.lead()
    const writer = world.attachNew(1)
    world.attachNew(2, [])
    world.attachNew(3, ada)
    for (const client of [2, 3]) world.ask(client, 1, { kind: 'addWatch', path: '/', mode: 'persistentRecursive' })
    for (const client of [2, 3]) world.ask(client, 2, { kind: 'exists', path: '/secret', watch: true })
    world.said()
    const write = (cxid: number, txn: ReturnType<typeof create>['txn'], request = create('/secret').request) => {
      world.ask(1, cxid, request)
      world.apply(writer, cxid, txn)
    }
    write(1, create('/secret', closed).txn)
    expect(world.said()).to.deep.equal(['3: created /secret', '1: 1 created'])
    write(2, { kind: 'delete', path: '/secret' } as never)
    expect(world.said().filter(line => !line.startsWith('1'))).to.deep.equal(['3: deleted /secret'])
    write(3, create('/open', READ_ACL_UNSAFE).txn)
    expect(world.said().filter(line => !line.startsWith('1'))).to.have.members(['2: created /open', '3: created /open'])
  })

  it('W7: tells of a change of children by the ACL of the parent', () => {
    const world = new PipelineWorld()
    world.lead()
    const writer = world.attachNew(1)
    world.attachNew(2, [])
    world.attachNew(3, ada)
    for (const client of [2, 3]) world.ask(client, 1, { kind: 'addWatch', path: '/p', mode: 'persistent' })
    const steps = [create('/p', closed), create('/p/c')]
    for (const [index, { request, txn }] of steps.entries()) {
      world.ask(1, index + 1, request)
      world.apply(writer, index + 1, txn)
    }
    const told = world.said().filter(line => !line.startsWith('1') && !line.endsWith('done'))
    expect(told).to.deep.equal(['3: created /p', '3: childrenChanged /p'])
  })
})
