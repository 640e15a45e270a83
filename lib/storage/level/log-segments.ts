/**
 * How many bytes lie where in the log: pieces of about SEGMENT_BYTES, so that retention can drop from the front without reading and
 * without an object per group. Only in memory; rebuilt by the scan at open.
 */
import { isAfter, isAtMost, type Zxid } from '../../model/zxid.js'

const SEGMENT_BYTES = 1024 * 1024

interface Segment {
  /** The entry before its first. */
  readonly before: Zxid
  last: Zxid
  bytes: number
}

export class LogSegments {
  readonly #segments: Segment[] = []

  add(before: Zxid, last: Zxid, bytes: number): void {
    const newest = this.#segments.at(-1)
    if (newest === undefined || newest.bytes >= SEGMENT_BYTES) this.#segments.push({ before, last, bytes })
    else {
      newest.last = last
      newest.bytes += bytes
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

  /** Takes the oldest away until at most `kept` bytes lie wholly at or before `checkpoint`; says the last zxid taken. */
  purge(checkpoint: Zxid, kept: number): Zxid | undefined {
    const behind = this.#segments.filter(segment => isAtMost(segment.last, checkpoint))
    let bytes = behind.reduce((sum, segment) => sum + segment.bytes, 0)
    let last: Zxid | undefined
    for (const segment of behind) {
      if (bytes <= kept) break
      bytes -= segment.bytes
      last = segment.last
      this.#segments.shift()
    }
    return last
  }
}
