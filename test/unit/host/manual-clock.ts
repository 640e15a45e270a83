import type { Clock } from '../../../lib/host/clock.js'

/** Time that passes only by `advance`. */
export class ManualClock implements Clock {
  earlyByMs = 0
  #now = 0
  #nextId = 0
  readonly #timers = new Map<number, { at: number; callback: () => void }>()

  now = (): number => this.#now
  wall = (): number => 1_700_000_000_000 + this.#now
  afterLoop = (callback: () => void): void => {
    setImmediate(callback)
  }

  schedule = (afterMs: number, callback: () => void): (() => void) => {
    const id = this.#nextId++
    this.#timers.set(id, { at: this.#now + Math.max(0, afterMs - this.earlyByMs), callback })
    this.earlyByMs = 0
    return () => this.#timers.delete(id)
  }

  get timers(): number {
    return this.#timers.size
  }

  advance(ms: number): void {
    const until = this.#now + ms
    for (;;) {
      let due: [number, { at: number; callback: () => void }] | undefined
      for (const entry of this.#timers)
        if (entry[1].at <= until && (due === undefined || entry[1].at < due[1].at)) due = entry
      if (due === undefined) break
      this.#timers.delete(due[0])
      this.#now = Math.max(this.#now, due[1].at)
      due[1].callback()
    }
    this.#now = until
  }
}
