/**
 * Sessions that only this peer knows: no txn, nothing on disk, nothing for others to expire. They cost the ensemble nothing, own no ephemerals (S10),
 * and end with this peer. One that wants more is upgraded, and is an ordinary one from then on.
 *
 * Always holds: a session ends no earlier than its timeout after its last touch, by this peer's monotonic clock; one whose client is of this
 * process is touched as long as it is attached. Used by pipeline/local-attachments.ts. ZooKeeper: LocalSessionTracker.
 */
import type { SessionId } from '../../model/ids.js'
import { samePassword } from './same-password.js'

interface LocalSession {
  readonly password: Uint8Array
  timeoutMs: number
  deadline: number
}

export class LocalSessions {
  readonly #sessions = new Map<SessionId, LocalSession>()
  /** None ends before. Touches move deadlines only away, so it is looked at again when it has come. */
  #lookAt = Number.POSITIVE_INFINITY

  open(session: SessionId, password: Uint8Array, timeoutMs: number, now: number): void {
    this.#sessions.set(session, { password, timeoutMs, deadline: now + timeoutMs })
    this.#lookAt = Math.min(this.#lookAt, now + timeoutMs)
  }

  has(session: SessionId): boolean {
    return this.#sessions.has(session)
  }

  /** Goes on with it, under the timeout of the new attachment. False for a wrong password, which changes nothing (S7). */
  resume(session: SessionId, password: Uint8Array, timeoutMs: number, now: number): boolean {
    const known = this.#sessions.get(session)
    if (known === undefined || !samePassword(known.password, password)) return false
    known.timeoutMs = timeoutMs
    known.deadline = now + timeoutMs
    this.#lookAt = Math.min(this.#lookAt, known.deadline)
    return true
  }

  touch(session: SessionId, now: number): void {
    const known = this.#sessions.get(session)
    if (known !== undefined) known.deadline = now + known.timeoutMs
  }

  end(session: SessionId): void {
    this.#sessions.delete(session)
    if (this.#sessions.size === 0) this.#lookAt = Number.POSITIVE_INFINITY
  }

  /** Those that were silent for too long. They are still known: the caller ends them, or touches them. */
  silent(now: number): readonly SessionId[] {
    if (now < this.#lookAt) return []
    const found: SessionId[] = []
    this.#lookAt = Number.POSITIVE_INFINITY
    for (const [session, known] of this.#sessions) {
      if (known.deadline <= now) found.push(session)
      // One that is touched now has at least its timeout again.
      this.#lookAt = Math.min(this.#lookAt, known.deadline > now ? known.deadline : now + known.timeoutMs)
    }
    return found
  }

  get size(): number {
    return this.#sessions.size
  }

  get nextAt(): number {
    return this.#lookAt
  }
}
