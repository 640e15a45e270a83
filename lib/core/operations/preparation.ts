/**
 * The leader's judgement of writes: each becomes a txn, checked against the committed state with everything proposed above it, in
 * the order in which requests arrive. Never throws for what a client can cause: a failed check is an error txn.
 *
 * Made when a peer begins to broadcast, with a replica that has applied all of its history; dropped when it ends. Whoever calls
 * proposes every txn it gets under the zxid it gave, in that order, and tells `committed` after applying each.
 * Before: pipeline/prepare. After: pipeline/propose.
 */
import { invariant } from '../../model/invariant.js'
import type { WriteRequest } from '../../model/request.js'
import { isTooLarge } from '../../model/request-check.js'
import type { Txn } from '../../model/txn.js'
import { isAfter, type Zxid } from '../../model/zxid.js'
import type { Replica } from '../replica.js'
import type { Access } from '../tree/access.js'
import type { Quotas } from '../tree/quotas.js'
import { TreeOverlay } from '../tree/tree-overlay.js'
import {
  errorTxn,
  type PreparationLimits,
  type PrepareContext,
  type Requester,
  type WriteOperation,
} from './operation.js'
import { operations } from './operations.js'
import { PendingSessions } from './pending-sessions.js'

/** Where the txn will stand. `time` is stamped by the proposal; preparing does not depend on it. */
export interface Place {
  readonly zxid: Zxid
  /** Wall-clock milliseconds. */
  readonly time: number
  /** What an operator should hear of it. */
  readonly report: (message: string) => void
}

export class Preparation {
  readonly overlay: TreeOverlay
  readonly sessions: PendingSessions
  readonly #access: Access
  readonly #quotas: Quotas
  readonly #limits: PreparationLimits
  #last: Zxid

  constructor(replica: Replica, access: Access, limits: PreparationLimits) {
    this.overlay = new TreeOverlay(replica.tree)
    this.sessions = new PendingSessions(replica.sessions)
    this.#access = access
    this.#quotas = replica.tree.quotas
    this.#limits = limits
    this.#last = replica.zxid
  }

  prepare(request: WriteRequest, requester: Requester, place: Place): Txn {
    const { zxid } = place
    invariant(isAfter(zxid, this.#last), 'each write is prepared under a later zxid')
    this.#last = zxid
    // Its txn must fit into a record, and the record into a frame, whatever a client sends.
    if (isTooLarge(request, this.#limits.dataBytesMax)) return errorTxn('BAD_ARGUMENTS')
    const { overlay, sessions } = this
    const context: PrepareContext = {
      overlay,
      sessions,
      access: this.#access,
      limits: this.#limits,
      quotas: this.#quotas,
      report: place.report,
      requester,
      zxid,
    }
    // The table's type pairs each kind with its request; TypeScript cannot follow that pair through a union.
    return (operations[request.kind] as WriteOperation<WriteRequest>).prepare(request, context)
  }

  /** Everything up to and including `zxid` is applied to the replica. */
  committed(zxid: Zxid): void {
    this.overlay.committed(zxid)
    this.sessions.committed(zxid)
  }
}
