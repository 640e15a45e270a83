/**
 * closeSession, asked by the client or by the leader that expires it: ends the session and deletes its ephemerals in one txn (S4).
 * Asked again, it finds nothing left to do. The txn carries no paths: every replica has the same owner index, and takes them in
 * path order. ZooKeeper: OpCode.closeSession, DataTree.killSession.
 */
import type { CloseSessionRequest } from '../../model/request.js'
import { DONE, type DoneResponse } from '../../model/response.js'
import type { CloseSessionTxn } from '../../model/txn.js'
import type { ApplyContext, PrepareContext, WriteOperation } from './operation.js'

export const closeSession: WriteOperation<CloseSessionRequest> = { kind: 'write', prepare: prepareCloseSession }

export function prepareCloseSession(_request: CloseSessionRequest, context: PrepareContext): CloseSessionTxn {
  const { overlay, sessions, requester, zxid } = context
  for (const path of overlay.ephemeralsOf(requester.session)) overlay.deleted(path, zxid)
  sessions.closed(requester.session, zxid)
  return { kind: 'closeSession', session: requester.session }
}

export function applyCloseSession(
  { session }: CloseSessionTxn,
  { replica, zxid, changes }: ApplyContext,
): DoneResponse {
  for (const path of [...replica.tree.ephemerals.of(session)].sort()) {
    const znode = replica.tree.delete(path, zxid)
    if (znode !== undefined) changes.push({ type: 'deleted', path, acl: znode.acl })
  }
  replica.sessions.remove(session)
  return DONE
}
