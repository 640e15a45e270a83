/**
 * setData: replaces the data, if the version is the expected one. Equal bytes are a change too: version, mzxid and watches.
 * ZooKeeper: PrepRequestProcessor, OpCode.setData; DataTree.setData.
 */
import { Permission } from '../../model/acl.js'
import { validatePath } from '../../model/path.js'
import type { SetDataRequest } from '../../model/request.js'
import type { StepResponse } from '../../model/response.js'
import type { ErrorTxn, SetDataTxn } from '../../model/txn.js'
import { type ApplyContext, errorTxn, NO_NODE, type PrepareContext, type WriteOperation } from './operation.js'
import { exceedsQuota } from './quota-check.js'
import { nextVersion, versionMatches } from './versions.js'

export const setData: WriteOperation<SetDataRequest> = { kind: 'write', prepare: prepareSetData }

export function prepareSetData(request: SetDataRequest, context: PrepareContext): SetDataTxn | ErrorTxn {
  const { access, overlay, sessions, requester, limits, zxid } = context
  const { path, data } = request
  if (!sessions.speaksFor(requester)) return errorTxn('SESSION_EXPIRED')
  if (data !== null && data.length > limits.dataBytesMax) return errorTxn('BAD_ARGUMENTS')
  if (validatePath(path) !== undefined) return errorTxn('BAD_ARGUMENTS')
  const node = overlay.state(path)
  if (node === undefined) return errorTxn('NO_NODE')
  if (!access.permits(node.acl, requester.identities, Permission.WRITE)) return errorTxn('NO_AUTH')
  const dataLength = data?.length ?? 0
  if (exceedsQuota(path, 0, dataLength - node.dataLength, context)) return errorTxn('QUOTA_EXCEEDED')
  if (!versionMatches(request.version, node.version)) return errorTxn('BAD_VERSION')
  const version = nextVersion(node.version)
  overlay.dataSet(path, dataLength, version, zxid)
  return { kind: 'setData', path, data, version, replaces: node.mzxid }
}

export function applySetData(txn: SetDataTxn, { replica: { tree }, zxid, time, changes }: ApplyContext): StepResponse {
  const { path } = txn
  const znode = tree.setData(path, txn.data, txn.version, zxid, time)
  if (znode === undefined) return NO_NODE
  changes.push({ type: 'dataChanged', path, acl: znode.acl })
  return { kind: 'stat', stat: tree.statOf(path, znode) }
}
