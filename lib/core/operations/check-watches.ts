/** checkWatches: NO_WATCHER where removeWatches would find nothing; removes nothing. */
import type { CheckWatchesRequest } from '../../model/request.js'
import { DONE, errorResponse, type Response } from '../../model/response.js'
import type { ReadContext, ReadOperation } from './operation.js'

export const checkWatches: ReadOperation<CheckWatchesRequest> = { kind: 'read', answer: answerCheckWatches }

function answerCheckWatches({ path, type }: CheckWatchesRequest, { watches }: ReadContext): Response {
  return watches.has(path, type) ? DONE : errorResponse('NO_WATCHER')
}
