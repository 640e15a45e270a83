/**
 * setAcl: the expected version is compared with aversion, and aversion is all that changes beside the ACL: no zxid, no watch.
 * A bad ACL is refused before a missing znode (semantics §8). ZooKeeper: PrepRequestProcessor, OpCode.setACL.
 */
import { Permission } from '../../model/acl.js'
import { validatePath } from '../../model/path.js'
import type { SetAclRequest } from '../../model/request.js'
import type { StepResponse } from '../../model/response.js'
import type { ErrorTxn, SetAclTxn } from '../../model/txn.js'
import { growsTooMuch } from './acl-growth.js'
import { type ApplyContext, errorTxn, NO_NODE, type PrepareContext, type WriteOperation } from './operation.js'
import { nextVersion, versionMatches } from './versions.js'

export const setAcl: WriteOperation<SetAclRequest> = { kind: 'write', prepare: prepareSetAcl }

export function prepareSetAcl(request: SetAclRequest, context: PrepareContext): SetAclTxn | ErrorTxn {
  const { access, overlay, sessions, requester, limits, zxid } = context
  const { path } = request
  if (!sessions.speaksFor(requester)) return errorTxn('SESSION_EXPIRED')
  if (validatePath(path) !== undefined) return errorTxn('BAD_ARGUMENTS')
  const acl = access.resolve(request.acl, requester.identities)
  if (acl === undefined || growsTooMuch(request.acl, acl, limits)) return errorTxn('INVALID_ACL')
  const node = overlay.state(path)
  if (node === undefined) return errorTxn('NO_NODE')
  if (!access.permits(node.acl, requester.identities, Permission.ADMIN)) return errorTxn('NO_AUTH')
  if (!versionMatches(request.version, node.aversion)) return errorTxn('BAD_VERSION')
  const version = nextVersion(node.aversion)
  overlay.aclSet(path, acl, version, zxid)
  return { kind: 'setAcl', path, acl, version }
}

export function applySetAcl(txn: SetAclTxn, { replica: { tree }, zxid }: ApplyContext): StepResponse {
  const { path } = txn
  const znode = tree.setAcl(path, txn.acl, txn.version, zxid)
  return znode === undefined ? NO_NODE : { kind: 'stat', stat: tree.statOf(path, znode) }
}
