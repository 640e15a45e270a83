/**
 * Who lets time pass: somebody who wants it to be later, somebody who waits for a condition, and, by itself, whoever waits for the answer
 * to a call. On real time it passes anyway, and only conditions are looked at now and then.
 *
 * Always holds: virtual time stands still while nobody waits; whoever's wait is over goes on before the next event.
 * Before: open-ensemble.ts. After: timeline.ts.
 */
import { ZooKeeperError } from '../../model/errors.js'
import type { Timeline, VirtualTime } from './timeline.js'

export interface Driver {
  readonly timeline: Timeline
  /** Resolves with whether the condition came true within the limit, in ms from now. Rejects with what the condition throws. */
  wait(limitMs: number, condition?: () => boolean): Promise<boolean>
  /** Time ends; whoever waits hears CLOSED. */
  close(): void
  /** The application waits for something: time passes until what this returns is called. */
  readonly waiting: (() => () => void) | undefined
}

interface Wait {
  readonly limit: number
  readonly condition: (() => boolean) | undefined
  readonly resolve: (held: boolean) => void
  readonly reject: (error: unknown) => void
}

/** How long virtual time passes for calls alone, when none of them is answered. After that nobody can be waiting for their sake. */
const PATIENCE_MS = 3_600_000
const LOOK_EVERY_MS = 5

export class VirtualDriver implements Driver {
  readonly timeline: VirtualTime
  readonly #waits = new Set<Wait>()
  readonly #calls = new Set<object>()
  #lastAnswer = 0
  #driving = false

  constructor(timeline: VirtualTime) {
    this.timeline = timeline
  }

  wait(limitMs: number, condition?: () => boolean): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#waits.add({ limit: this.timeline.now() + limitMs, condition, resolve, reject })
      void this.#drive()
    })
  }

  readonly waiting = (): (() => void) => {
    const call = {}
    if (this.#calls.size === 0) this.#lastAnswer = this.timeline.now()
    this.#calls.add(call)
    void this.#drive()
    return () => {
      if (this.#calls.delete(call)) this.#lastAnswer = this.timeline.now()
    }
  }

  close(): void {
    const waits = [...this.#waits]
    this.#waits.clear()
    this.#calls.clear()
    for (const { reject } of waits) reject(closed())
    this.timeline.close()
  }

  async #drive(): Promise<void> {
    if (this.#driving) return
    this.#driving = true
    try {
      while (this.#until() !== undefined) {
        await this.timeline.run(
          () => this.#until(),
          () => this.#settle(),
        )
        this.#settle()
      }
    } catch (error) {
      // A bug: whoever waits is to hear of it.
      for (const { reject } of this.#waits) reject(error)
      this.#waits.clear()
      this.#calls.clear()
    } finally {
      this.#driving = false
    }
  }

  /** How far time may go; undefined when nobody wants it to. */
  #until(): number | undefined {
    let until = Number.POSITIVE_INFINITY
    for (const { limit } of this.#waits) until = Math.min(until, limit)
    if (this.#waits.size > 0) return until
    const patience = this.#lastAnswer + PATIENCE_MS
    return this.#calls.size > 0 && this.timeline.now() < patience ? patience : undefined
  }

  /** True when somebody's wait is over. */
  #settle(): boolean {
    let any = false
    for (const wait of this.#waits) {
      try {
        const held = wait.condition?.() === true
        if (!held && this.timeline.now() < wait.limit) continue
        wait.resolve(held)
      } catch (error) {
        wait.reject(error)
      }
      this.#waits.delete(wait)
      any = true
    }
    return any
  }
}

export class RealDriver implements Driver {
  readonly timeline: Timeline
  readonly waiting = undefined
  readonly #pauses = new Set<() => void>()
  #closed = false

  constructor(timeline: Timeline) {
    this.timeline = timeline
  }

  async wait(limitMs: number, condition?: () => boolean): Promise<boolean> {
    const limit = this.timeline.now() + limitMs
    for (;;) {
      if (this.#closed) throw closed()
      if (condition?.() === true) return true
      const left = limit - this.timeline.now()
      if (left <= 0) return false
      const pause = condition === undefined ? left : Math.min(left, LOOK_EVERY_MS)
      await new Promise<void>(resolve => {
        this.#pauses.add(resolve)
        this.timeline.after(pause, () => {
          this.#pauses.delete(resolve)
          resolve()
        })
      })
    }
  }

  close(): void {
    this.#closed = true
    this.timeline.close()
    for (const resume of this.#pauses) resume()
  }
}

function closed(): ZooKeeperError {
  return new ZooKeeperError('CLOSED', 'the ensemble was closed meanwhile')
}
