import type { SessionId } from './ids.js'
import type { Zxid } from './zxid.js'

/** What a client may know of a znode, as inside the peer (the public API shows zxids and the owner as bigints). */
export interface Stat {
  readonly czxid: Zxid
  readonly mzxid: Zxid
  readonly pzxid: Zxid
  /** Wall-clock milliseconds, from the txn. */
  readonly ctime: number
  readonly mtime: number
  /** Signed 32 bits, wraps. */
  readonly version: number
  /** As clients see it: children created + deleted = 2 × stored − numChildren. */
  readonly cversion: number
  readonly aversion: number
  /** The session that owns an ephemeral; undefined for every other znode. */
  readonly ephemeralOwner: SessionId | undefined
  readonly dataLength: number
  readonly numChildren: number
}
