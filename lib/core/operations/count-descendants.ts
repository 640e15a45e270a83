/** countDescendants: how many znodes are below one, itself not counted; below `/` also the system's. Needs READ on the znode alone. */
import { Permission } from '../../model/acl.js'
import type { CountDescendantsRequest } from '../../model/request.js'
import { errorResponse, type Response } from '../../model/response.js'
import { countDescendants as count } from '../tree/descendants.js'
import { NO_NODE, type ReadContext, type ReadOperation } from './operation.js'

export const countDescendants: ReadOperation<CountDescendantsRequest> = { kind: 'read', answer: answerCount }

function answerCount(
  { path }: CountDescendantsRequest,
  { replica: { tree }, access, identities }: ReadContext,
): Response {
  const znode = tree.get(path)
  if (znode === undefined) return NO_NODE
  if (!access.permits(znode.acl, identities, Permission.READ)) return errorResponse('NO_AUTH')
  return { kind: 'count', count: count(tree, path) }
}
