/**
 * Which faults a run has, and when they come. A fault has a name, `fault 12`, and draws all that it needs (the time since the one before it, what it
 * is, whom it strikes, for how long) from a stream of that name.
 *
 * Always holds: leaving a fault out changes nothing of what the others are, nor when they come: the times go on without it.
 * Before: a scenario says which are kept. After: faults.ts, disk-faults.ts, snapshot-cuts.ts and host/host-faults.ts cause them; shrink.ts leaves out
 * whatever a violation does not need.
 */
import { SeededRandom } from '../../lib/testing/seeded-random.js'

export interface ScheduledWorld {
  after(delayMs: number, run: () => void): void
  note(text: string): void
}

export class Schedule {
  /** What came of each fault that did anything, by name. */
  readonly caused = new Map<string, string>()
  readonly #seed: number
  readonly #kept: ReadonlySet<string> | undefined
  readonly #world: ScheduledWorld
  /** The last name whose time has come, whether it is kept or not. */
  #reached = 'the beginning'

  /** @param kept names of those that come; all of them when undefined. */
  constructor(seed: number, kept: readonly string[] | undefined, world: ScheduledWorld) {
    this.#seed = seed
    this.#kept = kept === undefined ? undefined : new Set(kept)
    this.#world = world
  }

  /** `family 1`, `family 2`, ..., `meanMs` apart on average, while `isActive`; `cause` says what it did, if anything. */
  series(
    family: string,
    meanMs: number,
    isActive: () => boolean,
    cause: (random: SeededRandom) => string | undefined,
  ): void {
    const next = (number: number): void => {
      const name = `${family} ${number}`
      const random = new SeededRandom(this.#seed, name)
      this.#world.after(random.waiting(meanMs), () => {
        if (!isActive()) return
        this.#reached = name
        if (this.isKept(name)) this.#cause(name, () => cause(random))
        next(number + 1)
      })
    }
    next(1)
  }

  /** For a fault that waits for its moment: undefined when it is left out. */
  stream(name: string): SeededRandom | undefined {
    return this.isKept(name) ? new SeededRandom(this.#seed, name) : undefined
  }

  record(name: string, what: string | undefined): void {
    if (what === undefined) return
    this.caused.set(name, what)
    this.#world.note(`${name}: ${what}`)
  }

  /** For what follows from faults and is none, as that a peer starts again: the same, whichever faults are left out. */
  aftermath(what: string): SeededRandom {
    return new SeededRandom(this.#seed, `${what} after ${this.#reached}`)
  }

  #cause(name: string, cause: () => string | undefined): void {
    let what: string | undefined = 'was the last'
    try {
      what = cause()
    } finally {
      this.record(name, what)
    }
  }

  isKept(name: string): boolean {
    return this.#kept?.has(name) ?? true
  }
}
