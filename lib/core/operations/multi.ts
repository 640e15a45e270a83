/**
 * multi: all steps or none, under one zxid and one time; each step sees those before it (C9). One that fails becomes a multi of
 * error txns, OK before the failing step and RUNTIME_INCONSISTENCY after it, and leaves the state-to-be exactly as it was.
 * A multi without steps succeeds. ZooKeeper: PrepRequestProcessor, OpCode.multi; semantics §9.
 */
import type { MultiRequest, MultiStep } from '../../model/request.js'
import { ACL_GROWTH_MAX, aclGrowth } from '../../model/request-check.js'
import type { MultiResponse } from '../../model/response.js'
import type { ErrorTxn, MultiTxn, StepTxn } from '../../model/txn.js'
import { applyStep } from './apply-step.js'
import { prepareCheckStep } from './check.js'
import { prepareCreate } from './create.js'
import { prepareDelete } from './delete.js'
import { type ApplyContext, errorTxn, type PrepareContext, type WriteOperation } from './operation.js'
import { prepareSetData } from './set-data.js'

export const multi: WriteOperation<MultiRequest> = { kind: 'write', prepare: prepareMulti }

export function prepareMulti({ steps }: MultiRequest, context: PrepareContext): MultiTxn {
  const prepared: StepTxn[] = []
  let bytesLeft = context.limits.dataBytesMax
  let growthLeft = ACL_GROWTH_MAX
  context.overlay.mark()
  for (const step of steps) {
    const txn = prepareStep(step, {
      ...context,
      limits: { ...context.limits, dataBytesMax: bytesLeft, aclGrowthMax: growthLeft },
    })
    if (txn.kind === 'error') {
      context.overlay.rollback()
      return { kind: 'multi', steps: failedSteps(steps.length, prepared.length, txn) }
    }
    if (step.kind === 'create' && txn.kind === 'create') growthLeft -= aclGrowth(step.acl, txn.acl)
    if ('data' in txn) bytesLeft -= txn.data?.length ?? 0
    prepared.push(txn)
  }
  context.overlay.keep()
  return { kind: 'multi', steps: prepared }
}

export function applyMulti(txn: MultiTxn, context: ApplyContext): MultiResponse {
  const results = txn.steps.map(step => applyStep(step, context))
  return { kind: 'multi', failed: txn.steps[0]?.kind === 'error', results }
}

function prepareStep(step: MultiStep, context: PrepareContext): StepTxn {
  switch (step.kind) {
    case 'create':
      return prepareCreate(step, context)
    case 'delete':
      return prepareDelete(step, context)
    case 'setData':
      return prepareSetData(step, context)
    case 'check':
      return prepareCheckStep(step, context)
  }
}

function failedSteps(count: number, failing: number, failure: ErrorTxn): ErrorTxn[] {
  return Array.from({ length: count }, (_, at) => {
    if (at === failing) return failure
    return errorTxn(at < failing ? 'OK' : 'RUNTIME_INCONSISTENCY')
  })
}
