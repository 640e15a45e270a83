import { expect } from 'chai'
import { refusedEagerly } from '../../../../lib/core/pipeline/eager-acl-check.js'
import { type Acl, OPEN_ACL_UNSAFE, Permission } from '../../../../lib/model/acl.js'
import { PERSISTENT } from '../../../../lib/model/create-mode.js'
import type { Request } from '../../../../lib/model/request.js'
import type { Txn } from '../../../../lib/model/txn.js'
import { ZERO } from '../../../../lib/model/zxid.js'
import { access } from '../../../helpers/access.js'
import { create, PipelineWorld } from './pipeline-world.js'

const READ: Acl = [{ perms: Permission.READ, scheme: 'world', id: 'anyone' }]
const nobody = [{ scheme: 'ip', id: '127.0.0.1' }]
const setData = (path: string): Request => ({ kind: 'setData', path, data: null, version: -1 })
const created = (path: string, acl = OPEN_ACL_UNSAFE): Request => ({
  kind: 'create',
  path,
  data: null,
  acl,
  mode: PERSISTENT,
})

describe('the eager check of ACLs', () => {
  let world: PipelineWorld

  function begin(eagerAclCheck: boolean): void {
    world = new PipelineWorld({ eagerAclCheck })
    world.lead()
    const owner = world.attachNew(1)
    world.apply(owner, 1, { ...create('/shut').txn, acl: READ } as Txn)
    world.apply(owner, 2, create('/open').txn)
    world.outbox.take()
    world.attachNew(2, nobody)
    world.submitted = []
  }

  it('is off by default: the leader judges', () => {
    begin(false)
    world.ask(2, 1, setData('/shut'))
    expect(world.submitted.length).to.equal(1)
  })

  it('refuses in its turn, by no zxid, and is accounted for; what it lets pass goes on (C2)', () => {
    begin(true)
    world.ask(2, 1, setData('/open'))
    world.ask(2, 2, setData('/shut'))
    expect(world.submitted.map(({ cxid }) => cxid)).to.deep.equal([1])
    expect(world.outbox.take().map(({ kind }) => kind)).to.deep.equal(['audit'])
    world.apply(world.submitted[0]!.session, 1, {
      kind: 'setData',
      path: '/open',
      data: null,
      version: 1,
      replaces: ZERO,
    })
    const replies = world.outbox.take().filter(each => each.kind === 'reply')
    expect(replies.map(({ cxid, zxid }) => [cxid, zxid.counter > 0])).to.deep.equal([
      [1, true],
      [2, false],
    ])
    expect(replies[1]!.response).to.deep.include({ kind: 'error', code: 'NO_AUTH' })
  })

  it('asks of the parent for create and delete, of the znode for the rest, and first whether an ACL can be', () => {
    begin(true)
    const judged = (request: Request, identities = nobody) =>
      refusedEagerly(request, identities, world.replica.tree, access)
    const none: Acl = [{ perms: 31, scheme: 'none', id: 'x' }]
    const denied: Request[] = [
      created('/shut/a'),
      { kind: 'delete', path: '/shut/a', version: -1 },
      setData('/shut'),
      { kind: 'setAcl', path: '/shut', acl: READ, version: -1 },
    ]
    expect(denied.map(request => judged(request))).to.deep.equal(Array(4).fill('NO_AUTH'))
    expect(judged(created('/shut/a', none))).to.equal('INVALID_ACL')
    expect(denied.map(request => judged(request, [{ scheme: 'super', id: '' }]))).to.deep.equal(
      Array(4).fill(undefined),
    )
    const passed: Request[] = [
      setData('/none'),
      created('/'),
      created('shut'),
      { ...created('/shut/c'), lifetime: { kind: 'container' } } as Request,
      { kind: 'multi', steps: [{ kind: 'setData', path: '/shut', data: null, version: -1 }] },
      { kind: 'getData', path: '/shut', watch: false },
    ]
    expect(passed.map(request => judged(request))).to.deep.equal(Array(6).fill(undefined))
  })
})
