/** The replicated state as it crosses to and from the disk: whole (an image), or what changed since the last checkpoint. */
import type { StateDigest } from './digest.js'
import type { SessionId } from './ids.js'
import type { SessionRecord } from './session-record.js'
import type { StoredZnode, Znode } from './znode.js'
import type { Zxid } from './zxid.js'

export interface ReplicaImage {
  /** The last txn applied to it. */
  readonly zxid: Zxid
  /** That txn's time: later txns are never stamped earlier. */
  readonly time: number
  readonly digest: StateDigest
  /** Parents before children is not promised. */
  readonly nodes: ImageNodes
  readonly sessions: Iterable<SessionRecord>
}

/** Each path once. An array or a map will do. */
export interface ImageNodes extends Iterable<readonly [path: string, znode: Znode]> {
  /**
   * Gives the map away, once, for a tree to live in: a million entries are not made twice. `content` of each is right, and whoever had the
   * image has no nodes in it any more. Left out: the nodes are copied.
   */
  giveAway?(): Map<string, StoredZnode>
}

/** Undefined = deleted. Captured at a txn boundary; the values are immutable, so they may be encoded later in slices. */
export interface ReplicaChanges {
  readonly zxid: Zxid
  readonly time: number
  readonly digest: StateDigest
  readonly nodes: ReadonlyMap<string, Znode | undefined>
  readonly sessions: ReadonlyMap<SessionId, SessionRecord | undefined>
}
