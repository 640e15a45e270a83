/** removeWatches: takes back what is registered on exactly this path; NO_WATCHER if nothing was. */
import type { RemoveWatchesRequest } from '../../model/request.js'
import { DONE, errorResponse, type Response } from '../../model/response.js'
import type { ReadContext, ReadOperation } from './operation.js'

export const removeWatches: ReadOperation<RemoveWatchesRequest> = { kind: 'read', answer: answerRemoveWatches }

function answerRemoveWatches({ path, type }: RemoveWatchesRequest, { watches }: ReadContext): Response {
  return watches.remove(path, type) ? DONE : errorResponse('NO_WATCHER')
}
