import { expect } from 'chai'
import { applyTxn } from '../../../../lib/core/operations/apply-txn.js'
import { LeaderRequests } from '../../../../lib/core/pipeline/leader-requests.js'
import { defaultProtocolOptions } from '../../../../lib/core/protocol-options.js'
import { Replica } from '../../../../lib/core/replica.js'
import { LifetimeAges } from '../../../../lib/core/tree/lifetime-ages.js'
import { OPEN_ACL_UNSAFE, TRUSTED } from '../../../../lib/model/acl.js'
import { CONTAINER } from '../../../../lib/model/create-mode.js'
import type { PeerId, SessionId } from '../../../../lib/model/ids.js'
import { PROTOCOL_HIGHEST } from '../../../../lib/model/peer-protocol.js'
import type { Proposal } from '../../../../lib/model/proposal.js'
import type { ForwardableRequest, WriteRequest } from '../../../../lib/model/request.js'
import { ZERO, type Zxid, zxid } from '../../../../lib/model/zxid.js'
import { access } from '../../../helpers/access.js'

const session = '0200000000000001' as SessionId
const password = new Uint8Array(16).fill(5)
const now = { monotonic: 0, wall: 0 }
const [here, there] = [1 as PeerId, 2 as PeerId]

class World {
  readonly replica = Replica.empty()
  readonly proposals: Proposal[] = []
  readonly answers: [to: PeerId, answer: unknown][] = []
  committed: Zxid = ZERO
  confirmedPing = 0
  /** Undefined: this epoch's zxids are used up. */
  next: (() => Zxid | undefined) | undefined
  storageLow = false
  lowestProtocol = PROTOCOL_HIGHEST
  readonly requests: LeaderRequests

  constructor() {
    const { replica, proposals, answers } = this
    const world = this
    const last = (): Zxid => proposals.at(-1)?.zxid ?? ZERO
    const door = {
      nextZxid: () => (world.next === undefined ? zxid(1, last().counter + 1) : world.next()),
      propose: (at: Zxid, by: SessionId, cxid: number, time: number, txn: Proposal['txn']) =>
        void proposals.push({ zxid: at, previous: last(), session: by, cxid, time, txn }),
      proof: () => world.confirmedPing + 1,
      report() {},
      audit() {},
      get confirmedPing() {
        return world.confirmedPing
      },
      get lastProposed() {
        return last()
      },
      get committed() {
        return world.committed
      },
    }
    const setup = {
      self: here,
      door,
      replica,
      access,
      options: defaultProtocolOptions,
      storageLow: () => world.storageLow,
      ages: new LifetimeAges(replica.tree, 0),
      lowestProtocol: () => world.lowestProtocol,
    }
    this.requests = new LeaderRequests(
      { ...setup, answers: { answer: (to, answer) => void answers.push([to, answer]) } },
      now,
    )
  }

  ask(from: PeerId, cxid: number, request: ForwardableRequest): void {
    this.requests.take(from, { kind: 'request', session, cxid, identities: TRUSTED, request }, now)
  }

  createSession(): void {
    this.ask(there, 0, { kind: 'createSession', session, timeoutMs: 4000, password })
  }

  /** Asks for the session, and proves that this leader is none that has been deposed. */
  revalidate(from: PeerId, by = password): void {
    this.requests.revalidateFor(from, { kind: 'revalidate', session, password: by }, now)
    this.prove()
  }

  prove(): void {
    this.confirmedPing += 1
    this.requests.advanced()
  }

  /** Commits and applies what has been proposed. */
  apply(): void {
    for (const proposal of this.proposals) {
      if (proposal.zxid.counter <= this.replica.zxid.counter) continue
      const { closedSession } = applyTxn(this.replica, proposal)
      this.committed = proposal.zxid
      this.requests.applied(proposal, closedSession)
    }
  }
}

const remove: WriteRequest = { kind: 'delete', path: '/a', version: -1 }

