import type { SessionId } from './ids.js'
import type { Txn } from './txn.js'
import type { Zxid } from './zxid.js'

/**
 * One entry of the replicated log: a txn with its place in the order. Made once, by the leader; never changed.
 */
export interface Proposal {
  readonly zxid: Zxid
  /** The entry before it in the log: a gap shows at once (Z14). */
  readonly previous: Zxid
  /** Who asked, and which of its requests: the peer that serves the session finds its answer by these. */
  readonly session: SessionId
  readonly cxid: number
  /** Wall-clock milliseconds by the leader; never below the entry before. */
  readonly time: number
  readonly txn: Txn
  /**
   * Bytes of the encoded record, filled in by the codec on the first encoding or on decoding, so that the same bytes go to every
   * follower and every log. The core never looks at it.
   */
  record?: Uint8Array
}
