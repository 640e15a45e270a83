/**
 * Which decisions are to be accounted for: every denial, each step of a multi for itself, and every end of a session.
 * Used by prepare.ts for writes, and by request-pipeline.ts for reads.
 */
import type { Identities } from '../../model/acl.js'
import type { SessionId } from '../../model/ids.js'
import type { ReadRequest, WriteRequest } from '../../model/request.js'
import type { Response } from '../../model/response.js'
import type { Txn } from '../../model/txn.js'
import type { Zxid } from '../../model/zxid.js'
import type { Audited } from '../audited.js'

type Who = { readonly session: SessionId; readonly identities: Identities }
type Asked = { readonly kind: Audited['operation']; readonly path?: string }

/** How a session ends with this txn: by its owner's wish, by the leader's, or not at all, for it had ended before. */
export type Ending = 'closed' | 'expired' | undefined

export function auditedWrite(
  request: WriteRequest,
  { session, identities }: Who,
  zxid: Zxid,
  txn: Txn,
  ending: Ending,
): Audited | undefined {
  const who = { session, identities, zxid }
  if (request.kind === 'closeSession') {
    if (ending === undefined) return undefined
    return {
      operation: 'closeSession',
      result: ending === 'closed' ? 'OK' : 'SESSION_EXPIRED',
      path: undefined,
      ...who,
    }
  }
  if (request.kind !== 'multi') return isDenied(txn) ? denied(request, who) : undefined
  // It ends with the first step that fails.
  const at = txn.kind === 'multi' ? txn.steps.findIndex(isDenied) : -1
  return at < 0 ? undefined : denied(request.steps[at]!, who)
}

export function auditedRead(
  request: ReadRequest,
  { session, identities }: Who,
  response: Response,
): readonly Audited[] {
  const who = { session, identities, zxid: undefined }
  if (isRefused(response)) return [denied(request, who)]
  if (request.kind !== 'multiRead' || response.kind !== 'multiRead') return []
  return request.steps.filter((_, at) => isRefused(response.results[at]!)).map(step => denied(step, who))
}

function denied(asked: Asked, who: Who & Pick<Audited, 'zxid'>): Audited {
  const { session, identities, zxid } = who
  return { operation: asked.kind, result: 'NO_AUTH', session, identities, path: asked.path, zxid }
}

function isDenied(txn: Txn): boolean {
  return txn.kind === 'error' && txn.code === 'NO_AUTH'
}

function isRefused(response: Response): boolean {
  return response.kind === 'error' && response.code === 'NO_AUTH'
}
