/**
 * The states a peer goes through, and what each allows. Idempotent by construction: every way to the end is the same way.
 *
 *   opening → running → closing → closed
 *                └─────────────→ failed   (a failed peer has let go of everything; close() is still fine)
 *
 * Before: peer-host moves it. After: status, health and calls ask it.
 */
import { type ErrorCode, ZooKeeperError } from '../model/errors.js'
import { invariant } from '../model/invariant.js'

export type LifecycleState = 'opening' | 'running' | 'closing' | 'closed' | 'failed'

const allowed: Readonly<Record<LifecycleState, readonly LifecycleState[]>> = {
  opening: ['running', 'closed', 'failed'],
  running: ['closing', 'failed'],
  closing: ['closed', 'failed'],
  closed: [],
  failed: [],
}

export class Lifecycle {
  #state: LifecycleState = 'opening'
  #error: ZooKeeperError | undefined

  get state(): LifecycleState {
    return this.#state
  }

  /** Why it failed. */
  get error(): ZooKeeperError | undefined {
    return this.#error
  }

  get ended(): boolean {
    return this.#state === 'closed' || this.#state === 'failed'
  }

  enter(next: Exclude<LifecycleState, 'failed'>): void {
    invariant(allowed[this.#state].includes(next), `a peer cannot go from ${this.#state} to ${next}`)
    this.#state = next
  }

  /** The first failure is the one that is remembered. */
  fail(code: ErrorCode, message: string, cause?: unknown): void {
    if (this.ended) return
    this.#state = 'failed'
    this.#error = new ZooKeeperError(code, message, cause === undefined ? {} : { cause })
  }

  /** What a call gets that this state does not allow; undefined while the peer is running. */
  refusal(): ZooKeeperError | undefined {
    if (this.#state === 'running') return undefined
    if (this.#error !== undefined) {
      return new ZooKeeperError(this.#error.code, `the peer has failed: ${this.#error.message}`, { cause: this.#error })
    }
    return new ZooKeeperError('CLOSED', `the peer is ${this.#state}`)
  }
}
