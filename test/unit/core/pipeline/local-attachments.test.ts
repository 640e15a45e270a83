import { expect } from 'chai'
import { EPHEMERAL, PERSISTENT } from '../../../../lib/model/create-mode.js'
import type { SessionId } from '../../../../lib/model/ids.js'
import type { Request } from '../../../../lib/model/request.js'
import { create, PipelineWorld } from './pipeline-world.js'

const getRoot: Request = { kind: 'getChildren', path: '/', watch: false }
const ephemeral: Request = { ...create('/e').request, mode: EPHEMERAL } as Request
const own = (effect: string) => effect.startsWith('1: ')

describe('local sessions', () => {
  let w: PipelineWorld
  const start = (options: object = {}): void => {
    w = new PipelineWorld({ localSessionsEnabled: true, ...options })
    w.lead()
  }
  const later = (ms: number): void => {
    w.now = { monotonic: w.now.monotonic + ms, wall: 0 }
    w.pipeline.tick(w.now.monotonic, true)
  }
  /** Of another process; returns its session. */
  const attach = (client: number, options: object = {}): SessionId => {
    w.attach(client, { embedded: false, ...options })
    const attached = w.outbox.take().find(effect => effect.kind === 'attached')
    return attached?.kind === 'attached' ? attached.session : ('none' as SessionId)
  }
  const password = new Uint8Array(16).fill(1)
  beforeEach(() => start())

  it('cost the ensemble nothing', () => {
    attach(1)
    w.ask(1, 1, getRoot)
    expect(w.said()).to.deep.equal(['1: 1 children'])
    expect(w.submitted).to.deep.equal([])
    w.pipeline.takeTouches(1, 0)
    expect(w.pipeline.touches.take()).to.deep.equal([])
  })

  it('write under the word of their own peer', () => {
    attach(1)
    w.ask(1, 1, create('/a').request)
    expect(w.submitted.map(({ local, request }) => [local, request.kind])).to.deep.equal([[true, 'create']])
  })

  it('are closed here, behind what they asked before', () => {
    const session = attach(1)
    w.ask(1, 1, create('/a').request)
    w.ask(1, 2, { kind: 'closeSession' })
    expect(w.said()).to.deep.equal([])
    w.apply(session, 1, create('/a').txn)
    expect(w.said()).to.deep.equal(['1: 1 created', '1: 2 done', 'audit', '1: detached CLOSED'])
    attach(2, { resume: { session, password } })
    expect(w.pipeline.clientCount).to.equal(1)
    expect(w.asked).to.have.lengthOf(1)
  })

  it('S8: expire after their timeout of silence, and not before', () => {
    attach(1, { timeoutMs: 5000 })
    later(4999)
    w.ask(1, 1, { kind: 'ping' })
    later(4999)
    expect(w.said()).to.deep.equal(['1: 1 done'])
    later(1)
    expect(w.said()).to.deep.equal(['audit', '1: detached SESSION_EXPIRED'])
  })

  it('are accounted for when they end, closed or not, once', () => {
    const results = (): unknown[] =>
      w.outbox
        .take()
        .flatMap(effect => (effect.kind === 'audit' ? [[effect.event.operation, effect.event.result]] : []))
    attach(1)
    w.ask(1, 1, { kind: 'closeSession' })
    expect(results()).to.deep.equal([['closeSession', 'OK']])
    attach(2, { timeoutMs: 5000 })
    later(5000)
    expect(results()).to.deep.equal([['closeSession', 'SESSION_EXPIRED']])
  })

  it('do not expire while something of theirs is under way, or their client is of this process', () => {
    attach(1, { timeoutMs: 5000 })
    attach(2, { timeoutMs: 5000, embedded: true })
    w.ask(1, 1, create('/a').request)
    for (let n = 0; n < 5; n++) later(5000)
    expect(w.said()).to.deep.equal([])
  })

  it('go on at their peer for who has the password (S7)', () => {
    const session = attach(1)
    w.leave(1)
    expect(attach(2, { resume: { session, password: new Uint8Array(16) } })).to.equal('none')
    expect(attach(3, { resume: { session, password } })).to.equal(session)
    later(3000)
    expect(attach(4, { resume: { session, password } })).to.equal(session)
    expect(w.pipeline.clientCount).to.equal(1)
  })

  it('end with an attachment that leaves something under way: nobody could tell its answers from later ones', () => {
    const session = attach(1)
    w.ask(1, 1, create('/a').request)
    w.leave(1)
    w.attach(2, { embedded: false, resume: { session, password } })
    // Unknown here, so the leader is asked, who knows it still less.
    expect(w.asked).to.have.lengthOf(1)
  })

  it('are known nowhere else: a leader is asked about other sessions only', () => {
    attach(1, { resume: { session: '0900000000000001', password } })
    expect(w.asked).to.have.lengthOf(1)
  })

  it('S10: are upgraded ahead of their first ephemeral', () => {
    start({ localSessionsUpgradingEnabled: true })
    const session = attach(1)
    w.ask(1, 1, create('/a').request)
    w.ask(1, 2, ephemeral)
    w.ask(1, 3, create('/b').request)
    const asked = w.submitted.map(({ cxid, local, request }) => `${cxid} ${request.kind}${local ? ' local' : ''}`)
    expect(asked).to.deep.equal(['1 create local', '0 createSession', '2 create', '3 create'])
    w.apply(session, 1, create('/a').txn)
    w.apply(session, 0, { kind: 'createSession', session, timeoutMs: 9000, password })
    expect(w.said()).to.deep.equal(['1: 1 created'])
    later(20_000)
    expect(w.said().filter(own)).to.deep.equal([])
  })

  it('C16: are held on a lease from the moment in which their upgrade is asked for, if their client is of this process', () => {
    start({ localSessionsUpgradingEnabled: true })
    attach(1, { embedded: true, timeoutMs: 5000 })
    w.pipeline.takeTouches(1, w.now.monotonic)
    expect(w.pipeline.touches.take()).to.deep.equal([])
    later(60_000)
    w.ask(1, 1, ephemeral)
    later(4999)
    expect(w.said()).to.deep.equal([])
    later(1)
    expect(w.said()).to.deep.equal(['1: 1 SESSION_EXPIRED unknown', '1: detached SESSION_EXPIRED'])
  })

  it('C16: are counted anew when their upgrade is asked for once more', () => {
    start({ localSessionsUpgradingEnabled: true })
    attach(1, { embedded: true, timeoutMs: 5000 })
    w.ask(1, 1, ephemeral)
    w.pipeline.suspend(0)
    later(4000)
    w.lead()
    later(4000)
    expect(w.said()).to.deep.equal([])
    later(1000)
    expect(w.said()).to.have.lengthOf(2)
  })

  it('S10: are upgraded for an ephemeral inside a multi too', () => {
    start({ localSessionsUpgradingEnabled: true })
    attach(1)
    w.ask(1, 1, { kind: 'multi', steps: [{ ...create('/a').request, mode: PERSISTENT } as never, ephemeral as never] })
    expect(w.submitted.map(({ request }) => request.kind)).to.deep.equal(['createSession', 'multi'])
  })

  it('S10: own no ephemeral where nothing is upgraded', () => {
    attach(1)
    w.ask(1, 1, ephemeral)
    expect(w.submitted.map(({ local, request }) => [local, request.kind])).to.deep.equal([[true, 'create']])
  })

  it('live through a change of leader, and ask again for what it lost', () => {
    attach(1)
    w.ask(1, 1, create('/a').request)
    w.pipeline.suspend(0)
    w.submitted = []
    w.lead()
    expect(w.submitted.map(({ local, cxid }) => [local, cxid])).to.deep.equal([[true, 1]])
  })

  it('wait for a leader to begin', () => {
    w = new PipelineWorld({ localSessionsEnabled: true })
    expect(attach(1)).to.equal('none')
    w.lead()
    expect(w.said()).to.deep.equal(['1: attached 9000'])
  })
})

