/**
 * Time that stands still until a test moves it: deterministic, and it knows whether a timer was left behind.
 * Always holds: timers fire in the order of their time, then of their making; between two of them all microtasks run dry.
 */
import type { ClientClock } from '../../lib/client/channel.js'

interface Timer {
  readonly at: number
  readonly number: number
  readonly callback: () => void
}

export class VirtualClock implements ClientClock {
  #now = 0
  #numbers = 0
  readonly #timers = new Set<Timer>()

  now(): number {
    return this.#now
  }

  schedule(afterMs: number, callback: () => void): () => void {
    const timer: Timer = { at: this.#now + Math.max(0, afterMs), number: this.#numbers++, callback }
    this.#timers.add(timer)
    return () => {
      this.#timers.delete(timer)
    }
  }

  /** Timers that have neither fired nor been cancelled. */
  get pending(): number {
    return this.#timers.size
  }

  /** Moves on, fires what falls due, and lets everything settle after each. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms
    await settled()
    for (let due = this.#next(until); due !== undefined; due = this.#next(until)) {
      this.#timers.delete(due)
      this.#now = due.at
      due.callback()
      await settled()
    }
    this.#now = until
  }

  #next(until: number): Timer | undefined {
    let first: Timer | undefined
    for (const timer of this.#timers) {
      if (timer.at > until) continue
      if (first === undefined || timer.at < first.at || (timer.at === first.at && timer.number < first.number))
        first = timer
    }
    return first
  }
}

/** After every tick and microtask that is due now, and those that they bring about. */
export function settled(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}
