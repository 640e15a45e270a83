import { expect } from 'chai'
import type { SessionId } from '../../../../lib/model/ids.js'
import { zxid } from '../../../../lib/model/zxid.js'
import { create, PipelineWorld } from './pipeline-world.js'

const right = new Uint8Array(16).fill(1)
const wrong = new Uint8Array(16)

describe('an attachment', () => {
  let world: PipelineWorld
  beforeEach(() => {
    world = new PipelineWorld()
    world.lead()
  })

  it('C3: is refused if its client has seen more than this replica has', () => {
    world.attach(1, { lastZxidSeen: zxid(1, 1) })
    expect(world.said()).to.deep.equal(['1: detached CONNECTION_LOSS'])
    expect(world.pipeline.clientCount).to.equal(0)
    expect(world.submitted).to.deep.equal([])
  })

  it('of a new session begins when that is created, and what is asked before waits', () => {
    world.attach(1)
    world.ask(1, 1, create('/a').request)
    const asked = world.submitted.map(({ request }) => request.kind)
    expect(asked).to.deep.equal(['createSession'])
    const { session } = world.submitted[0]!
    world.apply(session, 0, { kind: 'createSession', session, timeoutMs: 9000, password: right })
    expect(world.said()).to.deep.equal(['1: attached 9000'])
    expect(world.submitted.map(({ request }) => request.kind)).to.deep.equal(['createSession', 'create'])
  })

  it('ends with its session; what it asked behind the close has no effect', () => {
    const session = world.attachNew(1)
    world.ask(1, 1, { kind: 'closeSession' })
    world.ask(1, 2, create('/a').request)
    world.apply(session, 1, { kind: 'closeSession', session })
    expect(world.said()).to.deep.equal(['1: 1 done', '1: 2 SESSION_EXPIRED not-applied', '1: detached CLOSED'])
  })

  it('fails as unknown what the leader has, and as not applied what it has not, when the state is replaced', () => {
    world.attachNew(1)
    world.ask(1, 1, create('/a').request)
    world.pipeline.suspend(0)
    world.ask(1, 2, create('/b').request)
    world.pipeline.stateReplaced()
    expect(world.said()).to.deep.equal([
      '1: 1 CONNECTION_LOSS unknown',
      '1: 2 CONNECTION_LOSS not-applied',
      '1: detached CONNECTION_LOSS',
    ])
    expect(world.pipeline.outstandingCount).to.equal(0)
  })
})

describe('an attachment whose session comes from elsewhere, or goes', () => {
  let world: PipelineWorld
  let session: SessionId
  beforeEach(() => {
    world = new PipelineWorld()
    world.lead()
    session = world.attachNew(1)
  })

  it('S7: who has the wrong password does not get in by the answer to another one who has left', () => {
    world.leave(1)
    world.attach(2, { resume: { session, password: right } })
    world.leave(2)
    world.attach(3, { resume: { session, password: wrong } })
    expect(world.asked.length).to.equal(2)
    world.revalidated(session, true)
    expect(world.said()).to.deep.equal([])
    world.revalidated(session, false)
    expect(world.said()).to.deep.equal(['3: detached SESSION_EXPIRED'])
  })

  it('S7: a wrong password neither detaches nor delays the client that has the session', () => {
    world.attach(2, { resume: { session, password: wrong } })
    world.ask(1, 1, create('/a').request)
    expect(world.submitted.map(({ cxid }) => cxid)).to.deep.equal([1])
    world.revalidated(session, false)
    expect(world.said()).to.deep.equal(['2: detached SESSION_EXPIRED'])
    world.apply(session, 1, create('/a').txn)
    expect(world.said()).to.deep.equal(['1: 1 created'])
  })

  it('S6: a request of the former attachment does not follow the question for the new one, whose numbers are the same', () => {
    world.attach(2, { resume: { session, password: right } })
    world.ask(1, 1, create('/old').request)
    expect(world.submitted).to.deep.equal([])
    world.revalidated(session, true)
    world.ask(2, 1, create('/new').request)
    expect(world.said()).to.deep.equal([
      '1: 1 SESSION_MOVED not-applied',
      '1: detached SESSION_MOVED',
      '2: attached 9000',
    ])
    expect(world.submitted.map(({ request }) => 'path' in request && request.path)).to.deep.equal(['/new'])
  })

  it('submits what waited when the one who asked for the session has left before the answer', () => {
    world.attach(2, { resume: { session, password: right } })
    world.ask(1, 1, create('/a').request)
    world.leave(2)
    world.revalidated(session, true)
    expect(world.submitted.map(({ cxid }) => cxid)).to.deep.equal([1])
  })

  it('S6: is let go when a txn is applied that its session asked for at another peer', () => {
    world.apply(session, 1, create('/new').txn)
    expect(world.said()).to.deep.equal(['1: detached SESSION_MOVED'])
  })

  it('S8: has the timeout of its new connection, if that is the shorter one', () => {
    world.attach(2, { resume: { session, password: right }, timeoutMs: 5000 })
    world.revalidated(session, true)
    expect(world.said()).to.deep.equal(['1: detached SESSION_MOVED', '2: attached 5000'])
  })

  it('S8: keeps the timeout by which the leader counts, if more is asked', () => {
    world.attach(2, { resume: { session, password: right }, timeoutMs: 40_000 })
    world.revalidated(session, true)
    expect(world.said()).to.deep.equal(['1: detached SESSION_MOVED', '2: attached 9000'])
    world.pipeline.tick(9000, true)
    expect(world.said()).to.deep.equal(['2: detached SESSION_EXPIRED'])
  })
})

describe('the lease of an attachment', () => {
  it('S2: runs from when the leader was asked for the session, not from when there was no leader to ask', () => {
    const world = new PipelineWorld()
    world.attach(1)
    world.now = { monotonic: 60_000, wall: 0 }
    world.lead()
    const { session, cxid } = world.submitted.shift()!
    world.apply(session, cxid, { kind: 'createSession', session, timeoutMs: 9000, password: right })
    world.pipeline.tick(60_000, true)
    expect(world.said()).to.deep.equal(['1: attached 9000'])
    world.pipeline.tick(69_000, true)
    expect(world.said()).to.deep.equal(['1: detached SESSION_EXPIRED'])
  })
})
