/**
 * What a peer refuses by its own replica (`eagerAclCheck`) is answered by no zxid, and has no place in any order. It is right if an ACL forbade it in a
 * state that the peer may have had: none older than what its client had seen, none that is not committed yet. Used by calls.ts.
 */
import type { Acl } from '../../../lib/model/acl.js'
import { Permission } from '../../../lib/model/acl.js'
import type { Request } from '../../../lib/model/request.js'
import type { Response } from '../../../lib/model/response.js'
import { isAfter, sameZxid, ZERO, type Zxid } from '../../../lib/model/zxid.js'
import type { Call } from '../../../lib/testing/simulated-client.js'
import { type Ledger, zxidKey } from './ledger.js'
import { mayDo, stored } from './model-access.js'
import type { ModelTree } from './model-tree.js'
import { Violation } from './violation.js'

export function isRefusedEagerly(ledger: Ledger, request: Request, zxid: Zxid, response: Response): boolean {
  if (!ledger.world.protocol.eagerAclCheck || !sameZxid(zxid, ZERO) || response.kind !== 'error') return false
  return ['NO_AUTH', 'INVALID_ACL'].includes(response.code) && wishOf(request) !== undefined
}

export function judgeEagerRefusal(
  { request, identities, seen, session, cxid }: Call,
  response: Response,
  ledger: Ledger,
  model: ModelTree,
): void {
  const { path, wanted, acl } = wishOf(request)!
  const isUnfit = acl !== undefined && stored(acl, identities) === undefined
  const code = response.kind === 'error' ? response.code : 'OK'
  if (isUnfit !== (code === 'INVALID_ACL'))
    throw new Violation(
      'C1',
      `${session}/${cxid} ${request.kind} is refused by ${code}, its ACL can ${isUnfit ? 'not ' : ''}be`,
    )
  if (isUnfit) return
  const forbids = (at: Zxid): boolean => {
    const znode = model.before(path, zxidKey(at))
    return znode !== undefined && !mayDo(znode.acl, identities, wanted)
  }
  if (forbids(seen)) return
  for (let index = ledger.chain.length - 1; index >= 0; index--) {
    const { zxid } = ledger.chain[index]!.proposal
    if (!isAfter(zxid, seen)) break
    if (forbids(zxid)) return
  }
  throw new Violation('C1', `${session}/${cxid} ${request.kind} of ${path} is refused, and nothing ever forbade it`)
}

function wishOf(request: Request): { readonly path: string; readonly wanted: number; readonly acl?: Acl } | undefined {
  switch (request.kind) {
    case 'create':
      return { path: parent(request.path), wanted: Permission.CREATE, acl: request.acl }
    case 'delete':
      return { path: parent(request.path), wanted: Permission.DELETE }
    case 'setData':
      return { path: request.path, wanted: Permission.WRITE }
    case 'setAcl':
      return { path: request.path, wanted: Permission.ADMIN, acl: request.acl }
    default:
      return undefined
  }
}

function parent(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/'
}
