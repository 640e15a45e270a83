/**
 * create, of every kind of znode: checks in the order of semantics §8 (the first that fails decides), the sequence number from the state-to-be, so
 * that pipelined creates get consecutive ones (C11). Applied, it answers with the final path and the new znode's Stat.
 * ZooKeeper: PrepRequestProcessor.pRequest2TxnCreate, DataTree.createNode.
 */
import { Permission } from '../../model/acl.js'
import type { ReplyCode } from '../../model/errors.js'
import type { SessionId } from '../../model/ids.js'
import { CONTAINER_MARK, isTtl, type Owner, sessionOf, ttlMark } from '../../model/owner.js'
import { parentOf, sequenceSuffix, validatePath } from '../../model/path.js'
import type { CreateRequest } from '../../model/request.js'
import { errorResponse, type StepResponse } from '../../model/response.js'
import type { CreateTxn, ErrorTxn } from '../../model/txn.js'
import { growsTooMuch } from './acl-growth.js'
import {
  type ApplyContext,
  errorTxn,
  type PreparationLimits,
  type PrepareContext,
  type WriteOperation,
} from './operation.js'
import { exceedsQuota } from './quota-check.js'

export const create: WriteOperation<CreateRequest> = { kind: 'write', prepare: prepareCreate }

export function prepareCreate(request: CreateRequest, context: PrepareContext): CreateTxn | ErrorTxn {
  const { access, overlay, sessions, requester, limits, zxid } = context
  const { data, mode } = request
  const unfit = unfitLifetime(request, limits)
  if (unfit !== undefined) return errorTxn(unfit)
  if (!sessions.speaksFor(requester)) return errorTxn('SESSION_EXPIRED')
  if (mode.ephemeral && requester.local) return errorTxn('EPHEMERAL_ON_LOCAL_SESSION')
  if (data !== null && data.length > limits.dataBytesMax) return errorTxn('BAD_ARGUMENTS')
  if (!request.path.includes('/') || request.path.includes('\0')) return errorTxn('BAD_ARGUMENTS')
  const acl = access.resolve(request.acl, requester.identities)
  if (acl === undefined || growsTooMuch(request.acl, acl, limits)) return errorTxn('INVALID_ACL')
  const parent = overlay.state(parentOf(request.path))
  if (parent === undefined) return errorTxn('NO_NODE')
  if (!access.permits(parent.acl, requester.identities, Permission.CREATE)) return errorTxn('NO_AUTH')
  const path = mode.sequential ? request.path + sequenceSuffix(parent.cversion) : request.path
  if (validatePath(path) !== undefined) return errorTxn('BAD_ARGUMENTS')
  if (overlay.state(path) !== undefined) return errorTxn('NODE_EXISTS')
  if (sessionOf(parent.owner) !== undefined) return errorTxn('NO_CHILDREN_FOR_EPHEMERALS')
  const owner = ownerFor(request, requester.session)
  const dataLength = data?.length ?? 0
  if (exceedsQuota(path, 1, dataLength, context)) return errorTxn('QUOTA_EXCEEDED')
  const parentCversion = (parent.cversion + 1) | 0
  overlay.created(path, { acl, owner, dataLength }, parentCversion, zxid)
  return { kind: 'create', path, data, acl, owner, parentCversion }
}

/** What comes before every look at the session, the path or the tree: a TTL mode has a TTL, and no other mode has one. */
function unfitLifetime({ mode, lifetime }: CreateRequest, limits: PreparationLimits): ReplyCode | undefined {
  if (mode.unknown) return 'BAD_ARGUMENTS'
  if (lifetime !== undefined && !limits.lifetimesUnderstood()) return 'UNIMPLEMENTED'
  const asked = lifetime?.kind === 'ttl'
  if (mode.ttl === undefined) return asked ? 'BAD_ARGUMENTS' : undefined
  if (!limits.extendedTypesEnabled) return 'UNIMPLEMENTED'
  return asked && isTtl(lifetime.ttlMs) ? undefined : 'BAD_ARGUMENTS'
}

function ownerFor({ mode, lifetime }: CreateRequest, session: SessionId): Owner | undefined {
  if (lifetime?.kind === 'container') return CONTAINER_MARK
  if (lifetime?.kind === 'ttl') return ttlMark(lifetime.ttlMs)
  return mode.ephemeral ? session : undefined
}

export function applyCreate(txn: CreateTxn, { replica: { tree }, zxid, time, changes }: ApplyContext): StepResponse {
  const { path } = txn
  const znode = tree.create(path, txn, txn.parentCversion, zxid, time)
  if (znode === undefined) return errorResponse(tree.has(path) ? 'NODE_EXISTS' : 'NO_NODE')
  changes.push({ type: 'created', path, acl: znode.acl })
  return { kind: 'created', path, stat: tree.statOf(path, znode) }
}
