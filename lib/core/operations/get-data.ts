/** getData: data and Stat. The watch is set only on success. Any path may be asked for: a bad one is not found (semantics §2). */
import { Permission } from '../../model/acl.js'
import type { GetDataRequest } from '../../model/request.js'
import { errorResponse, type ReadStepResponse } from '../../model/response.js'
import { bytesOfData } from '../../model/znode-data.js'
import { NO_NODE, type ReadContext, type ReadOperation } from './operation.js'

export const getData: ReadOperation<GetDataRequest> = { kind: 'read', answer: answerGetData }

export function answerGetData(
  { path, watch }: GetDataRequest,
  { replica: { tree }, access, identities, watches }: ReadContext,
): ReadStepResponse {
  const znode = tree.get(path)
  if (znode === undefined) return NO_NODE
  if (!access.permits(znode.acl, identities, Permission.READ)) return errorResponse('NO_AUTH')
  if (watch) watches.watchData(path)
  return { kind: 'data', data: bytesOfData(znode.data), stat: tree.statOf(path, znode) }
}
