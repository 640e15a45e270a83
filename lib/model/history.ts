/** A log in a few numbers: within an epoch counters run without a gap (Z5), so first and last say all that sync needs. */
import type { Zxid } from './zxid.js'

export interface EpochRange {
  readonly epoch: number
  readonly first: number
  readonly last: number
}

export interface HistorySummary {
  /** `previous` of the oldest entry that the log still has: a DIFF can start here or later. */
  readonly base: Zxid
  /** Ascending by epoch; empty for an empty log. */
  readonly ranges: readonly EpochRange[]
}

export interface Epochs {
  /** The highest epoch promised to a leader. */
  readonly accepted: number
  /** The epoch of the last leader whose history was fully taken; 0 for a disk that is fresh (Z29). */
  readonly current: number
  /**
   * Declared by an operator (`vivarium recover`) as the one member whose data begin the ensemble anew; only with `current` 0. It stays until a
   * current epoch is adopted.
   */
  readonly origin?: true
}
