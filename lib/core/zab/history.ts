/**
 * This peer's log as the core sees it: where it begins and ends, how much of it is durable, known committed and applied, and the
 * proposals that are still needed in memory (all behind `applied`, and a bounded tail before it for learners that are nearly in sync).
 *
 * Always holds: base ≤ applied ≤ min(committed, durable) ≤ last, and every entry's `previous` is the entry before it (Z14, Z22).
 * The entries themselves are in storage/; the summary by epochs is enough to plan a synchronisation (sync-plan.ts).
 */

import type { EpochRange, HistorySummary } from '../../model/history.js'
import type { OperationNumber } from '../../model/ids.js'
import { invariant } from '../../model/invariant.js'
import type { Proposal } from '../../model/proposal.js'
import type { Txn } from '../../model/txn.js'
import {
  compareZxid,
  earlier,
  formatZxid,
  isAfter,
  isAtMost,
  later,
  sameZxid,
  type Zxid,
  zxid,
} from '../../model/zxid.js'

/** Applied proposals kept in memory, so that a learner that is nearly in sync needs no reading from the disk: so many, so many bytes. */
const TAIL_MAX = 1024
const TAIL_BYTES_MAX = 16 * 1024 * 1024

interface HistoryState extends HistorySummary {
  readonly last: Zxid
  readonly durable: Zxid
  readonly committed: Zxid
  readonly applied: Zxid
  /** What is not applied. */
  readonly tail: readonly Proposal[]
}

export class History {
  #base: Zxid
  #ranges: EpochRange[]
  #last: Zxid
  #durable: Zxid
  #committed: Zxid
  #applied: Zxid
  /** Entries before and behind `applied`, contiguous up to `last`; `#head` counts entries at the front that are dropped. */
  #tail: Proposal[]
  #head = 0
  /** The log as it was, while a snapshot is being received. */
  #before: HistoryState | undefined
  #installing: OperationNumber | undefined
  /** Data of the applied entries that are kept, and of the dropped ones that the array still holds. */
  #tailBytes = 0
  #droppedBytes = 0
  /** Index in #tail of the first entry that is not applied. */
  #next: number

  constructor(summary: HistorySummary, applied: Zxid, suffix: readonly Proposal[]) {
    this.#base = summary.base
    this.#ranges = [...summary.ranges]
    this.#tail = [...suffix]
    this.#next = 0
    this.#applied = applied
    this.#last = suffix.at(-1)?.zxid ?? applied
    this.#durable = this.#last
    this.#committed = applied
    const first = suffix[0]
    invariant(first === undefined || sameZxid(first.previous, applied), 'the log continues the checkpoint (Z14)')
  }

