/**
 * createSession: made by the peer that a client attaches to, with id and password chosen there. Without checks: asked again for the
 * same session, it writes the same record. ZooKeeper: OpCode.createSession.
 */
import type { CreateSessionRequest } from '../../model/request.js'
import { DONE, type DoneResponse } from '../../model/response.js'
import type { CreateSessionTxn } from '../../model/txn.js'
import type { ApplyContext, PrepareContext, WriteOperation } from './operation.js'

export const createSession: WriteOperation<CreateSessionRequest> = { kind: 'write', prepare: prepareCreateSession }

export function prepareCreateSession(request: CreateSessionRequest, context: PrepareContext): CreateSessionTxn {
  const { session, timeoutMs, password } = request
  context.sessions.opened(session, context.zxid)
  return { kind: 'createSession', session, timeoutMs, password }
}

export function applyCreateSession(txn: CreateSessionTxn, { replica }: ApplyContext): DoneResponse {
  const { session, timeoutMs, password } = txn
  replica.sessions.add({ session, timeoutMs, password })
  return DONE
}
