/**
 * How long work on the tree goes on before others have their turn: 4 ms by the clock that the host hands over. Counts of entries and bytes bound
 * a slice, too, where they are (tree-store.ts); but what 500 entries cost is the machine's to say.
 * Used by whatever walks a whole tree: checkpoints (tree-store.ts), loading (tree-reader.ts), receiving (received-tree.ts).
 */
import { yieldToOthers } from './database.js'

/** Monotonic milliseconds. */
export type Now = () => number

const SLICE_MS = 4
/** The clock is not asked more often: it costs as much as an entry. */
const LOOK_ENTRIES = 16
const LOOK_BYTES = 32 * 1024

/**
 * @example for (const entry of many) { work(entry); if (slice.isOver(entry.length)) await slice.next() }
 */
export class TimeSlice {
  readonly #now: Now
  #began: number
  #entries = 0
  #bytes = 0

  constructor(now: Now) {
    this.#now = now
    this.#began = now()
  }

  /** After an entry of `bytes`. */
  isOver(bytes: number): boolean {
    this.#entries++
    this.#bytes += bytes
    if (this.#entries < LOOK_ENTRIES && this.#bytes < LOOK_BYTES) return false
    this.#entries = 0
    this.#bytes = 0
    return this.#now() - this.#began >= SLICE_MS
  }

  /** Others have had their turn. */
  begin(): void {
    this.#began = this.#now()
  }

  async next(): Promise<void> {
    await yieldToOthers()
    this.begin()
  }
}
