import { expect } from 'chai'
import { Permission, READ_ACL_UNSAFE } from '../../../../lib/model/acl.js'
import { create, PipelineWorld } from './pipeline-world.js'

const right = new Uint8Array(16).fill(1)
const wrong = new Uint8Array(16)

describe('request pipeline: sessions that move', () => {
  it('S7: who has the wrong password does not get in by the answer to another one who has left', () => {
    const world = new PipelineWorld()
    world.pipeline.resume(world.leader, [], world.now)
    const session = world.attachNew(1)
    world.pipeline.detach(1 as never)
    world.attach(2, { resume: { session, password: right } })
    world.pipeline.detach(2 as never)
    world.attach(3, { resume: { session, password: wrong } })
    expect(world.asked.length).to.equal(2)
    world.pipeline.revalidated({ kind: 'revalidated', session, valid: true, proposed: world.last }, world.now)
    expect(world.said()).to.deep.equal([])
    world.pipeline.revalidated({ kind: 'revalidated', session, valid: false, proposed: world.last }, world.now)
    expect(world.said()).to.deep.equal(['3: detached SESSION_EXPIRED'])
  })

  it('S7: a wrong password neither detaches nor delays the client that has the session', () => {
    const world = new PipelineWorld()
    world.pipeline.resume(world.leader, [], world.now)
    const session = world.attachNew(1)
    world.attach(2, { resume: { session, password: wrong } })
    world.ask(1, 1, create('/a').request)
    expect(world.submitted.map(({ cxid }) => cxid)).to.deep.equal([1])
    world.pipeline.revalidated({ kind: 'revalidated', session, valid: false, proposed: world.last }, world.now)
    expect(world.said()).to.deep.equal(['2: detached SESSION_EXPIRED'])
    world.apply(session, 1, create('/a').txn)
    expect(world.said()).to.deep.equal(['1: 1 created'])
  })

  it('S6: a request of the former attachment does not follow the question for the new one, whose numbers are the same', () => {
    const world = new PipelineWorld()
    world.pipeline.resume(world.leader, [], world.now)
    const session = world.attachNew(1)
    world.attach(2, { resume: { session, password: right } })
    world.ask(1, 1, create('/old').request)
    expect(world.submitted).to.deep.equal([])
    world.pipeline.revalidated({ kind: 'revalidated', session, valid: true, proposed: world.last }, world.now)
    world.ask(2, 1, create('/new').request)
    expect(world.said()).to.deep.equal([
      '1: 1 SESSION_MOVED not-applied',
      '1: detached SESSION_MOVED',
      '2: attached 9000',
    ])
    expect(world.submitted.map(({ request }) => 'path' in request && request.path)).to.deep.equal(['/new'])
  })

  it('submits what waited when the one who asked for the session has left before the answer', () => {
    const world = new PipelineWorld()
    world.pipeline.resume(world.leader, [], world.now)
    const session = world.attachNew(1)
    world.attach(2, { resume: { session, password: right } })
    world.ask(1, 1, create('/a').request)
    world.pipeline.detach(2 as never)
    world.pipeline.revalidated({ kind: 'revalidated', session, valid: true, proposed: world.last }, world.now)
    expect(world.submitted.map(({ cxid }) => cxid)).to.deep.equal([1])
  })

  it('S6, C2: a client whose session speaks through another peer is let go, and submits nothing again to the next leader', () => {
    const world = new PipelineWorld()
    world.pipeline.resume(world.leader, [], world.now)
    const session = world.attachNew(1)
    world.ask(1, 7, create('/old').request)
    world.submitted = []
    world.pipeline.suspend(0)
    const elsewhere = world.propose(session, 1, create('/new').txn)
    world.pipeline.resume(world.leader, [elsewhere], world.now)
    expect(world.submitted).to.deep.equal([])
    expect(world.said()).to.deep.equal(['1: 7 SESSION_MOVED not-applied', '1: detached SESSION_MOVED'])
    world.applyProposal(elsewhere)
    expect(world.said()).to.deep.equal([])
  })

  it('S6: the same when it learns of it by a committed txn', () => {
    const world = new PipelineWorld()
    world.pipeline.resume(world.leader, [], world.now)
    const session = world.attachNew(1)
    world.apply(session, 1, create('/new').txn)
    expect(world.said()).to.deep.equal(['1: detached SESSION_MOVED'])
  })

  it('L2: a request is submitted again though an earlier attachment has a request of the same number on its way', () => {
    const world = new PipelineWorld()
    world.pipeline.resume(world.leader, [], world.now)
    const session = world.attachNew(1)
    const former = world.propose(session, 5, create('/former').txn)
    world.pipeline.detach(1 as never)
    world.attach(2, { resume: { session, password: right } })
    world.pipeline.revalidated({ kind: 'revalidated', session, valid: true, proposed: former.zxid }, world.now)
    world.ask(2, 5, create('/a').request)
    world.submitted = []
    world.pipeline.suspend(0)
    world.pipeline.resume(world.leader, [former], world.now)
    expect(world.submitted.map(({ cxid }) => cxid)).to.deep.equal([5])
  })
})

describe('request pipeline: leases', () => {
  it('S2: the lease of a session runs from when the leader was asked for it, not from when there was no leader to ask', () => {
    const world = new PipelineWorld()
    world.attach(1)
    world.now = { monotonic: 60_000, wall: 0 }
    world.pipeline.resume(world.leader, [], world.now)
    const { session, cxid } = world.submitted.shift()!
    world.apply(session, cxid, { kind: 'createSession', session, timeoutMs: 9000, password: right })
    world.pipeline.tick(60_000, true)
    expect(world.said()).to.deep.equal(['1: attached 9000'])
    world.pipeline.tick(69_000, true)
    expect(world.said()).to.deep.equal(['1: detached SESSION_EXPIRED'])
  })

  it('S8: a session that goes on has the timeout of its new connection, if that is the shorter one', () => {
    const world = new PipelineWorld()
    world.pipeline.resume(world.leader, [], world.now)
    const session = world.attachNew(1)
    world.attach(2, { resume: { session, password: right }, timeoutMs: 5000 })
    world.pipeline.revalidated({ kind: 'revalidated', session, valid: true, proposed: world.last }, world.now)
    expect(world.said()).to.deep.equal(['1: detached SESSION_MOVED', '2: attached 5000'])
  })

  it('S8: a session that goes on keeps the timeout by which the leader counts, if more is asked', () => {
    const world = new PipelineWorld()
    world.pipeline.resume(world.leader, [], world.now)
    const session = world.attachNew(1)
    world.attach(2, { resume: { session, password: right }, timeoutMs: 40_000 })
    world.pipeline.revalidated({ kind: 'revalidated', session, valid: true, proposed: world.last }, world.now)
    expect(world.said()).to.deep.equal(['1: detached SESSION_MOVED', '2: attached 9000'])
    world.pipeline.tick(9000, true)
    expect(world.said()).to.deep.equal(['2: detached SESSION_EXPIRED'])
  })
})

describe('request pipeline: watches', () => {
  const closed = [{ perms: Permission.ALL, scheme: 'digest', id: 'ada:x' }]
  const ada = [{ scheme: 'digest', id: 'ada:x' }]

  it('W7: tells of a znode only those who may read it, of a deleted one by its last ACL', () => {
    const world = new PipelineWorld()
    world.pipeline.resume(world.leader, [], world.now)
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
    world.pipeline.resume(world.leader, [], world.now)
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
