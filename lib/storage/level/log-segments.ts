/**
 * How many bytes lie where in the log: pieces of about SEGMENT_BYTES, so that retention can drop from the front without reading and
 * without an object per group. Only in memory; rebuilt by the scan at open.
 */
import type { Proposal } from '../../model/proposal.js'
import { isAfter, isAtMost, type Zxid } from '../../model/zxid.js'
import { type HistoryPins, type LogRetention, mayGo } from '../log-retention.js'

const SEGMENT_BYTES = 1024 * 1024
const SEGMENT_ENTRIES = 1000

interface Segment {
  /** The entry before its first. */
  readonly before: Zxid
  last: Zxid
  /** That of the last entry, as its leader stamped it. */
  time: number
  bytes: number
  entries: number
}

export class LogSegments {
  readonly #segments: Segment[] = []

  /** One group commit of so many bytes. */
  add(before: Zxid, group: readonly Proposal[], bytes: number): void {
    const { zxid: last, time } = group.at(-1)!
    const entries = group.length
    const newest = this.#segments.at(-1)
    if (newest === undefined || newest.bytes >= SEGMENT_BYTES || newest.entries >= SEGMENT_ENTRIES) {
      this.#segments.push({ before, last, time, bytes, entries })
    } else {
      newest.last = last
      newest.time = time
      newest.bytes += bytes
      newest.entries += entries
    }
  }

  /** `bytes` lay behind `after` and are gone. */
  truncate(after: Zxid, bytes: number): void {
    let gone = bytes
    while (this.#segments.length > 0 && !isAfter(after, this.#segments.at(-1)!.before))
      gone -= this.#segments.pop()!.bytes
    const newest = this.#segments.at(-1)
    if (newest === undefined || isAtMost(newest.last, after)) return
    newest.last = after
    newest.bytes = Math.max(0, newest.bytes - gone)
  }

  /** All up to `base` is gone; where that is in the middle of a piece, the piece is counted as if it were whole. */
  dropUpTo(base: Zxid): void {
    while (this.#segments.length > 0 && isAtMost(this.#segments[0]!.last, base)) this.#segments.shift()
  }

  /** Takes the oldest away, as long as it lies wholly at or before `checkpoint` and may go; says the last zxid taken. */
  purge(
    checkpoint: { readonly zxid: Zxid; readonly time: number },
    retention: Required<LogRetention>,
    pins: HistoryPins,
  ): Zxid | undefined {
    const behind = this.#segments.filter(segment => isAtMost(segment.last, checkpoint.zxid))
    const kept = { bytes: 0, entries: 0 }
    for (const { bytes, entries } of behind) {
      kept.bytes += bytes
      kept.entries += entries
    }
    let last: Zxid | undefined
    for (const segment of behind) {
      if (!mayGo(segment, kept, checkpoint.time, retention, pins)) break
      kept.bytes -= segment.bytes
      kept.entries -= segment.entries
      last = segment.last
      this.#segments.shift()
    }
    return last
  }
}
