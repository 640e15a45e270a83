/** Carries out one txn that may stand in a multi, or alone. Used by multi.ts and apply-txn.ts. */
import { unreachable } from '../../model/invariant.js'
import { DONE, errorResponse, type StepResponse } from '../../model/response.js'
import type { StepTxn } from '../../model/txn.js'
import { applyCreate } from './create.js'
import { applyDelete } from './delete.js'
import type { ApplyContext } from './operation.js'
import { applySetData } from './set-data.js'

export function applyStep(txn: StepTxn, context: ApplyContext): StepResponse {
  switch (txn.kind) {
    case 'create':
      return applyCreate(txn, context)
    case 'delete':
      return applyDelete(txn, context)
    case 'setData':
      return applySetData(txn, context)
    case 'check':
      return DONE
    case 'error':
      return errorResponse(txn.code)
    default:
      return unreachable(txn)
  }
}
