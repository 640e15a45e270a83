/**
 * The leader's side of all requests, its own clients' and the learners': prepare and propose, syncs, sessions that move or expire, znodes that are
 * out of use.
 * One per leadership, made when it is established and every committed txn is applied.
 * Before: request-stations.ts here, forward.ts on a learner. After: zab/leader-broadcast.ts; answers leave through `LeaderAnswers`.
 */
import type { PeerId, SessionId } from '../../model/ids.js'
import type { Proposal } from '../../model/proposal.js'
import type { SessionRecord } from '../../model/session-record.js'
import type { Zxid } from '../../model/zxid.js'
import { Housekeeping } from '../housekeeping.js'
import type { Now } from '../input.js'
import type { ProtocolOptions } from '../protocol-options.js'
import { Reaper } from '../reaper.js'
import type { Replica } from '../replica.js'
import { samePassword } from '../session/same-password.js'
import type { Access } from '../tree/access.js'
import type { LifetimeAges } from '../tree/lifetime-ages.js'
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
  /**
   * Who asked for a session: told once a heartbeat proves that no other leader can tell. One that has been deposed and does not know it would let a
   * session go on that its successor has ended (C16), or call one unknown that its successor has created (S2).
   */
  #asked: { readonly from: PeerId; readonly question: Revalidate; readonly proof: number }[] = []
  readonly #housekeeping: Housekeeping
  readonly #reaper: Reaper
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
      lowestProtocol: () => number
      ages: LifetimeAges
    },
    now: Now,
  ) {
    this.#self = setup.self
    this.#door = setup.door
    this.#answers = setup.answers
    this.#station = new PrepareStation(setup, now)
    this.#housekeeping = new Housekeeping(setup.options.tickMs, setup.replica.sessions.all(), now.monotonic)
    this.#reaper = new Reaper(setup.replica.tree, setup.ages, setup.options, now.monotonic)
  }

  understands(): boolean {
    return true
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
      // From now on, not when it is applied here: this peer's own disk may be slow, or stand still (S3).
      else if (request.request.kind === 'createSession')
        this.#housekeeping.opened(session, request.request.timeoutMs, now.monotonic)
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

  revalidateFor(from: PeerId, question: Revalidate, now: Now): void {
    if (this.#recordOf(question) !== undefined) this.#housekeeping.touch(question.session, now.monotonic)
    this.#asked.push({ from, question, proof: this.#door.proof(now.monotonic) })
    this.advanced()
  }

  get pendingSyncs(): number {
    return this.#barrier.size
  }

  touch(session: SessionId, now: Now): void {
    this.#housekeeping.touch(session, now.monotonic)
  }

  /** Called in every step, so at least at every heartbeat, as the expiry queue needs it. */
  expire(now: Now): void {
    if (this.#draining) return
    for (const session of this.#housekeeping.expired(now.monotonic)) this.#station.close(session, now)
    for (const request of this.#reaper.due(now.monotonic)) this.#station.reap(request, now)
  }

  get nextAt(): number {
    return this.#draining ? Number.POSITIVE_INFINITY : Math.min(this.#housekeeping.nextAt, this.#reaper.nextAt)
  }

  /** Something was committed, or a heartbeat confirmed: syncs and questions may be due. */
  advanced(): void {
    const { confirmedPing } = this.#door
    const proved = this.#asked.filter(each => each.proof <= confirmedPing)
    if (proved.length > 0) this.#asked = this.#asked.filter(each => each.proof > confirmedPing)
    for (const { from, question } of proved) this.#answerQuestion(from, question)
    for (const { from, session, cxid, zxid } of this.#barrier.take(this.#door.committed, this.#door.confirmedPing)) {
      this.#answers.answer(from, { kind: 'synced', session, cxid, zxid })
    }
  }

  applied(proposal: Proposal, closed: SessionId | undefined): void {
    this.#station.committed(proposal.zxid)
    const { txn } = proposal
    if (txn.kind === 'createSession') this.#station.opened(txn.session)
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

  /** A wrong password is answered like an unknown session and disturbs nobody (S7). */
  #answerQuestion(from: PeerId, question: Revalidate): void {
    const { session } = question
    if (this.#station.isEnding(session)) {
      this.#ending.push({ from, session })
      return
    }
    const valid = this.#recordOf(question) !== undefined
    if (valid) this.#moved(session, from)
    this.#answers.answer(from, { kind: 'revalidated', session, valid, proposed: this.#door.lastProposed })
  }

  /** Its syncs were asked for by an attachment that is over: the next one may count from 1 again, and would take their answers for its own (C8). */
  #moved(session: SessionId, to: PeerId): void {
    this.#station.moved(session, to)
    for (const { from, cxid } of this.#barrier.remove(session))
      this.#answers.answer(from, { kind: 'refused', session, cxid, code: 'SESSION_MOVED' })
  }

  #recordOf({ session, password }: Revalidate): SessionRecord | undefined {
    const record = this.#station.session(session)
    return record !== undefined && samePassword(record.password, password) ? record : undefined
  }
}
