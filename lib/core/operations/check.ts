/**
 * check: makes a multi depend on a znode's version; with −1, on its existence. It needs READ. Outside a multi it is refused: it
 * has nothing to tell, and in ZooKeeper it corrupted the order (ZOOKEEPER-2623).
 */
import { Permission } from '../../model/acl.js'
import { validatePath } from '../../model/path.js'
import type { CheckRequest } from '../../model/request.js'
import type { CheckTxn, ErrorTxn } from '../../model/txn.js'
import { errorTxn, type PrepareContext, type WriteOperation } from './operation.js'
import { versionMatches } from './versions.js'

export const check: WriteOperation<CheckRequest> = { kind: 'write', prepare: () => errorTxn('UNIMPLEMENTED') }

export function prepareCheckStep(request: CheckRequest, context: PrepareContext): CheckTxn | ErrorTxn {
  const { access, overlay, sessions, requester } = context
  const { path, version } = request
  if (!sessions.speaksFor(requester)) return errorTxn('SESSION_EXPIRED')
  if (validatePath(path) !== undefined) return errorTxn('BAD_ARGUMENTS')
  const node = overlay.state(path)
  if (node === undefined) return errorTxn('NO_NODE')
  if (!access.permits(node.acl, requester.identities, Permission.READ)) return errorTxn('NO_AUTH')
  if (!versionMatches(version, node.version)) return errorTxn('BAD_VERSION')
  return { kind: 'check', path, version }
}
