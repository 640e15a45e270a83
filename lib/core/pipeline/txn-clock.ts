/**
 * The time that a leader writes into its txns: wall-clock milliseconds, never below the txn before (C12).
 *
 * Always holds: a wall clock that runs ahead of the monotonic one by more than AHEAD_MS at once is reported and not followed, since nothing
 * brings the times of txns back; one that has stayed ahead for BELIEVED_MS was right (the machine slept, or the clock was set right) and is
 * followed from then on. What the clock says when a leadership begins is believed: there is nothing to hold it against.
 * Used by prepare.ts. Leases and expiry never ask the wall clock.
 */
import type { Now } from '../input.js'

/** @internal */
export const AHEAD_MS = 3_600_000
/** @internal */
export const BELIEVED_MS = 600_000

export class TxnClock {
  readonly #report: (level: 'info' | 'warn', message: string) => void
  #last: number
  /** The last moment at which both clocks were believed. */
  #anchor: Now
  #aheadSince: number | undefined

  /** @param last time of the last txn. */
  constructor(last: number, now: Now, report: (level: 'info' | 'warn', message: string) => void) {
    this.#last = last
    this.#anchor = now
    this.#report = report
  }

  next(now: Now): number {
    this.#last = Math.max(this.#last, this.#believed(now))
    return this.#last
  }

  #believed(now: Now): number {
    const expected = Math.floor(this.#anchor.wall + now.monotonic - this.#anchor.monotonic)
    const ahead = now.wall - expected
    if (ahead > AHEAD_MS) {
      if (this.#aheadSince === undefined) {
        this.#aheadSince = now.monotonic
        this.#report('warn', `the wall clock is ${ahead} ms ahead of where it was: not followed for ${BELIEVED_MS} ms`)
      }
      if (now.monotonic - this.#aheadSince < BELIEVED_MS) return expected
      this.#report('info', `the wall clock has stayed ${ahead} ms ahead: followed`)
    }
    this.#aheadSince = undefined
    this.#anchor = now
    return now.wall
  }
}
