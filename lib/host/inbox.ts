/**
 * Inputs that wait for the core, in the order in which they happened. The core is never re-entered: whatever happens while a step
 * or its effects are under way lands here (architecture §4).
 *
 * Always holds: at most one `tick` waits; client requests are refused past `capacity` (R2). Completions and messages are always
 * taken: their number is bounded by what was asked for, and by the pause of links while `congested`.
 * Before: log-writer, links, local-channel, timers. After: peer-host steps them.
 */
import type { Input } from '../core/input.js'

const INBOX_CAPACITY = 65_536

export class Inbox {
  readonly #capacity: number
  #inputs: Input[] = []
  #head = 0
  #tickWaits = false

  constructor(capacity: number = INBOX_CAPACITY) {
    this.#capacity = capacity
  }

  get length(): number {
    return this.#inputs.length - this.#head
  }

  /** Half full: links had better deliver no more for now. */
  get congested(): boolean {
    return this.length * 2 >= this.#capacity
  }

  push(input: Input): void {
    if (input.kind === 'tick') {
      if (this.#tickWaits) return
      this.#tickWaits = true
    }
    this.#inputs.push(input)
  }

  /** For what a client can send without end; false when there is no room. */
  offer(input: Input): boolean {
    if (this.length >= this.#capacity) return false
    this.push(input)
    return true
  }

  /** The oldest input, or undefined. */
  take(): Input | undefined {
    if (this.#head === this.#inputs.length) return undefined
    const input = this.#inputs[this.#head++]!
    if (input.kind === 'tick') this.#tickWaits = false
    if (this.#head === this.#inputs.length) {
      this.#inputs = []
      this.#head = 0
    } else if (this.#head === 4096) {
      // Keeps what is already taken from being held while a long queue drains.
      this.#inputs = this.#inputs.slice(this.#head)
      this.#head = 0
    }
    return input
  }

  clear(): void {
    this.#inputs = []
    this.#head = 0
    this.#tickWaits = false
  }
}
