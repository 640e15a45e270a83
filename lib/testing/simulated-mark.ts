/**
 * The durable mark of a simulated disk: two slots written in turn, some time after what they tell of, as by storage/level/durable-mark.ts.
 *
 * Always holds: what a slot says is never ahead of the log and epochs it tells of. Time is looked at when somebody asks: no event is spent on a write.
 */
import type { Epochs } from '../model/history.js'
import type { Zxid } from '../model/zxid.js'

export interface Mark {
  readonly generation: number
  readonly zxid: Zxid
  readonly epochs: Epochs
}

export const MARK_DELAY_MS = 50

export class SimulatedMark {
  /** Undefined: torn or rotten. */
  readonly #slots: [Mark | undefined, Mark | undefined]
  #newest: 0 | 1 = 0
  #truth: Mark
  #writeAt: number | undefined

  constructor(mark: Mark) {
    this.#truth = mark
    this.#slots = [mark, mark]
  }

  /** The truth has moved on; the file follows. */
  advance(part: Partial<Mark>, now: number): void {
    this.settle(now)
    this.#truth = { ...this.#truth, ...part }
    this.#writeAt ??= now + MARK_DELAY_MS
  }

  /** The file says so at once. */
  write(part: Partial<Mark>): void {
    this.#truth = { ...this.#truth, ...part }
    this.#write()
  }

  /** What was due by now has been written. */
  settle(now: number): void {
    if (this.#writeAt !== undefined && this.#writeAt <= now) this.#write()
  }

  /** Power is gone, with a write outstanding or not: what was not written is forgotten. */
  crash(now: number, outcome: 'absent' | 'torn' | 'kept'): void {
    this.settle(now)
    if (this.#writeAt !== undefined && outcome !== 'absent') {
      this.#write()
      if (outcome === 'torn') this.spoil('newest')
    }
    this.#writeAt = undefined
  }

  get pending(): boolean {
    return this.#writeAt !== undefined
  }

  /** As it would be read; undefined when neither slot can be. */
  read(): Mark | undefined {
    return this.#slots[this.#newest] ?? this.#slots[1 - this.#newest]
  }

  get intact(): boolean {
    return this.#slots.every(slot => slot !== undefined)
  }

  spoil(which: 'newest' | 'other' | 'both'): void {
    if (which !== 'other') this.#slots[this.#newest] = undefined
    if (which !== 'newest') this.#slots[1 - this.#newest] = undefined
  }

  /** After a start it goes on from what could be read. */
  reopen(): void {
    if (this.#slots[this.#newest] === undefined) this.#newest = this.#newest === 0 ? 1 : 0
    this.#truth = this.#slots[this.#newest]!
  }

  #write(): void {
    this.#newest = this.#newest === 0 ? 1 : 0
    this.#slots[this.#newest] = this.#truth
    this.#writeAt = undefined
  }
}
