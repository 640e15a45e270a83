import { expect } from 'chai'
import { OPEN_ACL_UNSAFE, Permission } from '../../../../lib/model/acl.js'
import { PERSISTENT } from '../../../../lib/model/create-mode.js'
import { create, PipelineWorld } from './pipeline-world.js'

const alice = { scheme: 'digest', id: 'alice:h' }
const bob = { scheme: 'digest', id: 'bob:h' }
const hers = [{ ...alice, perms: Permission.ALL }]

describe('identities of an attachment', () => {
  let w: PipelineWorld
  const ask = (cxid: number, path: string) => w.ask(1, cxid, { ...create(path).request })
  beforeEach(() => {
    w = new PipelineWorld()
    w.lead()
  })

  it('go with the requests behind the auth, and not with those before it', () => {
    w.attachNew(1, [bob])
    ask(1, '/a')
    w.ask(1, 2, { kind: 'authenticated', identities: [alice] })
    ask(3, '/b')
    expect(w.submitted.map(({ cxid, identities }) => [cxid, identities])).to.deep.equal([
      [1, [bob]],
      [3, [bob, alice]],
    ])
  })

  it('are those of the moment of the request also when it is submitted again', () => {
    w.attachNew(1, [])
    ask(1, '/a')
    w.ask(1, 2, { kind: 'authenticated', identities: [alice] })
    w.pipeline.suspend(0)
    w.submitted = []
    w.lead()
    expect(w.submitted.map(({ identities }) => identities)).to.deep.equal([[]])
  })

  it('judge a read by what its client was when it asked', () => {
    const session = w.attachNew(1, [])
    const mine = create('/mine', hers)
    w.ask(1, 1, mine.request)
    w.ask(1, 2, { kind: 'getData', path: '/mine', watch: false })
    w.ask(1, 3, { kind: 'authenticated', identities: [alice] })
    w.ask(1, 4, { kind: 'getData', path: '/mine', watch: false })
    w.apply(session, 1, mine.txn)
    expect(w.said()).to.deep.equal(['1: 1 created', 'audit', '1: 2 error', '1: 3 done', '1: 4 data'])
  })

  it('are none twice', () => {
    w.attachNew(1, [alice])
    w.ask(1, 1, { kind: 'authenticated', identities: [alice, bob] })
    w.ask(1, 2, { kind: 'authenticated', identities: [bob] })
    ask(3, '/a')
    expect(w.submitted[0]!.identities).to.deep.equal([alice, bob])
    expect(w.said()).to.deep.equal(['1: 1 done', '1: 2 done'])
  })

  it('W7: decide which events it is told, from then on', () => {
    const session = w.attachNew(1, [])
    const other = w.attachNew(2)
    w.apply(other, 1, create('/mine', hers).txn)
    w.said()
    w.ask(1, 1, { kind: 'addWatch', path: '/', mode: 'persistentRecursive' })
    const set = (cxid: number) =>
      w.apply(other, cxid, { kind: 'setData', path: '/mine', data: null, version: cxid, replaces: w.last })
    set(2)
    w.ask(1, 2, { kind: 'authenticated', identities: [alice] })
    set(3)
    expect(session).to.not.equal(other)
    const told = w.said().filter(line => line.startsWith('1: '))
    expect(told).to.deep.equal(['1: 1 done', '1: 2 done', '1: dataChanged /mine'])
  })

  it('are not the session’s: another attachment of it begins with its own', () => {
    const session = w.attachNew(1, [])
    w.ask(1, 1, { kind: 'authenticated', identities: [alice] })
    const password = w.replica.sessions.get(session)!.password
    w.attach(2, { resume: { session, password }, identities: [bob] })
    w.pipeline.revalidated({ kind: 'revalidated', session, valid: true, proposed: w.last }, w.now)
    const request = { kind: 'create', path: '/a', data: null, mode: PERSISTENT, acl: OPEN_ACL_UNSAFE } as const
    w.ask(2, 1, request)
    expect(w.submitted.map(({ identities }) => identities)).to.deep.equal([[bob]])
  })
})
