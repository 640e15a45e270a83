/** setWatches: after a reconnect, registers again and tells what was missed, ahead of the reply. No checks (semantics §8). */
import type { SetWatchesRequest } from '../../model/request.js'
import { DONE, type Response } from '../../model/response.js'
import type { ReadContext, ReadOperation } from './operation.js'

export const setWatches: ReadOperation<SetWatchesRequest> = { kind: 'read', answer: answerSetWatches }

function answerSetWatches(request: SetWatchesRequest, { replica, watches }: ReadContext): Response {
  watches.restore(request, path => replica.tree.get(path))
  return DONE
}
