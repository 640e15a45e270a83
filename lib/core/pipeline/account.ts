/**
 * Which decisions are to be accounted for: every denial, each step of a multi for itself, and every end of a session; on request every write,
 * done or failed, and every ephemeral that goes with its session.
 * Used by prepare.ts for writes, and by request-stations.ts for reads.
 */
import type { Identities } from '../../model/acl.js'
import type { ReplyCode } from '../../model/errors.js'
import type { SessionId } from '../../model/ids.js'
import type { ReadRequest, RequestKind, WriteRequest } from '../../model/request.js'
import type { Response } from '../../model/response.js'
import type { Txn } from '../../model/txn.js'
import type { Zxid } from '../../model/zxid.js'
import type { Audited } from '../audited.js'

type Who = { readonly session: SessionId; readonly identities: Identities }
type Asked = { readonly kind: RequestKind; readonly path?: string }

/** How a session ends with this txn: by its owner's wish, by the leader's, or not at all, for it had ended before. */
export type Ending = 'closed' | 'expired' | undefined

/** What is known of a write beside its txn. */
export interface Circumstances {
  readonly ending: Ending
  /** That end with their session, in this order. */
  readonly ephemerals: readonly string[]
  /** Everything is to be accounted for, not denials and ends of sessions alone (`auditWrites`). */
  readonly all: boolean
}

export function auditedWrite(
  request: WriteRequest,
  { session, identities }: Who,
  zxid: Zxid,
  txn: Txn,
  { ending, ephemerals, all }: Circumstances,
): readonly Audited[] {
  const who = { session, identities, zxid }
  if (request.kind === 'closeSession') {
    if (ending === undefined) return []
    const result = ending === 'closed' ? 'OK' : 'SESSION_EXPIRED'
    const gone = all ? ephemerals : []
    return [
      { operation: 'closeSession', result, path: undefined, ...who },
      ...gone.map(path => ({ operation: 'deleteEphemeral', result: 'OK', path, ...who }) as const),
    ]
  }
  const told = (asked: Asked, txn: Txn): readonly Audited[] => {
    const result = txn.kind === 'error' ? txn.code : 'OK'
    if (!(all || result === 'NO_AUTH') || isNoWrite(asked, result)) return []
    return [{ operation: asked.kind, result, path: 'path' in txn ? txn.path : asked.path, ...who }]
  }
  if (request.kind !== 'multi' || txn.kind !== 'multi') return told(request, txn)
  // It ends with the first step that fails; nothing of the others has happened.
  const failed = txn.steps.findIndex(step => step.kind === 'error' && step.code !== 'OK')
  if (failed >= 0) return told(request.steps[failed]!, txn.steps[failed]!)
  return txn.steps.flatMap((step, at) => told(request.steps[at]!, step))
}

/** Changes nothing, and was not to: a check that holds, a session that begins, what could not be understood. */
function isNoWrite({ kind }: Asked, result: ReplyCode): boolean {
  return kind === 'createSession' || kind === 'invalid' || (kind === 'check' && result === 'OK')
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

/** An ACL says no. */
export function denied(asked: Asked, who: Who & Pick<Audited, 'zxid'>): Audited {
  const { session, identities, zxid } = who
  return { operation: asked.kind, result: 'NO_AUTH', session, identities, path: asked.path, zxid }
}

function isRefused(response: Response): boolean {
  return response.kind === 'error' && response.code === 'NO_AUTH'
}
