/**
 * Everything that can happen to a peer. With effect.ts, the two unions that hold the house together: a run is a list of inputs,
 * so any failure can be recorded and replayed. Plain data.
 */

import type { Identities } from '../model/acl.js'
import type { ErrorCode } from '../model/errors.js'
import type { ClientId, LinkId, OperationNumber, PeerId, SessionId } from '../model/ids.js'
import type { ReplicaImage } from '../model/replica-image.js'
import type { Request } from '../model/request.js'
import type { Zxid } from '../model/zxid.js'
import type { PeerMessage } from './zab/messages.js'

/** Milliseconds. Leases and expiry use `monotonic`; Stat times use `wall`. */
export interface Now {
  readonly monotonic: number
  readonly wall: number
}

/** What a client says when it attaches. */
export interface Attachment {
  /** Asked for; clamped to the peer's limits. */
  readonly timeoutMs: number
  /** Go on with this session; undefined for a new one. */
  readonly resume: { readonly session: SessionId; readonly password: Uint8Array } | undefined
  /** A peer that has applied less refuses (C3). */
  readonly lastZxidSeen: Zxid
  readonly identities: Identities
  /** It is content with reads of whatever this peer has, if there is no leader (C15). */
  readonly readOnly?: boolean | undefined
  /** True for a client in this process: the peer touches its session as long as it is attached. False: the client pings. */
  readonly embedded: boolean
}

export type Input =
  /** The time asked for by `wakeAt` has come. Harmless at any time. */
  | { readonly kind: 'tick' }
  /** A link is up, both handshakes done. At most one live link per peer. `protocol`: what both speak; left out, the highest. */
  | { readonly kind: 'linked'; readonly peer: PeerId; readonly link: LinkId; readonly protocol?: number }
  /** It is gone; no message of it follows. Also the answer to `disconnect`. */
  | { readonly kind: 'unlinked'; readonly peer: PeerId; readonly link: LinkId }
  | { readonly kind: 'message'; readonly link: LinkId; readonly message: PeerMessage }
  /** Every proposal of the `append` effects up to and including `op` is durable; `zxid` is the last of them. */
  | { readonly kind: 'logged'; readonly op: OperationNumber; readonly zxid: Zxid }
  | { readonly kind: 'truncated'; readonly op: OperationNumber }
  | { readonly kind: 'epochsSaved'; readonly op: OperationNumber }
  /** The log has grown enough since the last checkpoint; the core answers with `checkpoint` at a txn boundary. */
  | { readonly kind: 'checkpointDue' }
  /** `base`: where the log begins now that older history may be gone (HistorySummary.base). */
  | { readonly kind: 'checkpointed'; readonly op: OperationNumber; readonly zxid: Zxid; readonly base: Zxid }
  /** History up to `base`, behind the last checkpoint, was unreadable and is gone. */
  | { readonly kind: 'historyLost'; readonly base: Zxid }
  /** The store has switched to the received snapshot; the log is empty behind `image.zxid`. */
  | { readonly kind: 'snapshotInstalled'; readonly op: OperationNumber; readonly image: ReplicaImage }
  /** The link closed before `snapshotEnd`, or the sender gave up: the store is as it was before `installSnapshot`. */
  | { readonly kind: 'snapshotAborted'; readonly op: OperationNumber }
  /** The host has sent on `link` every proposal up to and including `zxid` (of `sendHistory` or `sendSnapshot`). */
  | { readonly kind: 'syncStreamEnded'; readonly link: LinkId; readonly zxid: Zxid }
  /** A storage effect failed: nothing that depends on it may be promised. The core answers with `stop`. */
  | { readonly kind: 'storageFailed'; readonly code: ErrorCode; readonly reason: string }
  /** The disk has less room than it should keep, or has enough again: while it is low, writes that need more of it are refused. */
  | { readonly kind: 'storageSpace'; readonly low: boolean }
  | { readonly kind: 'clientAttached'; readonly client: ClientId; readonly attachment: Attachment }
  /** The client is gone without closing its session. */
  | { readonly kind: 'clientDetached'; readonly client: ClientId }
  /** `cxid` counts up per client from 1; requests of one client are answered in order. */
  | { readonly kind: 'request'; readonly client: ClientId; readonly cxid: number; readonly request: Request }
  /** Close gracefully: a leader drains and hands over first. Answered by `stop` without an error. */
  | { readonly kind: 'close' }
