/**
 * The timers of one session, on its channel's clock: when the session ends, none of them is left (R3). Used by session.ts.
 */
import type { ClientClock } from './channel.js'

export class SessionTimers {
  readonly #clock: ClientClock
  readonly #running = new Set<() => void>()

  constructor(clock: ClientClock) {
    this.#clock = clock
  }

  /** Returns how to cancel it. */
  schedule(afterMs: number, callback: () => void): () => void {
    const stop = this.#clock.schedule(afterMs, () => {
      this.#running.delete(cancel)
      callback()
    })
    const cancel = (): void => {
      stop()
      this.#running.delete(cancel)
    }
    this.#running.add(cancel)
    return cancel
  }

  scheduleAt(deadline: number, callback: () => void): () => void {
    return this.schedule(deadline - this.#clock.now(), callback)
  }

  cancelAll(): void {
    for (const cancel of [...this.#running]) cancel()
  }
}

/** It looks no more often than this. */
const LOOK_EVERY_MS = 5

/** One timer serves the deadlines of all calls: it stands at the earliest. */
export class DeadlineTimer {
  readonly #timers: SessionTimers
  readonly #clock: ClientClock
  readonly #expire: (now: number) => number
  #at = Number.POSITIVE_INFINITY
  #cancel = (): void => undefined
  #ended = false

  /** @param expire gives up what is due, and tells the earliest of the other deadlines; Infinity if there is none. */
  constructor(timers: SessionTimers, clock: ClientClock, expire: (now: number) => number) {
    this.#timers = timers
    this.#clock = clock
    this.#expire = expire
  }

  watch(deadline: number): void {
    if (deadline >= this.#at || this.#ended) return
    this.#cancel()
    this.#at = deadline
    this.#cancel = this.#timers.scheduleAt(deadline, () => {
      this.#at = Number.POSITIVE_INFINITY
      const now = this.#clock.now()
      const next = this.#expire(now)
      if (next !== Number.POSITIVE_INFINITY) this.watch(Math.max(next, now + LOOK_EVERY_MS))
    })
  }

  /** The session has ended: nothing is watched any more. */
  end(): void {
    this.#ended = true
    this.#cancel()
  }
}
