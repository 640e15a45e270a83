/**
 * Errors as values: a stable string code, ZooKeeper's number where it has one, and what the caller may assume.
 * Codes are the contract; messages are free to change.
 */

/** Codes that ZooKeeper has, with its numbers (semantics: KeeperException.Code). */
export const zookeeperCodes = {
  OK: 0,
  RUNTIME_INCONSISTENCY: -2,
  CONNECTION_LOSS: -4,
  MARSHALLING_ERROR: -5,
  UNIMPLEMENTED: -6,
  OPERATION_TIMEOUT: -7,
  BAD_ARGUMENTS: -8,
  NEW_CONFIG_NO_QUORUM: -13,
  RECONFIG_IN_PROGRESS: -14,
  NO_NODE: -101,
  NO_AUTH: -102,
  BAD_VERSION: -103,
  NO_CHILDREN_FOR_EPHEMERALS: -108,
  NODE_EXISTS: -110,
  NOT_EMPTY: -111,
  SESSION_EXPIRED: -112,
  INVALID_ACL: -114,
  AUTH_FAILED: -115,
  SESSION_MOVED: -118,
  NOT_READ_ONLY: -119,
  EPHEMERAL_ON_LOCAL_SESSION: -120,
  NO_WATCHER: -121,
  REQUEST_TIMEOUT: -122,
  RECONFIG_DISABLED: -123,
  SESSION_CLOSED_REQUIRE_SASL_AUTH: -124,
  QUOTA_EXCEEDED: -125,
  THROTTLED_OP: -127,
} as const

/** Codes of our own: nothing on ZooKeeper's wire carries them. */
export const ownCodes = [
  'BAD_OPTIONS',
  'CLOSED',
  'ABORTED',
  'DATA_TOO_LARGE',
  'CODEC_ERROR',
  'PORT_IN_USE',
  'DATA_DIR_LOCKED',
  'DATA_CORRUPT',
  'DATA_TOO_NEW',
  'HISTORY_CONFLICT',
  'HISTORY_PURGED',
  'STORAGE_FAILED',
  'STORAGE_LOW',
  'TRANSPORT_FAILED',
  'PROTOCOL_ERROR',
  'HANDSHAKE_REFUSED',
  'DUPLICATE_PEER',
  'ENSEMBLE_MISMATCH',
  'MEMBERS_MISMATCH',
  'TREE_FULL',
  'OVERLOADED',
  'INTERNAL',
] as const

/** A code that the core can answer a request with, and that a replicated error txn can hold. */
export type ReplyCode = keyof typeof zookeeperCodes
/** A code that a leader refuses a request with before it gets a zxid: nothing of it is replicated. */
export type RefusalCode = ReplyCode | 'STORAGE_LOW'
export type ErrorCode = ReplyCode | (typeof ownCodes)[number]

/** What a caller may assume of the write that failed: it took no effect, or nobody can tell. */
export type Outcome = 'not-applied' | 'unknown'

export interface ErrorDetails {
  readonly path?: string | undefined
  /** The step of a multi that failed. */
  readonly index?: number | undefined
  readonly outcome?: Outcome | undefined
  readonly cause?: unknown
}

/**
 * The only error class of the public API. Recognise it by `code`, never by message or `instanceof` across copies.
 *
 * @example
 * try { await zk.create('/a') } catch (error) { if ((error as ZooKeeperError).code !== 'NODE_EXISTS') throw error }
 */
export class ZooKeeperError extends Error {
  override readonly name = 'ZooKeeperError'
  readonly code: ErrorCode
  /** ZooKeeper's number of this code; undefined for codes of our own. */
  readonly errno: number | undefined
  readonly path: string | undefined
  /** Of a failed multi: the step that failed, counted from 0. */
  readonly index: number | undefined
  readonly outcome: Outcome

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(`${code}: ${message}`, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.errno = (zookeeperCodes as Record<string, number>)[code]
    this.path = details.path
    this.index = details.index
    this.outcome = details.outcome ?? 'not-applied'
  }
}

/** Whether an error is one of ours with this code, also across copies of the package. @example if (!hasCode(error, 'NODE_EXISTS')) throw error */
export function hasCode(error: unknown, code: ErrorCode): boolean {
  return error instanceof Error && (error as { code?: unknown }).code === code
}
