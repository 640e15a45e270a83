/**
 * How long this peer may still believe in the sessions of its embedded clients when it hears nothing from a leader. A lease ends
 * one session timeout after the last touch that the leader is known to have got, counted from the moment that touch was *sent*:
 * the leader counts from when it arrived, so the lease ends before the leader can expire the session.
 *
 * Flow: a pong with touches leaves (`sent`); a later ping shows that the leader has it (`confirmed`); the leases of its sessions
 * are then counted from the time of sending. The leader's own sessions are renewed at once (`renew`).
 * Always holds: a deadline never moves back while the session is held; a lost session is reported once.
 */
import type { SessionId } from '../../model/ids.js'

interface Lease {
  readonly timeoutMs: number
  deadline: number
}
interface SentPong {
  readonly number: number
  readonly sentAt: number
  readonly sessions: readonly SessionId[]
}

/** Pongs that wait for their confirmation. A leader that pings confirms; more than this are not worth remembering. */
const SENT_MAX = 32

export class LocalLeases {
  readonly #leases = new Map<SessionId, Lease>()
  #sent: SentPong[] = []
  /** A lower bound of all deadlines, exact unless `#stale`. */
  #earliest: number | undefined
  #stale = false

  /**
   * An embedded client has this session now.
   * @param from when the request that created or revalidated it was sent to the leader, monotonic milliseconds.
   */
  hold(session: SessionId, timeoutMs: number, from: number): void {
    this.release(session)
    const deadline = from + timeoutMs
    this.#leases.set(session, { timeoutMs, deadline })
    if (this.#earliest === undefined || deadline < this.#earliest) this.#earliest = deadline
  }

  /** Closed, or its client has left. */
  release(session: SessionId): boolean {
    const lease = this.#leases.get(session)
    if (lease === undefined) return false
    this.#leases.delete(session)
    if (lease.deadline === this.#earliest) this.#stale = true
    return true
  }

  /** On the leader a touch is confirmed at once. False if the session is not held. */
  renew(session: SessionId, at: number): boolean {
    const lease = this.#leases.get(session)
    if (lease === undefined) return false
    const deadline = at + lease.timeoutMs
    if (deadline > lease.deadline) {
      if (lease.deadline === this.#earliest) this.#stale = true
      lease.deadline = deadline
    }
    return true
  }

  /** A pong left. When its number is sent again before it is confirmed, only the first one counts: the confirmation may be its. */
  sent(pongNumber: number, sessions: Iterable<SessionId>, now: number): void {
    if (this.#sent.some(pong => pong.number === pongNumber)) return
    const held = [...sessions].filter(session => this.#leases.has(session))
    this.#sent.push({ number: pongNumber, sentAt: now, sessions: held })
    if (this.#sent.length > SENT_MAX) this.#sent.shift()
  }

  /** The leader has this pong, and, since links keep order, every one before it. */
  confirmed(pongNumber: number): void {
    const waiting: SentPong[] = []
    for (const pong of this.#sent) {
      if (pong.number > pongNumber) waiting.push(pong)
      else for (const session of pong.sessions) this.renew(session, pong.sentAt)
    }
    this.#sent = waiting
  }

  /** The link to the leader is gone, and with it the meaning of its pong numbers. Leases run on. */
  unlinked(): void {
    this.#sent = []
  }

  /** Those whose lease has ended, in order of deadline; no longer held afterwards. */
  lost(now: number): SessionId[] {
    const earliest = this.nextDeadline()
    if (earliest === undefined || earliest > now) return []
    const ended = [...this.#leases].filter(([, lease]) => lease.deadline <= now)
    ended.sort(([, a], [, b]) => a.deadline - b.deadline)
    for (const [session] of ended) this.release(session)
    return ended.map(([session]) => session)
  }

  /** When to ask for `lost` next; undefined while nothing is held. */
  nextDeadline(): number | undefined {
    if (this.#stale) {
      this.#stale = false
      this.#earliest = undefined
      for (const { deadline } of this.#leases.values()) {
        if (this.#earliest === undefined || deadline < this.#earliest) this.#earliest = deadline
      }
    }
    return this.#earliest
  }

  get size(): number {
    return this.#leases.size
  }
}
