/**
 * How much of the log stays behind the checkpoint, for peers that were away and for change feeds: until it is too many bytes, too many entries or
 * too old, whichever comes first. Readers under way pin what they have not read yet; that may go beyond the limits, but only so far.
 *
 * Always holds: nothing behind the checkpoint is ever let go (D6); a reader that is overtaken is told HISTORY_PURGED, never given a gap.
 * Before: peer-options.ts. After: both stores, at each checkpoint.
 */
import { isAfter, type Zxid } from '../model/zxid.js'

export interface LogRetention {
  /** Bytes of log kept behind the checkpoint. @default 64 MiB */
  readonly logBytesKept?: number
  /** Entries kept behind it. @default all that the bytes allow */
  readonly logEntriesKept?: number
  /** Milliseconds between an entry and the last txn of the checkpoint, by the clocks of their leaders. @default all that the bytes allow */
  readonly logAgeMsKept?: number
  /** Bytes that readers under way may hold back beyond `logBytesKept`. @default 256 MiB */
  readonly logPinnedBytesMax?: number
}

export const DEFAULT_RETENTION: Required<LogRetention> = {
  logBytesKept: 64 * 1024 * 1024,
  logEntriesKept: 1_000_000_000,
  logAgeMsKept: 10 * 365 * 86_400_000,
  logPinnedBytesMax: 256 * 1024 * 1024,
}

/** All that is there up to the checkpoint. */
export interface KeptLog {
  readonly bytes: number
  readonly entries: number
}

/** May the oldest piece go? `last` and `time` are those of its last entry; `kept` has the piece in it. */
export function mayGo(
  piece: { readonly last: Zxid; readonly time: number },
  kept: KeptLog,
  checkpointTime: number,
  retention: Required<LogRetention>,
  pins: HistoryPins,
): boolean {
  const { logBytesKept, logEntriesKept, logAgeMsKept, logPinnedBytesMax } = retention
  const wanted =
    kept.bytes <= logBytesKept && kept.entries <= logEntriesKept && checkpointTime - piece.time <= logAgeMsKept
  if (wanted) return false
  return kept.bytes > logBytesKept + logPinnedBytesMax || !pins.holdBack(piece.last)
}

/** Where each reader under way is: it needs what is behind that. */
export class HistoryPins {
  readonly #pins = new Set<{ at: Zxid }>()

  /** Until it is released. */
  pin(at: Zxid): { at: Zxid } {
    const pin = { at }
    this.#pins.add(pin)
    return pin
  }

  release(pin: { at: Zxid }): void {
    this.#pins.delete(pin)
  }

  /** Is any entry up to `last` still to be read? */
  holdBack(last: Zxid): boolean {
    for (const { at } of this.#pins) if (isAfter(last, at)) return true
    return false
  }
}
