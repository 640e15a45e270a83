/**
 * delete: the permission is the parent's, and the parent is looked for first, so NO_AUTH comes before the znode's own NO_NODE
 * (semantics §8). The system znodes are refused by their paths. ZooKeeper: PrepRequestProcessor, OpCode.delete.
 */
import { Permission } from '../../model/acl.js'
import { parentOf } from '../../model/path.js'
import type { DeleteRequest } from '../../model/request.js'
import { DONE, type StepResponse } from '../../model/response.js'
import type { DeleteTxn, ErrorTxn } from '../../model/txn.js'
import { isSystemPath } from '../tree/system-znodes.js'
import { type ApplyContext, errorTxn, NO_NODE, type PrepareContext, type WriteOperation } from './operation.js'
import { versionMatches } from './versions.js'

export const deleteOperation: WriteOperation<DeleteRequest> = { kind: 'write', prepare: prepareDelete }

export function prepareDelete(request: DeleteRequest, context: PrepareContext): DeleteTxn | ErrorTxn {
  const { access, overlay, sessions, requester, zxid } = context
  const { path } = request
  if (!sessions.speaksFor(requester)) return errorTxn('SESSION_EXPIRED')
  if (!path.includes('/') || path.includes('\0') || isSystemPath(path)) return errorTxn('BAD_ARGUMENTS')
  const parent = overlay.state(parentOf(path))
  if (parent === undefined) return errorTxn('NO_NODE')
  if (!access.permits(parent.acl, requester.identities, Permission.DELETE)) return errorTxn('NO_AUTH')
  const node = overlay.state(path)
  if (node === undefined) return errorTxn('NO_NODE')
  if (!versionMatches(request.version, node.version)) return errorTxn('BAD_VERSION')
  if (node.childCount > 0) return errorTxn('NOT_EMPTY')
  overlay.deleted(path, zxid)
  return { kind: 'delete', path, replaces: node.mzxid }
}

export function applyDelete({ path }: DeleteTxn, { replica, zxid, changes }: ApplyContext): StepResponse {
  const znode = replica.tree.delete(path, zxid)
  if (znode === undefined) return NO_NODE
  changes.push({ type: 'deleted', path, acl: znode.acl })
  return DONE
}
