/** getChildren: names, in no promised order, and the Stat of the parent. The watch is set only on success. */
import { Permission } from '../../model/acl.js'
import type { GetChildrenRequest } from '../../model/request.js'
import { errorResponse, type ReadStepResponse } from '../../model/response.js'
import { NO_NODE, type ReadContext, type ReadOperation } from './operation.js'

export const getChildren: ReadOperation<GetChildrenRequest> = { kind: 'read', answer: answerGetChildren }

export function answerGetChildren(
  request: GetChildrenRequest,
  { replica, access, identities, watches }: ReadContext,
): ReadStepResponse {
  const { path, watch } = request
  const { tree } = replica
  const znode = tree.get(path)
  if (znode === undefined) return NO_NODE
  if (!access.permits(znode.acl, identities, Permission.READ)) return errorResponse('NO_AUTH')
  if (watch) watches.watchChild(path)
  return { kind: 'children', children: [...tree.childrenOf(path)], stat: tree.statOf(path, znode) }
}
