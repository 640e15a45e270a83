/**
 * reap: the leader takes away a container or a TTL znode that is out of use. Its judgement (core/reaper.ts) is repeated here against the
 * state-to-be: a child on its way, new data or another znode of the same path save it. Nobody's session, nobody's permission; applied, it is
 * a delete like any other. ZooKeeper: PrepRequestProcessor, OpCode.deleteContainer.
 */
import { isMark } from '../../model/owner.js'
import type { ReapRequest } from '../../model/request.js'
import type { DeleteTxn, ErrorTxn } from '../../model/txn.js'
import { sameZxid } from '../../model/zxid.js'
import { errorTxn, type PrepareContext, type WriteOperation } from './operation.js'

export const reap: WriteOperation<ReapRequest> = { kind: 'write', prepare: prepareReap }

function prepareReap({ path, mzxid }: ReapRequest, { overlay, zxid }: PrepareContext): DeleteTxn | ErrorTxn {
  const node = overlay.state(path)
  if (node === undefined) return errorTxn('NO_NODE')
  if (node.childCount > 0) return errorTxn('NOT_EMPTY')
  if (!isMark(node.owner) || !sameZxid(node.mzxid, mzxid)) return errorTxn('BAD_VERSION')
  overlay.deleted(path, zxid)
  return { kind: 'delete', path, replaces: node.mzxid }
}
