/**
 * The leader's side of all requests, its own clients' and the learners': prepare and propose, syncs, sessions that move or expire.
 * One per leadership, made when it is established and every committed txn is applied.
 * Before: request-pipeline.ts here, forward.ts on a learner. After: zab/leader-broadcast.ts; answers leave through `LeaderAnswers`.
 */
import type { PeerId, SessionId } from '../../model/ids.js'
import type { Proposal } from '../../model/proposal.js'
import type { Zxid } from '../../model/zxid.js'
import { Housekeeping } from '../housekeeping.js'
import type { Now } from '../input.js'
import type { ProtocolOptions } from '../protocol-options.js'
import type { Replica } from '../replica.js'
import { samePassword } from '../session/same-password.js'
import type { Access } from '../tree/access.js'
import type { ForwardedRequest, Refused, Revalidate, Revalidated, Synced } from '../zab/messages.js'
import { PrepareStation, type Proposer } from './prepare.js'
import type { Submission } from './submission.js'
import { SyncBarrier } from './sync-barrier.js'

/** Delivered to the peer's own client side, or sent to a learner. */
export interface LeaderAnswers {
  answer(to: PeerId, message: Refused | Synced | Revalidated): void
}

/** What the leadership offers. */
export interface LeaderDoor extends Proposer {
  /** The ping whose quorum of answers will prove that this peer leads after `now`; and the last one so answered. */
  proof(now: number): number
  readonly confirmedPing: number
  readonly lastProposed: Zxid
  readonly committed: Zxid
}

export class LeaderRequests implements Submission {
  readonly #self: PeerId
  readonly #door: LeaderDoor
  readonly #answers: LeaderAnswers
  readonly #station: PrepareStation
  readonly #barrier = new SyncBarrier()
  /** Who asked for a session whose end is proposed: answered when that is committed. Else the next leader is asked. */
  #ending: { readonly from: PeerId; readonly session: SessionId }[] = []
  /** Who asked for a session that this leader does not know: told so once a heartbeat proves that no other leader can. */
  #unknown: { readonly from: PeerId; readonly session: SessionId; readonly proof: number }[] = []
  readonly #housekeeping: Housekeeping
  #draining = false

  constructor(
    setup: {
      self: PeerId
      door: LeaderDoor
      replica: Replica
      options: ProtocolOptions
      access: Access
      answers: LeaderAnswers
      storageLow: () => boolean
    },
    now: Now,
  ) {
    this.#self = setup.self
    this.#door = setup.door
    this.#answers = setup.answers
    this.#station = new PrepareStation({ ...setup, proposer: setup.door }, now)
    this.#housekeeping = new Housekeeping(setup.options.tickMs, setup.replica.sessions.all(), now.monotonic)
  }

  submit(request: ForwardedRequest, now: Now): void {
    this.take(this.#self, request, now)
  }

  /** This peer closes: what comes now is left to the next leader, so that everything proposed can be committed and handed over. */
  drain(): void {
    this.#draining = true
  }

  take(from: PeerId, request: ForwardedRequest, now: Now): void {
    if (this.#draining) return
    const { session, cxid } = request
    this.#housekeeping.touch(session, now.monotonic)
    if (request.request.kind !== 'sync') {
      const code = this.#station.take(from, { ...request, request: request.request }, now)
      if (code !== undefined) this.#answers.answer(from, { kind: 'refused', session, cxid, code })
    } else if (!this.#station.ownedBy(from, session)) {
      this.#answers.answer(from, { kind: 'refused', session, cxid, code: 'SESSION_MOVED' })
    } else {
      this.#barrier.add({ from, session, cxid, zxid: this.#door.lastProposed, proof: this.#door.proof(now.monotonic) })
      this.advanced()
    }
  }

  revalidate(request: Revalidate, now: Now): void {
    this.revalidateFor(this.#self, request, now)
  }

  /** A wrong password is answered like an unknown session and disturbs nobody (S7). */
  revalidateFor(from: PeerId, { session, password }: Revalidate, now: Now): void {
    if (this.#station.isEnding(session)) {
      this.#ending.push({ from, session })
      return
    }
    const record = this.#station.session(session)
    if (record === undefined) {
      this.#unknown.push({ from, session, proof: this.#door.proof(now.monotonic) })
      this.advanced()
      return
    }
    const valid = samePassword(record.password, password)
    if (valid) {
      this.#station.moved(session, from)
      this.#housekeeping.touch(session, now.monotonic)
    }
    this.#answers.answer(from, { kind: 'revalidated', session, valid, proposed: this.#door.lastProposed })
  }

  touch(session: SessionId, now: Now): void {
    this.#housekeeping.touch(session, now.monotonic)
  }

  /** Called in every step, so at least at every heartbeat, as the expiry queue needs it. */
  expire(now: Now): void {
    if (this.#draining) return
    for (const session of this.#housekeeping.expired(now.monotonic)) this.#station.close(session, now)
  }

  get nextAt(): number {
    return this.#draining ? Number.POSITIVE_INFINITY : this.#housekeeping.nextAt
  }

  /** Something was committed, or a heartbeat confirmed: syncs may be due. */
  advanced(): void {
    const { confirmedPing, lastProposed } = this.#door
    const proved = this.#unknown.filter(each => each.proof <= confirmedPing)
    if (proved.length > 0) this.#unknown = this.#unknown.filter(each => each.proof > confirmedPing)
    for (const { from, session } of proved) {
      this.#answers.answer(from, { kind: 'revalidated', session, valid: false, proposed: lastProposed })
    }
    for (const { from, session, cxid, zxid } of this.#barrier.take(this.#door.committed, this.#door.confirmedPing)) {
      this.#answers.answer(from, { kind: 'synced', session, cxid, zxid })
    }
  }

  applied(proposal: Proposal, closed: SessionId | undefined, now: Now): void {
    this.#station.committed(proposal.zxid)
    const { txn } = proposal
    if (txn.kind === 'createSession') {
      this.#housekeeping.opened(txn.session, txn.timeoutMs, now.monotonic)
      this.#station.opened(txn.session)
    }
    if (closed !== undefined) {
      this.#housekeeping.closed(closed)
      this.#station.closed(closed)
      for (const { from, session } of this.#ending) {
        if (session === closed)
          this.#answers.answer(from, { kind: 'revalidated', session, valid: false, proposed: proposal.zxid })
      }
      this.#ending = this.#ending.filter(each => each.session !== closed)
    }
  }
}
