/**
 * What an operation is made of. One file per operation holds its parts side by side: `prepare` (on the leader: checks against the
 * state-to-be, makes every choice, writes the txn), `apply` (on every replica: carries out a txn, without a choice), `answer`
 * (reads: on the connected peer). operations.ts is the table of all of them; preparation.ts, apply-txn.ts and answer-read.ts are
 * the doors that the pipeline uses. A failed check is a value, an error txn: it takes its zxid like any other write.
 */
import type { Identities } from '../../model/acl.js'
import type { ReplyCode } from '../../model/errors.js'
import type { SessionId } from '../../model/ids.js'
import type {
  AddWatchMode,
  ReadRequest,
  RemoveWatchType,
  SetWatchesRequest,
  WriteRequest,
} from '../../model/request.js'
import { errorResponse, type Response } from '../../model/response.js'
import type { TreeChange } from '../../model/tree-change.js'
import type { ErrorTxn, Txn } from '../../model/txn.js'
import type { Zxid } from '../../model/zxid.js'
import type { Replica } from '../replica.js'
import type { Access } from '../tree/access.js'
import type { Quotas } from '../tree/quotas.js'
import type { TreeOverlay } from '../tree/tree-overlay.js'
import type { PendingSessions } from './pending-sessions.js'

/** Who asks. */
export interface Requester {
  readonly session: SessionId
  readonly identities: Identities
  /** Its session is known to its own peer only. */
  readonly local?: boolean | undefined
}

/** What the leader's options say of writes. */
export interface PreparationLimits {
  /** What is left of ACL_GROWTH_MAX in a multi. */
  readonly aclGrowthMax?: number
  /** Bytes of data of one request, all steps of a multi together. */
  readonly dataBytesMax: number
  /** Whether TTL znodes may be made. */
  readonly extendedTypesEnabled: boolean
  /** Whether every linked peer can read containers and TTL znodes; those that cannot must not meet any. */
  readonly lifetimesUnderstood: () => boolean
  /** Whether hard limits of quotas refuse. */
  readonly enforceQuota: boolean
}

export interface PrepareContext {
  readonly overlay: TreeOverlay
  readonly sessions: PendingSessions
  readonly access: Access
  readonly limits: PreparationLimits
  /** As applied, not as pending. */
  readonly quotas: Quotas
  /** Tells the operator, in the end. */
  readonly report: (message: string) => void
  readonly requester: Requester
  /** The zxid that the txn is about to get. */
  readonly zxid: Zxid
}

export interface ApplyContext {
  readonly replica: Replica
  readonly zxid: Zxid
  readonly time: number
  /** What has been done to the tree so far, in order: the causes of watch events. */
  readonly changes: TreeChange[]
}

/** What the watch registry offers for one client. */
export interface Watches {
  watchData(path: string): void
  watchExist(path: string): void
  watchChild(path: string): void
  addPersistent(path: string, mode: AddWatchMode): void
  /** False if nothing matched. */
  remove(path: string, type: RemoveWatchType): boolean
  has(path: string, type: RemoveWatchType): boolean
  /** Registers again, and notifies what was missed. */
  restore(request: SetWatchesRequest, look: (path: string) => Seen | undefined): void
}
export interface Seen {
  readonly czxid: Zxid
  readonly mzxid: Zxid
  readonly pzxid: Zxid
}

export interface ReadContext {
  readonly replica: Replica
  readonly session: SessionId
  readonly access: Access
  readonly identities: Identities
  readonly watches: Watches
}

export interface WriteOperation<R extends WriteRequest> {
  readonly kind: 'write'
  prepare(request: R, context: PrepareContext): Txn
}
export interface ReadOperation<R extends ReadRequest> {
  readonly kind: 'read'
  answer(request: R, context: ReadContext): Response
}
/** Neither: it changes and reads nothing, and only waits for its place in the order (sync). */
export interface BarrierOperation {
  readonly kind: 'barrier'
}

export function errorTxn(code: ReplyCode): ErrorTxn {
  return { kind: 'error', code }
}

/** What applying answers when a txn meets a tree that does not fit: a replay over a newer state. It changed nothing. */
export const NO_NODE = errorResponse('NO_NODE')
