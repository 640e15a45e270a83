/**
 * What a client can ask for, as immutable values. One union member per operation of core/operations/.
 * Data handed over in a request belongs to the core from then on: the caller must not change it.
 */
import type { Acl, Identities } from './acl.js'
import type { CreateMode, Lifetime } from './create-mode.js'
import type { ReplyCode } from './errors.js'
import type { SessionId } from './ids.js'
import type { Zxid } from './zxid.js'

/** −1 matches every version. */
export const ANY_VERSION = -1

export interface CreateRequest {
  readonly kind: 'create'
  readonly path: string
  readonly data: Uint8Array | null
  readonly acl: Acl
  readonly mode: CreateMode
  /** ZooKeeper: createContainer, createTTL. Left out: create. */
  readonly lifetime?: Lifetime | undefined
}
export interface DeleteRequest {
  readonly kind: 'delete'
  readonly path: string
  readonly version: number
}
export interface SetDataRequest {
  readonly kind: 'setData'
  readonly path: string
  readonly data: Uint8Array | null
  readonly version: number
}
export interface SetAclRequest {
  readonly kind: 'setAcl'
  readonly path: string
  readonly acl: Acl
  /** Compared with aversion. */
  readonly version: number
}
/** Only inside a multi; alone it is refused (ZOOKEEPER-2623). */
export interface CheckRequest {
  readonly kind: 'check'
  readonly path: string
  readonly version: number
}
export type MultiStep = CreateRequest | DeleteRequest | SetDataRequest | CheckRequest
export interface MultiRequest {
  readonly kind: 'multi'
  readonly steps: readonly MultiStep[]
}
export interface SyncRequest {
  readonly kind: 'sync'
  readonly path: string
}
/** Made by a peer when a client attaches, never by a client. The password is 16 random bytes. */
export interface CreateSessionRequest {
  readonly kind: 'createSession'
  readonly session: SessionId
  readonly timeoutMs: number
  readonly password: Uint8Array
}
export interface CloseSessionRequest {
  readonly kind: 'closeSession'
}
/** Made by the leader alone, of a container or TTL znode that is out of use. ZooKeeper: deleteContainer. */
export interface ReapRequest {
  readonly kind: 'reap'
  readonly path: string
  /** Of the znode that was judged: another one stays. */
  readonly mzxid: Zxid
}
/** Answered with RECONFIG_DISABLED, whatever it asks for. */
export interface ReconfigRequest {
  readonly kind: 'reconfig'
}

/**
 * What a client of the wire has sent and no other kind can say: an unknown flag of create, a body that is none. It is refused with its code
 * and takes a zxid, as every write that fails.
 */
export interface InvalidRequest {
  readonly kind: 'invalid'
  readonly code: ReplyCode
}

export interface ExistsRequest {
  readonly kind: 'exists'
  readonly path: string
  readonly watch: boolean
}
export interface GetDataRequest {
  readonly kind: 'getData'
  readonly path: string
  readonly watch: boolean
}
export interface GetChildrenRequest {
  readonly kind: 'getChildren'
  readonly path: string
  readonly watch: boolean
}
export interface GetAclRequest {
  readonly kind: 'getAcl'
  readonly path: string
}
/** The ephemerals of the asking session whose path begins with this text; all for `/` or nothing. */
export interface GetEphemeralsRequest {
  readonly kind: 'getEphemerals'
  readonly prefix: string
}
/** How many znodes are below. ZooKeeper: getAllChildrenNumber. */
export interface CountDescendantsRequest {
  readonly kind: 'countDescendants'
  readonly path: string
}
export type ReadStep = GetDataRequest | GetChildrenRequest
/** Several reads of one moment. Their `watch` is ignored. */
export interface MultiReadRequest {
  readonly kind: 'multiRead'
  readonly steps: readonly ReadStep[]
}
export interface WhoAmIRequest {
  readonly kind: 'whoAmI'
}

export type AddWatchMode = 'persistent' | 'persistentRecursive'
export interface AddWatchRequest {
  readonly kind: 'addWatch'
  readonly path: string
  readonly mode: AddWatchMode
}
export type RemoveWatchType = 'children' | 'data' | 'any' | 'persistent' | 'persistentRecursive'
export interface RemoveWatchesRequest {
  readonly kind: 'removeWatches'
  readonly path: string
  readonly type: RemoveWatchType
}
/** Whether there is what `removeWatches` would remove. */
export interface CheckWatchesRequest {
  readonly kind: 'checkWatches'
  readonly path: string
  readonly type: RemoveWatchType
}
/** After a reconnect: registers again and tells what was missed since `since` (the last zxid the client saw). */
export interface SetWatchesRequest {
  readonly kind: 'setWatches'
  readonly since: Zxid
  readonly data: readonly string[]
  readonly exist: readonly string[]
  readonly child: readonly string[]
  readonly persistent: readonly string[]
  readonly persistentRecursive: readonly string[]
}
export interface PingRequest {
  readonly kind: 'ping'
}
/** Made by a peer that has verified an `auth`, never by a client: from here on the client is these too. */
export interface AuthenticatedRequest {
  readonly kind: 'authenticated'
  readonly identities: Identities
}
/**
 * Who a client says it is, and the proof, a secret: verified by the peer that it is connected to, it goes no further (no core, no log, no other
 * peer). The bytes are overwritten.
 */
export interface AuthRequest {
  readonly kind: 'auth'
  readonly scheme: string
  readonly auth: Uint8Array
}

/** Prepared by the leader, replicated, applied by every replica. */
export type WriteRequest =
  | CreateRequest
  | DeleteRequest
  | SetDataRequest
  | SetAclRequest
  | CheckRequest
  | MultiRequest
  | CreateSessionRequest
  | CloseSessionRequest
  | ReapRequest
  | ReconfigRequest
  | InvalidRequest

/** Answered by the connected peer from its own replica. */
export type ReadRequest =
  | ExistsRequest
  | GetDataRequest
  | GetChildrenRequest
  | GetAclRequest
  | GetEphemeralsRequest
  | CountDescendantsRequest
  | MultiReadRequest
  | WhoAmIRequest
  | AddWatchRequest
  | RemoveWatchesRequest
  | CheckWatchesRequest
  | SetWatchesRequest
  | PingRequest
  | AuthenticatedRequest

export type Request = WriteRequest | ReadRequest | SyncRequest
/** What a learner sends to its leader. */
export type ForwardableRequest = Exclude<WriteRequest, ReapRequest> | SyncRequest
export type RequestKind = Request['kind']

/** What may pass the door between a client and its peer. */
export type ClientRequest = Request | AuthRequest
