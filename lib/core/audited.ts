/**
 * What somebody may have to account for later. Told by the peer that decides, once for each decision, in the step in which it is made: the leader for
 * writes and the ends of sessions, the connected peer for reads. A decision that a failing leader takes with it had no effect; its successor
 * decides, and tells, anew: `zxid` tells the two apart.
 * After: host/audit.ts adds who and where, without anything secret.
 */
import type { Identities } from '../model/acl.js'
import type { ReplyCode } from '../model/errors.js'
import type { SessionId } from '../model/ids.js'
import type { RequestKind } from '../model/request.js'
import type { Zxid } from '../model/zxid.js'

export interface Audited {
  /** A step of a multi by its own kind. */
  readonly operation: RequestKind | 'deleteEphemeral'
  /** NO_AUTH: denied. For closeSession OK, or SESSION_EXPIRED when nobody asked for it. */
  readonly result: ReplyCode
  readonly session: SessionId
  readonly identities: Identities
  readonly path: string | undefined
  /** Of a write: where it stands. */
  readonly zxid: Zxid | undefined
}
