/**
 * Builds a HistorySummary while a log is walked in order. Holds: ranges ascend by epoch, and each is without a gap, since the walker
 * has checked the chain (Z14). Used by every store when it opens.
 */
import type { EpochRange, HistorySummary } from '../model/history.js'
import type { Zxid } from '../model/zxid.js'

export class HistoryRanges {
  readonly #base: Zxid
  readonly #ranges: EpochRange[] = []

  constructor(base: Zxid) {
    this.#base = base
  }

  add(entry: Zxid): void {
    const newest = this.#ranges.at(-1)
    if (newest?.epoch === entry.epoch) this.#ranges[this.#ranges.length - 1] = { ...newest, last: entry.counter }
    else this.#ranges.push({ epoch: entry.epoch, first: entry.counter, last: entry.counter })
  }

  summary(): HistorySummary {
    return { base: this.#base, ranges: this.#ranges }
  }
}
