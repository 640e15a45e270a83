/**
 * The leader's watch over silent sessions: for each the time at which it is expired, rounded up to a multiple of the tick, so
 * that sessions expire in few buckets and a touch mostly changes nothing. All times are monotonic milliseconds of one peer.
 *
 * Always holds: a session is reported no earlier than its timeout after its last touch (S2) and no later than one tick after that
 * (S3), provided `expired` is asked at least once a tick; it is reported once, and then forgotten until it is tracked again.
 * When nobody asked for longer than that, the leader itself was away (its event loop was blocked), and touches that came meanwhile
 * may be unread: then nothing expires for one more tick (S2: that was no silence the leader could have heard).
 * Made anew by each leader, which tracks every session of the table: nobody is expired for an election's silence (S9).
 * ZooKeeper: ExpiryQueue.
 */
import type { SessionId } from '../../model/ids.js'
import { invariant } from '../../model/invariant.js'

interface Tracked {
  timeoutMs: number
  deadline: number
}

export class ExpiryQueue {
  readonly #tickMs: number
  readonly #tracked = new Map<SessionId, Tracked>()
  /** By deadline; never empty. As many as the longest timeout has ticks, so a scan of the keys is short. */
  readonly #buckets = new Map<number, Set<SessionId>>()
  /** The deadline of the first bucket; undefined when it has to be looked for. */
  #earliest: number | undefined
  /** When `expired` was last asked; at first, when the first session was tracked. */
  #askedAt: number | undefined
  /** Nothing expires before this. */
  #patientUntil = Number.NEGATIVE_INFINITY

  constructor(tickMs: number) {
    invariant(tickMs > 0, 'a tick takes time')
    this.#tickMs = tickMs
  }

  /** Begins, or begins again, to wait for this session; its full timeout lies ahead. */
  track(session: SessionId, timeoutMs: number, now: number): void {
    this.remove(session)
    this.#askedAt ??= now
    const deadline = this.#roundUp(now + timeoutMs)
    this.#tracked.set(session, { timeoutMs, deadline })
    this.#enter(session, deadline)
  }

  /** The session was heard of. False if it is not tracked: unknown, or reported as expired. */
  touch(session: SessionId, now: number): boolean {
    const tracked = this.#tracked.get(session)
    if (tracked === undefined) return false
    const deadline = this.#roundUp(now + tracked.timeoutMs)
    if (deadline > tracked.deadline) {
      this.#leave(session, tracked.deadline)
      tracked.deadline = deadline
      this.#enter(session, deadline)
    }
    return true
  }

  remove(session: SessionId): boolean {
    const tracked = this.#tracked.get(session)
    if (tracked === undefined) return false
    this.#tracked.delete(session)
    this.#leave(session, tracked.deadline)
    return true
  }

  /** Those whose deadline has come, earliest bucket first. Each is returned once. */
  expired(now: number): SessionId[] {
    if (now - (this.#askedAt ?? now) > this.#tickMs) this.#patientUntil = now + this.#tickMs
    this.#askedAt = now
    if (now < this.#patientUntil || (this.#first() ?? Number.POSITIVE_INFINITY) > now) return []
    const due = [...this.#buckets.keys()].filter(deadline => deadline <= now).sort((a, b) => a - b)
    const sessions = due.flatMap(deadline => [...(this.#buckets.get(deadline) ?? [])])
    for (const session of sessions) this.remove(session)
    return sessions
  }

  /** When to ask for `expired` next; undefined while nothing is tracked. */
  nextDeadline(): number | undefined {
    const first = this.#first()
    return first === undefined ? undefined : Math.max(first, this.#patientUntil)
  }

  get size(): number {
    return this.#tracked.size
  }

  /** Asked in every step of a leader. */
  #first(): number | undefined {
    if (this.#earliest === undefined)
      for (const deadline of this.#buckets.keys())
        if (this.#earliest === undefined || deadline < this.#earliest) this.#earliest = deadline
    return this.#earliest
  }

  /** The next multiple of the tick, strictly later. */
  #roundUp(time: number): number {
    return (Math.floor(time / this.#tickMs) + 1) * this.#tickMs
  }

  #enter(session: SessionId, deadline: number): void {
    const bucket = this.#buckets.get(deadline)
    if (bucket === undefined) this.#buckets.set(deadline, new Set([session]))
    else bucket.add(session)
    if (this.#earliest !== undefined && deadline < this.#earliest) this.#earliest = deadline
  }

  #leave(session: SessionId, deadline: number): void {
    const bucket = this.#buckets.get(deadline)
    if (!bucket?.delete(session) || bucket.size > 0) return
    this.#buckets.delete(deadline)
    if (deadline === this.#earliest) this.#earliest = undefined
  }
}
