/**
 * What the leader decided, ready to be applied without any further choice: final paths, versions and counters.
 * Applying is deterministic (Z26): every replica reaches the same state from the same txns.
 */
import type { Acl } from './acl.js'
import type { ReplyCode } from './errors.js'
import type { SessionId } from './ids.js'
import type { Owner } from './owner.js'
import type { Zxid } from './zxid.js'

export interface CreateTxn {
  readonly kind: 'create'
  readonly path: string
  readonly data: Uint8Array | null
  readonly acl: Acl
  readonly owner: Owner | undefined
  /** The parent's stored cversion after this create (signed 32 bits). */
  readonly parentCversion: number
}
export interface DeleteTxn {
  readonly kind: 'delete'
  readonly path: string
  /** mzxid of the version this removes, so that a znode's history can be followed. */
  readonly replaces: Zxid
}
export interface SetDataTxn {
  readonly kind: 'setData'
  readonly path: string
  readonly data: Uint8Array | null
  /** The new version. */
  readonly version: number
  /** mzxid of the version this replaces. */
  readonly replaces: Zxid
}
export interface SetAclTxn {
  readonly kind: 'setAcl'
  readonly path: string
  readonly acl: Acl
  /** The new aversion. */
  readonly version: number
}
/** Only inside a multi. */
export interface CheckTxn {
  readonly kind: 'check'
  readonly path: string
  readonly version: number
}
export interface CreateSessionTxn {
  readonly kind: 'createSession'
  readonly session: SessionId
  readonly timeoutMs: number
  readonly password: Uint8Array
}
/** Deletes what the session owns, in path order: no list, since the owner index is replicated too. */
export interface CloseSessionTxn {
  readonly kind: 'closeSession'
  readonly session: SessionId
}
/** A write that failed: consumes its zxid, changes nothing. */
export interface ErrorTxn {
  readonly kind: 'error'
  readonly code: ReplyCode
}
/** A failed multi is a multi of error txns: OK, …, the code, RUNTIME_INCONSISTENCY, …. */
export interface MultiTxn {
  readonly kind: 'multi'
  readonly steps: readonly StepTxn[]
}

export type StepTxn = CreateTxn | DeleteTxn | SetDataTxn | CheckTxn | ErrorTxn
export type Txn = StepTxn | SetAclTxn | CreateSessionTxn | CloseSessionTxn | MultiTxn
