/**
 * What a world of real peers takes time from: virtual time, that jumps from event to event, or the real one.
 *
 * Always holds for virtual time: events come in the order of their time, then of their making; after each of them everything that
 * follows from it without waiting (microtasks, ticks) has run dry before the next begins, so equal worlds go equal ways (R4).
 * Before: open-ensemble.ts, test/simulation. After: virtual-process.ts, virtual-network.ts, virtual-disk.ts.
 */
import { systemClock } from '../../host/clock.js'
import { ZooKeeperError } from '../../model/errors.js'
import { EventQueue } from '../event-queue.js'

export interface Timeline {
  /** Milliseconds since the world began. */
  now(): number
  /** Calls back once, so much later; returns how to cancel it. */
  after(delayMs: number, callback: () => void): () => void
  /** Nothing that waits happens any more. */
  close(): void
}

/** Events of one turn of the real event loop: between two immediates of a turn, too, ticks and microtasks run dry. */
const EVENTS_PER_LOOP = 64
/** Less than a real timer can wait: the next turn of the loop. */
const SHORTEST_MS = 0.5
// As they are when this is loaded: a test may replace the timers of its process later.
const { setImmediate, clearImmediate } = globalThis

export class VirtualTime implements Timeline {
  #queue = new EventQueue()
  #now = 0
  #events = 0
  #pending = 0
  #running = false

  now(): number {
    return this.#now
  }

  /** Events so far: the name of a moment. */
  get events(): number {
    return this.#events
  }

  /** Events that have neither happened nor been cancelled. */
  get pending(): number {
    return this.#pending
  }

  get running(): boolean {
    return this.#running
  }

  after(delayMs: number, callback: () => void): () => void {
    const at = this.#now + Math.max(0, delayMs)
    let waits = true
    this.#pending += 1
    this.#queue.push(at, () => {
      if (!waits) return
      waits = false
      this.#pending -= 1
      this.#now = at
      this.#events += 1
      callback()
    })
    return () => {
      if (waits) this.#pending -= 1
      waits = false
    }
  }

  close(): void {
    this.#queue = new EventQueue()
    this.#pending = 0
  }

  /**
   * Lets time pass until then, or until the condition holds, which is asked between events; resolves with whether it does (true without one).
   * One at a time. Rejects with what an event throws.
   * @param until a time, or who knows it by then: undefined to stop
   */
  run(until: number | (() => number | undefined), condition?: () => boolean): Promise<boolean> {
    if (this.#running) throw new ZooKeeperError('INTERNAL', 'time passes already')
    this.#running = true
    return new Promise<boolean>((resolve, reject) => {
      let over = false
      const end = (): void => {
        over = true
        this.#running = false
      }
      const turn = (): void => {
        if (over) return
        try {
          const held = condition?.() === true
          const limit = typeof until === 'number' ? until : until()
          if (!held && limit !== undefined && this.#next(limit)) return
          end()
          if (!held && limit !== undefined && Number.isFinite(limit)) this.#now = Math.max(this.#now, limit)
          resolve(condition === undefined || held || condition())
        } catch (error) {
          end()
          reject(error)
        }
      }
      const loop = (): void => {
        if (over) return
        for (let count = 0; count < EVENTS_PER_LOOP; count++) setImmediate(turn)
        setImmediate(loop)
      }
      loop()
    })
  }

  /** One event; false when none is to come by then. What was cancelled is none. */
  #next(until: number): boolean {
    const before = this.#events
    while (this.#events === before) {
      const at = this.#queue.nextAt
      if (at === undefined || at > until) return false
      this.#queue.pop()!.run()
    }
    return true
  }
}

/** The real one, for a world that others take part in. */
export function realTimeline(): Timeline {
  const clock = systemClock()
  const began = clock.now()
  const waiting = new Set<() => void>()
  return {
    now: () => clock.now() - began,
    after(delayMs, callback) {
      const call = (): void => {
        waiting.delete(cancel)
        callback()
      }
      const immediate = delayMs < SHORTEST_MS ? setImmediate(call) : undefined
      const stop = immediate === undefined ? clock.schedule(delayMs, call) : undefined
      const cancel = (): void => {
        waiting.delete(cancel)
        stop?.()
        clearImmediate(immediate)
      }
      waiting.add(cancel)
      return cancel
    },
    close() {
      for (const cancel of [...waiting]) cancel()
    },
  }
}
