/**
 * So many a second, and after a quiet time as many at once: a bucket that holds a second's worth of tokens and fills at a steady pace.
 *
 * Always holds: over any stretch of time no more is given than one bucket and what has flowed in since. Times are the caller's, monotonic; nothing ticks here.
 * Used by admission.ts. Invariants §5.3.
 */
export class TokenBucket {
  readonly #perSecond: number
  #tokens: number
  #at: number

  /** Full. */
  constructor(perSecond: number, now: number) {
    this.#perSecond = perSecond
    this.#tokens = perSecond
    this.#at = now
  }

  /** False when there is none. */
  take(now: number): boolean {
    this.#fill(now)
    if (this.#tokens < 1) return false
    this.#tokens -= 1
    return true
  }

  /** It remembers nothing: a new one would be the same. */
  full(now: number): boolean {
    this.#fill(now)
    return this.#tokens === this.#perSecond
  }

  #fill(now: number): void {
    this.#tokens = Math.min(this.#perSecond, this.#tokens + ((now - this.#at) * this.#perSecond) / 1000)
    this.#at = now
  }
}
