/**
 * The core's one alarm clock (effect `wakeAt`). The core moves it with almost every step, mostly to later; a timer is only armed
 * again when the time moves to earlier or when it fired too soon.
 *
 * Always holds: at most one timer, none after `cancel`.
 */
import type { Clock } from './clock.js'

export class Alarm {
  readonly #clock: Pick<Clock, 'now' | 'schedule'>
  readonly #ring: () => void
  #at = Number.POSITIVE_INFINITY
  #armedFor = Number.POSITIVE_INFINITY
  #disarm: (() => void) | undefined

  constructor(clock: Pick<Clock, 'now' | 'schedule'>, ring: () => void) {
    this.#clock = clock
    this.#ring = ring
  }

  /** Monotonic milliseconds; replaces the time set before. */
  set(at: number): void {
    this.#at = at
    if (at < this.#armedFor) this.#arm()
  }

  cancel(): void {
    this.#disarm?.()
    this.#disarm = undefined
    this.#at = Number.POSITIVE_INFINITY
    this.#armedFor = Number.POSITIVE_INFINITY
  }

  #arm(): void {
    this.#disarm?.()
    this.#armedFor = this.#at
    // Rounded up: a timer of 0.4 ms would fire at once, again and again, until the time has come.
    this.#disarm = this.#clock.schedule(Math.max(0, Math.ceil(this.#at - this.#clock.now())), () => {
      this.#disarm = undefined
      this.#armedFor = Number.POSITIVE_INFINITY
      if (this.#clock.now() < this.#at) {
        if (this.#at !== Number.POSITIVE_INFINITY) this.#arm()
        return
      }
      this.#at = Number.POSITIVE_INFINITY
      this.#ring()
    })
  }
}
