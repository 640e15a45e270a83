/**
 * exists: the Stat, or NO_NODE; the watch is set either way, and tells of the creation then (semantics §8). Needs READ on the znode
 * itself (ZOOKEEPER-2590); refused, it sets none.
 */
import { Permission } from '../../model/acl.js'
import type { ExistsRequest } from '../../model/request.js'
import { errorResponse, type Response } from '../../model/response.js'
import { NO_NODE, type ReadContext, type ReadOperation } from './operation.js'

export const exists: ReadOperation<ExistsRequest> = { kind: 'read', answer: answerExists }

function answerExists(
  { path, watch }: ExistsRequest,
  { replica: { tree }, access, identities, watches }: ReadContext,
): Response {
  if (path.includes('\0')) return errorResponse('BAD_ARGUMENTS')
  const znode = tree.get(path)
  if (znode === undefined) {
    if (watch) watches.watchExist(path)
    return NO_NODE
  }
  if (!access.permits(znode.acl, identities, Permission.READ)) return errorResponse('NO_AUTH')
  if (watch) watches.watchData(path)
  return { kind: 'stat', stat: tree.statOf(path, znode) }
}
