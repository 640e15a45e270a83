/**
 * The leader's chores: which sessions have been silent for too long. Made with the leadership; every timeout starts anew then (S2, S9), since
 * touches on their way to the former leader are lost.
 */
import type { SessionId } from '../model/ids.js'
import type { SessionRecord } from '../model/session-record.js'
import { ExpiryQueue } from './session/expiry-queue.js'

export class Housekeeping {
  readonly #expiry: ExpiryQueue

  constructor(tickMs: number, sessions: Iterable<SessionRecord>, now: number) {
    this.#expiry = new ExpiryQueue(tickMs)
    for (const { session, timeoutMs } of sessions) this.#expiry.track(session, timeoutMs, now)
  }

  opened(session: SessionId, timeoutMs: number, now: number): void {
    this.#expiry.track(session, timeoutMs, now)
  }
  closed(session: SessionId): void {
    this.#expiry.remove(session)
  }
  touch(session: SessionId, now: number): void {
    this.#expiry.touch(session, now)
  }

  /** Each once; the caller proposes to close them. */
  expired(now: number): readonly SessionId[] {
    return this.#expiry.expired(now)
  }

  get nextAt(): number {
    return this.#expiry.nextDeadline() ?? Number.POSITIVE_INFINITY
  }
}
