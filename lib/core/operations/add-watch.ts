/** addWatch: a persistent watch on any path, there or not. Nothing is checked: what may be read is judged at delivery. */
import type { AddWatchRequest } from '../../model/request.js'
import { DONE, type Response } from '../../model/response.js'
import type { ReadContext, ReadOperation } from './operation.js'

export const addWatch: ReadOperation<AddWatchRequest> = { kind: 'read', answer: answerAddWatch }

function answerAddWatch({ path, mode }: AddWatchRequest, { watches }: ReadContext): Response {
  watches.addPersistent(path, mode)
  return DONE
}