describe('a peer without a leader, in read-only mode', () => {
  let w: PipelineWorld
  const later = (ms: number, sound = true): void => {
    w.now = { monotonic: w.now.monotonic + ms, wall: 0 }
    w.pipeline.tick(w.now.monotonic, sound)
  }
  const attach = (client: number, options: object = {}) =>
    w.attach(client, { embedded: false, readOnly: true, ...options })
  beforeEach(() => {
    w = new PipelineWorld({ localSessionsEnabled: true, readOnlyModeEnabled: true })
  })

  it('C15: serves reads to those who ask for it, after a while', () => {
    attach(1)
    later(1999)
    expect(w.said()).to.deep.equal([])
    later(1)
    expect(w.said()).to.deep.equal(['1: attached 9000 read-only'])
    attach(2)
    w.ask(2, 1, getRoot)
    expect(w.said()).to.deep.equal(['2: attached 9000 read-only', '2: 1 children'])
    expect(w.pipeline.readOnly).to.equal(true)
  })

  it('C15: takes no update, no sync, and opens no session that the ensemble would know', () => {
    later(2000)
    attach(1)
    w.said()
    w.ask(1, 1, create('/a').request)
    w.ask(1, 2, { kind: 'sync', path: '/' })
    w.ask(1, 3, ephemeral)
    w.ask(1, 4, { kind: 'multi', steps: [] })
    w.ask(1, 5, getRoot)
    expect(w.said()).to.deep.equal(['1: 1 error', '1: 2 error', '1: 3 error', '1: 4 error', '1: 5 children'])
    expect(w.submitted).to.deep.equal([])
    w.ask(1, 6, { kind: 'closeSession' })
    expect(w.said()).to.deep.equal(['1: 6 done', 'audit', '1: detached CLOSED'])
  })

  it('turns away who wants more', () => {
    later(2000)
    attach(1, { readOnly: false })
    attach(2, { resume: { session: '0900000000000001' as SessionId, password: new Uint8Array(16) } })
    expect(w.said()).to.deep.equal(['1: detached CONNECTION_LOSS', '2: detached CONNECTION_LOSS'])
  })

  it('lets go of everybody it served so, when there is a leader again', () => {
    later(2000)
    attach(1)
    w.attach(3)
    w.said()
    w.lead()
    expect(w.said()).to.deep.equal(['audit', '1: detached CONNECTION_LOSS', '3: attached 9000'])
    expect(w.pipeline.readOnly).to.equal(false)
  })

  it('gives nobody a state that is known to be wrong', () => {
    attach(1)
    later(5000, false)
    expect(w.said()).to.deep.equal([])
    expect(w.pipeline.readOnly).to.equal(false)
  })

  it('is left alone by timers once it has begun', () => {
    later(2000)
    expect(w.pipeline.nextAt).to.equal(Number.POSITIVE_INFINITY)
  })

  it('does none of it unless it is switched on', () => {
    w = new PipelineWorld({ localSessionsEnabled: true })
    attach(1)
    later(1e9)
    expect(w.said()).to.deep.equal([])
  })
})
