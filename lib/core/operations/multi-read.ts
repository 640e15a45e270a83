/**
 * multiRead: several reads of one moment, for nothing is applied between them. Each has its own result or error; the whole never fails.
 * No step sets a watch, whatever it says (semantics §9).
 */
import { unreachable } from '../../model/invariant.js'
import type { MultiReadRequest, ReadStep } from '../../model/request.js'
import type { ReadStepResponse, Response } from '../../model/response.js'
import { answerGetChildren } from './get-children.js'
import { answerGetData } from './get-data.js'
import type { ReadContext, ReadOperation } from './operation.js'

export const multiRead: ReadOperation<MultiReadRequest> = { kind: 'read', answer: answerMultiRead }

function answerMultiRead({ steps }: MultiReadRequest, context: ReadContext): Response {
  return { kind: 'multiRead', results: steps.map(step => answerStep(step, context)) }
}

function answerStep(step: ReadStep, context: ReadContext): ReadStepResponse {
  switch (step.kind) {
    case 'getData':
      return answerGetData({ ...step, watch: false }, context)
    case 'getChildren':
      return answerGetChildren({ ...step, watch: false }, context)
    default:
      return unreachable(step)
  }
}
