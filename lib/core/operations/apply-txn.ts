/**
 * Carries out one committed proposal on this replica, the same on every replica: only the txn is used, no clock, no chance, no
 * order of a map (Z26). Never fails: a txn that does not fit the tree (a replay over a newer state) changes nothing, and counters
 * never go back (Z27). Before: pipeline/apply, in zxid order. After: watches by `changes`, the reply by `response`.
 */

import type { SessionId } from '../../model/ids.js'
import { unreachable } from '../../model/invariant.js'
import type { Proposal } from '../../model/proposal.js'
import type { Response } from '../../model/response.js'
import type { TreeChange } from '../../model/tree-change.js'
import type { Txn } from '../../model/txn.js'
import type { Replica } from '../replica.js'
import { applyStep } from './apply-step.js'
import { applyCloseSession } from './close-session.js'
import { applyCreateSession } from './create-session.js'
import { applyMulti } from './multi.js'
import type { ApplyContext } from './operation.js'
import { applySetAcl } from './set-acl.js'

export interface Applied {
  readonly response: Response
  /** In the order in which they happened. */
  readonly changes: readonly TreeChange[]
  readonly closedSession: SessionId | undefined
}

export function applyTxn(replica: Replica, { txn, zxid, time }: Proposal): Applied {
  const changes: TreeChange[] = []
  const response = applyAny(txn, { replica, zxid, time, changes })
  replica.applied(zxid, time)
  return { response, changes, closedSession: txn.kind === 'closeSession' ? txn.session : undefined }
}

function applyAny(txn: Txn, context: ApplyContext): Response {
  switch (txn.kind) {
    case 'create':
    case 'delete':
    case 'setData':
    case 'check':
    case 'error':
      return applyStep(txn, context)
    case 'setAcl':
      return applySetAcl(txn, context)
    case 'multi':
      return applyMulti(txn, context)
    case 'createSession':
      return applyCreateSession(txn, context)
    case 'closeSession':
      return applyCloseSession(txn, context)
    default:
      return unreachable(txn)
  }
}