  get last(): Zxid {
    return this.#last
  }
  get durable(): Zxid {
    return this.#durable
  }
  get committed(): Zxid {
    return this.#committed
  }
  get applied(): Zxid {
    return this.#applied
  }
  get summary(): HistorySummary {
    return { base: this.#base, ranges: this.#ranges }
  }

  append(proposal: Proposal): void {
    invariant(
      sameZxid(proposal.previous, this.#last),
      () => `Z14: ${formatZxid(proposal.zxid)} does not follow ${formatZxid(this.#last)}`,
    )
    const { epoch, counter } = proposal.zxid
    const range = this.#ranges.at(-1)
    if (range !== undefined && range.epoch === epoch) {
      this.#ranges[this.#ranges.length - 1] = { epoch, first: range.first, last: counter }
    } else {
      this.#ranges.push({ epoch, first: counter, last: counter })
    }
    this.#tail.push(proposal)
    this.#last = proposal.zxid
  }

  /** Everything up to `zxid` is on this peer's disk. */
  logged(zxid: Zxid): void {
    this.#durable = later(this.#durable, earlier(zxid, this.#last))
  }

  /** Everything up to `zxid` is committed; only ever moves forward. */
  commit(zxid: Zxid): void {
    this.#committed = later(this.#committed, zxid)
  }

  /** The next proposal that may be applied: committed, and in this peer's own durable log (Z22); undefined when there is none. */
  nextToApply(): Proposal | undefined {
    const proposal = this.#tail[this.#next]
    if (proposal === undefined || isAfter(proposal.zxid, this.#committed) || isAfter(proposal.zxid, this.#durable)) {
      return undefined
    }
    return proposal
  }

  markApplied(proposal: Proposal): void {
    invariant(sameZxid(proposal.previous, this.#applied), 'Z8: proposals are applied in order, each once')
    this.#applied = proposal.zxid
    this.#next += 1
    this.#tailBytes += bytesOf(proposal.txn)
    while (this.#next - this.#head > TAIL_MAX || this.#tailBytes > TAIL_BYTES_MAX) {
      const bytes = bytesOf(this.#tail[this.#head]!.txn)
      this.#tailBytes -= bytes
      this.#droppedBytes += bytes
      this.#head += 1
      if (this.#head >= TAIL_MAX || this.#droppedBytes > TAIL_BYTES_MAX) {
        this.#tail = this.#tail.slice(this.#head)
        this.#next -= this.#head
        this.#head = 0
        this.#droppedBytes = 0
      }
    }
  }

  /** Proposals that are logged or being logged, and not applied. */
  unapplied(): readonly Proposal[] {
    return this.#tail.slice(this.#next)
  }

  /** The proposals behind `zxid`, if all of them are still in memory; undefined when they must be read from the log. */
  after(zxid: Zxid): readonly Proposal[] | undefined {
    if (sameZxid(zxid, this.#last)) return []
    let low = this.#head
    let high = this.#tail.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (isAfter(this.#tail[middle]!.zxid, zxid)) high = middle
      else low = middle + 1
    }
    const first = this.#tail[low]
    if (first === undefined || !sameZxid(first.previous, zxid)) return undefined
    return this.#tail.slice(low)
  }

  /** Whether this log has (or had, at its base) exactly this entry: one zxid has one content for ever (Z6). */
  contains(zxid: Zxid): boolean {
    if (sameZxid(zxid, this.#base)) return true
    const range = this.#ranges.find(each => each.epoch === zxid.epoch)
    return range !== undefined && zxid.counter >= range.first && zxid.counter <= range.last && isAfter(zxid, this.#base)
  }

  /** Drops what is behind `after`; the caller has checked that nothing applied is among it. */
  truncate(after: Zxid): void {
    invariant(isAtMost(this.#applied, after), 'Z20: an applied entry is never truncated')
    invariant(this.contains(after), 'Z19: a log is cut only at an entry it has')
    while (this.#tail.length > this.#next && isAfter(this.#tail.at(-1)!.zxid, after)) this.#tail.pop()
    this.#ranges = this.#ranges
      .filter(range => compareZxid({ epoch: range.epoch, counter: range.first }, after) <= 0)
      .map(range => (range.epoch === after.epoch ? { ...range, last: Math.min(range.last, after.counter) } : range))
    this.#last = after
    this.#durable = earlier(this.#durable, after)
    this.#committed = earlier(this.#committed, after)
  }

  /** The last entry this log has (or had, at its base) that is not behind `zxid`; undefined when the log begins later. */
  lastAtMost(after: Zxid): Zxid | undefined {
    if (isAfter(this.#base, after)) return undefined
    let last = this.#base
    for (const { epoch, first, last: end } of this.#ranges) {
      if (compareZxid({ epoch, counter: first }, after) > 0) break
      last = epoch === after.epoch ? zxid(epoch, Math.min(end, after.counter)) : zxid(epoch, end)
    }
    return last
  }

  /** A snapshot is being received: the log starts anew behind it. Until it is installed nothing of it counts as durable. */
  beginSnapshot(at: Zxid, op: OperationNumber): void {
    invariant(this.#before === undefined, 'one snapshot at a time')
    const before = {
      base: this.#base,
      ranges: this.#ranges,
      last: this.#last,
      durable: this.#durable,
      tail: this.unapplied(),
    }
    this.#before = { ...before, committed: this.#committed, applied: this.#applied }
    this.#installing = op
    this.#reset({ base: at, ranges: [], last: at, durable: at, committed: at, applied: at, tail: [] })
  }

  get installing(): boolean {
    return this.#before !== undefined
  }

  /** False for a completion of something else. */
  snapshotInstalled(op: OperationNumber): boolean {
    if (this.#before === undefined || op !== this.#installing) return false
    this.#before = undefined
    return true
  }

  /** It never came, or not whole: the log is what it was. */
  snapshotAborted(op: OperationNumber): boolean {
    if (this.#before === undefined || op !== this.#installing) return false
    this.#reset(this.#before)
    this.#before = undefined
    return true
  }

  #reset(state: HistoryState): void {
    this.#base = state.base
    this.#ranges = [...state.ranges]
    this.#last = state.last
    this.#durable = state.durable
    this.#committed = state.committed
    this.#applied = state.applied
    this.#tail = [...state.tail]
    this.#head = 0
    this.#next = 0
    this.#tailBytes = 0
    this.#droppedBytes = 0
  }

  /** Older history was dropped from the disk: also of the log as it was, to which an aborted snapshot goes back. */
  trim(base: Zxid): void {
    if (this.#before !== undefined) this.#before = { ...this.#before, ...trimmed(this.#before, base) }
    const { base: begin, ranges } = trimmed(this.summary, base)
    this.#base = begin
    this.#ranges = [...ranges]
  }
}

function trimmed(summary: HistorySummary, base: Zxid): HistorySummary {
  if (!isAfter(base, summary.base)) return summary
  const ranges = summary.ranges
    .filter(range => compareZxid({ epoch: range.epoch, counter: range.last }, base) > 0)
    .map(range => (range.epoch === base.epoch ? { ...range, first: base.counter + 1 } : range))
  return { base, ranges }
}

/** What weighs in a txn: its data. */
function bytesOf(txn: Txn): number {
  if (txn.kind === 'multi') return txn.steps.reduce((sum, step) => sum + bytesOf(step), 0)
  return 'data' in txn && txn.data !== null ? txn.data.byteLength : 0
}
