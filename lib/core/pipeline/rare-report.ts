/**
 * Reports that clients can cause as often as they like: the first at once, then one a minute at most, which says how many were left out.
 * Used by prepare.ts.
 */
const APART_MS = 60_000

export class RareReport {
  readonly #report: (level: 'warn', message: string) => void
  #lastAt = Number.NEGATIVE_INFINITY
  #leftOut = 0

  constructor(report: (level: 'warn', message: string) => void) {
    this.#report = report
  }

  /** @param now monotonic. */
  tell(message: string, now: number): void {
    if (now - this.#lastAt < APART_MS) {
      this.#leftOut += 1
      return
    }
    const others = this.#leftOut === 0 ? '' : ` (and ${this.#leftOut} more reports like this since the last)`
    this.#report('warn', message + others)
    this.#lastAt = now
    this.#leftOut = 0
  }
}
