/**
 * Everything one peer can say to another, election included. Plain data; codec/message-codec.ts has the bytes.
 * One link carries all of it in order; a relationship (leader – learner) never outlives its link, so no message of an
 * older relationship can be mistaken for one of a newer.
 */

import type { Identities } from '../../model/acl.js'
import type { StateDigest, StateMark } from '../../model/digest.js'
import type { MemberRole } from '../../model/ensemble-config.js'
import type { RefusalCode } from '../../model/errors.js'
import type { PeerId, SessionId } from '../../model/ids.js'
import type { Proposal } from '../../model/proposal.js'
import type { ForwardableRequest } from '../../model/request.js'
import type { Zxid } from '../../model/zxid.js'

export type RoleName = 'looking' | 'following' | 'leading' | 'observing'

/** Fast leader election: the sender's state and its vote. */
export interface Notification {
  readonly kind: 'notification'
  /** 'repairing': looking, but damaged: whatever its vote says, it counts nowhere (E7). */
  readonly role: RoleName | 'repairing'
  /** The vote: this peer, with its last zxid and current epoch. */
  readonly leader: PeerId
  readonly zxid: Zxid
  readonly epoch: number
  /** The sender's logical clock. */
  readonly round: number
  /** The sender has never taken a leader's history: its disk is new, or was wiped. It counts in no quorum, but see `blank` (Z29). */
  readonly fresh?: true
  /** The sender's log and tree are empty. When all voters are so, this is the ensemble's first start, and all of them count. */
  readonly blank?: true
  /** An operator has declared that the ensemble begins anew with what the sender has. */
  readonly origin?: true
}

/** learner → leader: I follow (or observe) you. ZooKeeper's FOLLOWERINFO / OBSERVERINFO. */
export interface LearnerInfo {
  readonly kind: 'learnerInfo'
  /** A voter that is being repaired observes until it is whole. */
  readonly role: MemberRole
  readonly acceptedEpoch: number
}
/** leader → learner: the new epoch. LEADERINFO; NEWEPOCH in the paper. */
export interface LeaderInfo {
  readonly kind: 'leaderInfo'
  readonly epoch: number
}
/** learner → leader: epoch accepted; here is my history's end. ACKEPOCH. */
export interface AckEpoch {
  readonly kind: 'ackEpoch'
  readonly currentEpoch: number
  readonly lastZxid: Zxid
  /** False when this epoch had been accepted before: such an answer counts in no quorum. */
  readonly counted: boolean
  /** Its state is known to be wrong, its log is not: it wants a snapshot as soon as a quorum can do without it (Z31). */
  readonly setAside?: true
}
/** leader → learner: what follows continues your log right after `after`, your last zxid. */
export interface Diff {
  readonly kind: 'diff'
  readonly after: Zxid
}
/**
 * leader → learner: cut your log behind `after` (or behind the last entry you have before it), and say with another `ackEpoch` where it
 * ends now: the leader may have entries of an epoch that the learner has only begun.
 */
export interface Truncate {
  readonly kind: 'truncate'
  readonly after: Zxid
}
/** leader → learner: the committed tree at `zxid` follows in chunks, then the log behind it. */
export interface SnapshotBegin {
  readonly kind: 'snapshotBegin'
  readonly zxid: Zxid
  readonly time: number
  readonly digest: StateDigest
}
/** Goes from store to store; the core never sees one. At most 256 KiB. */
export interface SnapshotChunk {
  readonly kind: 'snapshotChunk'
  readonly bytes: Uint8Array
}
export interface SnapshotEnd {
  readonly kind: 'snapshotEnd'
}
/** leader → voter: log this. To a voter in sync and to one in broadcast alike. */
export interface ProposalMessage {
  readonly kind: 'proposal'
  readonly proposal: Proposal
}
/** leader → observer: this is committed. INFORM. */
export interface Inform {
  readonly kind: 'inform'
  readonly proposal: Proposal
}
/** leader → learner: that was my history, up to `zxid`. NEWLEADER. */
export interface NewLeader {
  readonly kind: 'newLeader'
  readonly epoch: number
  readonly zxid: Zxid
}
/** learner → leader: your history is on my disk, and so is your epoch. ACK of NEWLEADER. */
export interface AckNewLeader {
  readonly kind: 'ackNewLeader'
  readonly epoch: number
}
/** leader → learner: a quorum has my history; serve. UPTODATE. */
export interface UpToDate {
  readonly kind: 'upToDate'
  readonly committed: Zxid
}
/** voter → leader: my log is durable up to here (cumulative). */
export interface Ack {
  readonly kind: 'ack'
  readonly zxid: Zxid
}
/** leader → voter: committed up to here (cumulative). */
export interface Commit {
  readonly kind: 'commit'
  readonly zxid: Zxid
}
export interface Ping {
  readonly kind: 'ping'
  /** Counts up; the pong repeats it. */
  readonly number: number
  /** The last ping that a quorum has answered and whose answer by this learner has arrived: what that pong reported is safe. */
  readonly heard: number
}
export interface Pong {
  readonly kind: 'pong'
  readonly number: number
  /** Sessions whose clients were heard since the last pong. */
  readonly touched: readonly SessionId[]
  /** The digest of this learner's state at its last mark (Z31). */
  readonly mark?: StateMark
}
/**
 * leader → learner: your state is not mine at `zxid`: serve nobody (Z31). Judged: more voters have my state than another, so yours is void until
 * you have a snapshot; else nobody knows yet whose is wrong.
 */
export interface Diverged {
  readonly kind: 'diverged'
  readonly zxid: Zxid
  readonly judged: boolean
}
/** learner → leader: a client's write. REQUEST. */
export interface ForwardedRequest {
  readonly kind: 'request'
  readonly session: SessionId
  readonly cxid: number
  readonly identities: Identities
  /** Its session is one of the sender's own (session/local-sessions.ts). */
  readonly local?: true
  readonly request: ForwardableRequest
}
/** leader → learner: this request got no zxid and never will. */
export interface Refused {
  readonly kind: 'refused'
  readonly session: SessionId
  readonly cxid: number
  readonly code: RefusalCode
}
/** leader → learner: everything up to `zxid` was committed when a quorum confirmed my epoch. SYNC. */
export interface Synced {
  readonly kind: 'synced'
  readonly session: SessionId
  readonly cxid: number
  readonly zxid: Zxid
}
/** learner → leader: a client wants to go on with this session here. REVALIDATE. */
export interface Revalidate {
  readonly kind: 'revalidate'
  readonly session: SessionId
  readonly password: Uint8Array
}
export interface Revalidated {
  readonly kind: 'revalidated'
  readonly session: SessionId
  readonly valid: boolean
  /** The leader's last proposal: writes of this session up to here were sent through another peer. */
  readonly proposed: Zxid
}

export type PeerMessage =
  | Notification
  | LearnerInfo
  | LeaderInfo
  | AckEpoch
  | Diff
  | Truncate
  | SnapshotBegin
  | SnapshotChunk
  | SnapshotEnd
  | ProposalMessage
  | Inform
  | NewLeader
  | AckNewLeader
  | UpToDate
  | Ack
  | Commit
  | Ping
  | Pong
  | Diverged
  | ForwardedRequest
  | Refused
  | Synced
  | Revalidate
  | Revalidated
