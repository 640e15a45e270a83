/**
 * One process of a world: everything that happens to a peer enters through it, so it can stand still (as after SIGSTOP) and end (as
 * after SIGKILL) between any two events, and its clocks may be wrong.
 *
 * Always holds: while it stands still nothing enters, and afterwards all of it does, in order, each as an event of its own; once it
 * has ended nothing enters any more, and its timers are gone.
 * Before: timeline.ts. After: the clock of a host; virtual-network.ts and virtual-disk.ts hand over what they have through `enter`.
 */
import type { Clock } from '../../host/clock.js'
import type { Timeline } from './timeline.js'

/** How this process sees time. */
export interface Pace {
  /** The monotonic clock when the world began. @default 0 */
  readonly offsetMs?: number
  /** Monotonic milliseconds per millisecond of the world. @default 1 */
  readonly rate?: number
  /** The wall clock when the world began, in ms since 1970. @default 1_700_000_000_000 */
  readonly wallMs?: number
  /** How late timers come. @default never */
  readonly timerLateMs?: () => number
  /** Told when the application begins to wait for something; see ClientClock. */
  readonly waiting?: (() => () => void) | undefined
}

/** A turn of the event loop takes some time, so that nobody turns for ever in one moment. */
const LOOP_MS = 0.02
const WALL_MS = 1_700_000_000_000

export class VirtualProcess {
  readonly clock: Clock
  readonly #timeline: Timeline
  readonly #timers = new Set<() => void>()
  #held: (() => void)[] = []
  #alive = true
  #paused = false
  #wallStepMs = 0

  constructor(timeline: Timeline, pace: Pace = {}) {
    const { offsetMs = 0, rate = 1, wallMs = WALL_MS, timerLateMs = () => 0, waiting } = pace
    this.#timeline = timeline
    this.clock = {
      now: () => offsetMs + timeline.now() * rate,
      wall: () => Math.floor(wallMs + this.#wallStepMs + timeline.now()),
      schedule: (afterMs, callback) => this.after(Math.max(0, afterMs) / rate + timerLateMs(), callback),
      afterLoop: callback => {
        // Who has ended lets go of everything at once.
        if (this.#alive) this.after(LOOP_MS, callback)
        else queueMicrotask(callback)
      },
      ...(waiting === undefined ? {} : { waiting }),
    }
  }

  get alive(): boolean {
    return this.#alive
  }
  get paused(): boolean {
    return this.#paused
  }
  /** Timers that have neither fired nor been cancelled. */
  get timers(): number {
    return this.#timers.size
  }

  /** Something happens to it: now, or when it goes on, or never. */
  enter(callback: () => void): void {
    if (!this.#alive) return
    if (this.#paused) this.#held.push(callback)
    else callback()
  }

  /** The same, so much later; returns how to cancel it. */
  after(delayMs: number, callback: () => void): () => void {
    if (!this.#alive) return () => undefined
    let cancelled = false
    const stop = this.#timeline.after(delayMs, () =>
      this.enter(() => {
        this.#timers.delete(cancel)
        if (!cancelled) callback()
      }),
    )
    const cancel = (): void => {
      cancelled = true
      this.#timers.delete(cancel)
      stop()
    }
    this.#timers.add(cancel)
    return cancel
  }

  pause(): void {
    this.#paused = this.#alive
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    const held = this.#held
    this.#held = []
    for (const callback of held) this.#timeline.after(0, () => this.enter(callback))
  }

  kill(): void {
    this.#alive = false
    this.#paused = false
    this.#held = []
    for (const cancel of [...this.#timers]) cancel()
  }

  /** The wall clock is set. */
  stepWall(byMs: number): void {
    this.#wallStepMs += byMs
  }
}
