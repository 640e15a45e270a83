/**
 * What a learner has to tell the leader about its clients: the sessions heard of since the last pong. Each is told once per pong,
 * however often it was heard, so a busy client costs no more than a quiet one.
 * After: zab/learner puts them into the pong, the leader's expiry-queue.ts is touched with them, local-leases.ts remembers when.
 */
import type { SessionId } from '../../model/ids.js'

export class Touches {
  readonly #heard = new Set<SessionId>()

  touch(session: SessionId): void {
    this.#heard.add(session)
  }

  /** The session is closed: there is nothing more to tell. */
  forget(session: SessionId): void {
    this.#heard.delete(session)
  }

  get size(): number {
    return this.#heard.size
  }

  /** In order of first touch; the next pong begins empty. */
  take(): SessionId[] {
    const taken = [...this.#heard]
    this.#heard.clear()
    return taken
  }
}
