/**
 * How long an election waits before it says its vote again: from a short time, doubled each time in vain, up to a long one.
 * Links are ordered and complete while they live, so this only helps against a peer that was not ready to listen.
 * ZooKeeper: fastleader.minNotificationInterval, maxNotificationInterval.
 */
export class Patience {
  readonly #maxMs: number
  #waitMs: number
  #at: number

  constructor(minMs: number, maxMs: number, now: number) {
    this.#maxMs = maxMs
    this.#waitMs = minMs
    this.#at = now + minMs
  }

  get endsAt(): number {
    return this.#at
  }

  /** True when it is time to speak again; the next wait is twice as long. */
  ended(now: number): boolean {
    if (now < this.#at) return false
    this.#waitMs = Math.min(this.#waitMs * 2, this.#maxMs)
    this.#at = now + this.#waitMs
    return true
  }
}
