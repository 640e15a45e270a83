/** getAcl: needs READ or ADMIN; who lacks ADMIN does not see the password hashes of `digest` entries (semantics §8). */
import { Permission } from '../../model/acl.js'
import type { GetAclRequest } from '../../model/request.js'
import { errorResponse, type Response } from '../../model/response.js'
import { NO_NODE, type ReadContext, type ReadOperation } from './operation.js'

export const getAcl: ReadOperation<GetAclRequest> = { kind: 'read', answer: answerGetAcl }

function answerGetAcl({ path }: GetAclRequest, { replica: { tree }, access, identities }: ReadContext): Response {
  const znode = tree.get(path)
  if (znode === undefined) return NO_NODE
  if (!access.permits(znode.acl, identities, Permission.READ | Permission.ADMIN)) return errorResponse('NO_AUTH')
  return { kind: 'acl', acl: access.masked(znode.acl, identities), stat: tree.statOf(path, znode) }
}
