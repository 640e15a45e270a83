/**
 * The clocks of one simulated peer, against the world's own time: a monotonic one that may run at another rate, a wall clock that may be anywhere or
 * stand still, and timers, which may be coarse.
 *
 * Always holds: monotonic time never goes back, whatever happens to its rate; a timer never goes off before its time. (Invariants §4.4.)
 */
import type { Now } from '../core/input.js'

export class SimulatedClock {
  /** Wall clock minus the world's time; faults move it. */
  wallOffsetMs = 1_700_000_000_000
  /** What the wall clock shows as long as it stands still. */
  wallStandsAt: number | undefined
  /** Timers go off at whole multiples of this only: those of all peers at once. */
  timersEveryMs = 0
  #offset: number
  #rate = 1
  /** When it began to run at this rate. */
  #since = 0

  constructor(offsetMs: number) {
    this.#offset = offsetMs
  }

  get rate(): number {
    return this.#rate
  }

  /** From this moment of the world on. */
  setRate(rate: number, at: number): void {
    this.#offset = this.monotonic(at)
    this.#since = at
    this.#rate = rate
  }

  monotonic(at: number): number {
    return Math.floor((at - this.#since) * this.#rate) + this.#offset
  }

  now(at: number): Now {
    return { monotonic: this.monotonic(at), wall: this.wallStandsAt ?? Math.floor(at) + this.wallOffsetMs }
  }

  /** How much of the world's time is left until a timer of this clock goes off. */
  msUntil(monotonic: number, at: number): number {
    const left = Math.max(0, (monotonic - this.#offset) / this.#rate - (at - this.#since))
    if (this.timersEveryMs === 0) return left
    return Math.ceil((at + left) / this.timersEveryMs) * this.timersEveryMs - at
  }
}
