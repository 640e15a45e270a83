/**
 * getEphemerals: what the asking session owns. The prefix is a text, not a path: `/a` takes in `/ab`; a blank one and `/` mean all. No
 * checks, and no promised order (semantics §6).
 */
import type { GetEphemeralsRequest } from '../../model/request.js'
import type { Response } from '../../model/response.js'
import type { ReadContext, ReadOperation } from './operation.js'

export const getEphemerals: ReadOperation<GetEphemeralsRequest> = { kind: 'read', answer: answerGetEphemerals }

function answerGetEphemerals({ prefix }: GetEphemeralsRequest, { replica, session }: ReadContext): Response {
  const own = [...replica.tree.ephemerals.of(session)]
  const all = prefix === '/' || prefix.trim() === ''
  return { kind: 'paths', paths: all ? own : own.filter(path => path.startsWith(prefix)) }
}
