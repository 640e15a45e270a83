/**
 * Answers a read from this peer's own replica, and registers its watch in the same moment, so that no change falls between the two
 * (W2). Before: pipeline/answer, in the session's order. The answer's zxid is the replica's.
 */
import type { ReadRequest } from '../../model/request.js'
import type { Response } from '../../model/response.js'
import type { ReadContext, ReadOperation } from './operation.js'
import { operations } from './operations.js'

export type { ReadContext, Watches } from './operation.js'

export function answerRead(request: ReadRequest, context: ReadContext): Response {
  // As in preparation.ts: the table pairs each kind with its request.
  return (operations[request.kind] as ReadOperation<ReadRequest>).answer(request, context)
}