describe("leader's requests", () => {
  it('D7: refuses what needs room while its disk is low, whoever asks, and gives it no zxid', () => {
    const world = new World()
    world.createSession()
    world.apply()
    world.storageLow = true
    const data = new Uint8Array(1)
    const create = { kind: 'create', path: '/b', data, acl: [], mode: { ephemeral: false, sequential: false } } as const
    const asked: ForwardableRequest[] = [
      create,
      { kind: 'setData', path: '/a', data, version: -1 },
      { kind: 'setAcl', path: '/a', acl: [], version: -1 },
      { kind: 'multi', steps: [remove as never, create] },
    ]
    for (const [at, request] of asked.entries()) world.ask(there, at + 1, request)
    expect(world.proposals.length).to.equal(1)
    expect(world.answers).to.deep.equal(
      asked.map((_, at) => [there, { kind: 'refused', session, cxid: at + 1, code: 'STORAGE_LOW' }]),
    )
    world.storageLow = false
    world.ask(there, 5, create)
    expect(world.proposals.length).to.equal(2)
  })

  it('D7: deletes, opens, closes and expires while its disk is low', () => {
    const world = new World()
    world.storageLow = true
    world.createSession()
    world.apply()
    world.ask(there, 1, remove)
    world.ask(there, 2, { kind: 'multi', steps: [{ kind: 'delete', path: '/a', version: -1 }] })
    world.ask(there, 3, { kind: 'closeSession' })
    expect(world.proposals.map(({ txn }) => txn.kind)).to.deep.equal([
      'createSession',
      'error',
      'multi',
      'closeSession',
    ])
    expect(world.answers).to.deep.equal([])
    const expiring = new World()
    expiring.storageLow = true
    expiring.createSession()
    expiring.apply()
    for (let at = 0; at <= 60_000; at += 1000) expiring.requests.expire({ monotonic: at, wall: at })
    expect(expiring.proposals.map(({ txn }) => txn.kind)).to.deep.equal(['createSession', 'closeSession'])
  })

  it('Z26: makes no container and no TTL znode while a peer is linked that could not read it', () => {
    const world = new World()
    world.createSession()
    world.apply()
    const create = { kind: 'create', path: '/b', data: null, acl: OPEN_ACL_UNSAFE, mode: CONTAINER } as const
    const asked = [create, { ...create, path: '/c', lifetime: { kind: 'container' } as const }]
    world.lowestProtocol = 1
    for (const [at, request] of asked.entries()) world.ask(there, at + 1, request)
    world.lowestProtocol = 2
    world.ask(there, 3, asked[1]!)
    expect(world.proposals.map(({ txn }) => (txn.kind === 'error' ? txn.code : txn.kind))).to.deep.equal([
      'createSession',
      'create',
      'UNIMPLEMENTED',
      'create',
    ])
  })

  it('S6: refuses a session through the peer it has moved from, writes and syncs alike', () => {
    const world = new World()
    world.createSession()
    world.apply()
    world.revalidate(here)
    world.ask(there, 7, remove)
    world.ask(there, 8, { kind: 'sync', path: '/' })
    expect(world.answers).to.deep.equal([
      [here, { kind: 'revalidated', session, valid: true, proposed: zxid(1, 1) }],
      [there, { kind: 'refused', session, cxid: 7, code: 'SESSION_MOVED' }],
      [there, { kind: 'refused', session, cxid: 8, code: 'SESSION_MOVED' }],
    ])
    expect(world.proposals).to.have.length(1)
    world.ask(here, 1, remove)
    expect(world.proposals).to.have.length(2)
  })

  it('C8: a sync of a session that attaches anew is answered as moved: its number may be used again', () => {
    const world = new World()
    world.createSession()
    world.apply()
    world.ask(there, 1, remove)
    world.ask(there, 3, { kind: 'sync', path: '/' })
    world.revalidate(there)
    world.ask(there, 3, { kind: 'sync', path: '/' })
    world.apply()
    world.prove()
    expect(world.answers).to.deep.equal([
      [there, { kind: 'refused', session, cxid: 3, code: 'SESSION_MOVED' }],
      [there, { kind: 'revalidated', session, valid: true, proposed: zxid(1, 2) }],
      [there, { kind: 'synced', session, cxid: 3, zxid: zxid(1, 2) }],
    ])
  })

  it('S7: a wrong password is answered like an unknown session, and moves nothing', () => {
    const world = new World()
    world.createSession()
    world.apply()
    world.revalidate(here, new Uint8Array(16))
    expect(world.answers).to.deep.equal([[here, { kind: 'revalidated', session, valid: false, proposed: zxid(1, 1) }]])
    world.ask(there, 7, remove)
    expect(world.proposals).to.have.length(2)
  })

  it('S2: knows a session that others have and its own slow disk has not', () => {
    const world = new World()
    world.createSession()
    world.revalidate(here)
    expect(world.answers).to.deep.equal([[here, { kind: 'revalidated', session, valid: true, proposed: zxid(1, 1) }]])
  })

  it('S3: ends a silent session that it has not applied itself, for its own disk stands still', () => {
    const world = new World()
    world.createSession()
    world.requests.expire({ monotonic: 4000, wall: 0 })
    expect(world.proposals).to.have.length(1)
    world.requests.expire({ monotonic: 4000 + defaultProtocolOptions.tickMs, wall: 0 })
    expect(world.proposals.at(-1)).to.deep.include({ session, cxid: 0, txn: { kind: 'closeSession', session } })
  })

  it('C16: lets no session go on before it has proved that it still leads: its successor may have ended it', () => {
    const world = new World()
    world.createSession()
    world.apply()
    world.requests.revalidateFor(here, { kind: 'revalidate', session, password }, now)
    expect(world.answers).to.deep.equal([])
    world.ask(there, 7, remove)
    expect(world.proposals, 'it is still where it was').to.have.length(2)
    world.prove()
    expect(world.answers).to.deep.equal([[here, { kind: 'revalidated', session, valid: true, proposed: zxid(1, 2) }]])
  })

  it('S2: calls no session unknown before it has proved that it still leads', () => {
    const world = new World()
    world.requests.revalidateFor(there, { kind: 'revalidate', session, password }, now)
    expect(world.answers).to.deep.equal([])
    world.prove()
    expect(world.answers).to.deep.equal([[there, { kind: 'revalidated', session, valid: false, proposed: ZERO }]])
  })

  it('C16: says nothing of a session whose end is proposed until that is committed', () => {
    const world = new World()
    world.createSession()
    world.apply()
    world.ask(there, 1, { kind: 'closeSession' })
    world.revalidate(here)
    expect(world.answers).to.deep.equal([])
    world.apply()
    expect(world.answers).to.deep.equal([[here, { kind: 'revalidated', session, valid: false, proposed: zxid(1, 2) }]])
  })

  it('C7: a write that fails takes its zxid like any other', () => {
    const world = new World()
    world.createSession()
    world.ask(there, 1, remove)
    expect(world.proposals[1]).to.deep.include({ zxid: zxid(1, 2), txn: { kind: 'error', code: 'NO_NODE' } })
  })

  it('Z5: proposes nothing when the zxids of the epoch are used up', () => {
    const world = new World()
    world.createSession()
    world.next = () => undefined
    world.ask(there, 1, remove)
    expect(world.proposals).to.have.length(1)
    expect(world.answers).to.deep.equal([])
  })

  it('C8: answers a sync when what was proposed is committed and the leadership proved', () => {
    const world = new World()
    world.createSession()
    world.ask(there, 1, { kind: 'sync', path: '/' })
    world.prove()
    expect(world.answers).to.deep.equal([])
    world.apply()
    world.requests.advanced()
    expect(world.answers).to.deep.equal([[there, { kind: 'synced', session, cxid: 1, zxid: zxid(1, 1) }]])
  })
})
