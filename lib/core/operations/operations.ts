/**
 * Every operation by the kind of its request. Total by its type: a new kind of request does not compile until it is here.
 * Read by preparation.ts and answer-read.ts; `isRead` tells the pipeline which way a request goes.
 */
import type { ReadRequest, Request, RequestKind, WriteRequest } from '../../model/request.js'
import { addWatch } from './add-watch.js'
import { authenticated } from './authenticated.js'
import { check } from './check.js'
import { checkWatches } from './check-watches.js'
import { closeSession } from './close-session.js'
import { countDescendants } from './count-descendants.js'
import { create } from './create.js'
import { createSession } from './create-session.js'
import { deleteOperation } from './delete.js'
import { exists } from './exists.js'
import { getAcl } from './get-acl.js'
import { getChildren } from './get-children.js'
import { getData } from './get-data.js'
import { getEphemerals } from './get-ephemerals.js'
import { invalid } from './invalid.js'
import { multi } from './multi.js'
import { multiRead } from './multi-read.js'
import type { BarrierOperation, ReadOperation, WriteOperation } from './operation.js'
import { ping } from './ping.js'
import { reap } from './reap.js'
import { reconfig } from './reconfig.js'
import { removeWatches } from './remove-watches.js'
import { setAcl } from './set-acl.js'
import { setData } from './set-data.js'
import { setWatches } from './set-watches.js'
import { sync } from './sync.js'
import { whoAmI } from './who-am-i.js'

type RequestOf<K extends RequestKind> = Extract<Request, { kind: K }>

type OperationOf<R extends Request> = R extends WriteRequest
  ? WriteOperation<R>
  : R extends ReadRequest
    ? ReadOperation<R>
    : BarrierOperation

export type Operations = { readonly [K in RequestKind]: OperationOf<RequestOf<K>> }

export const operations: Operations = {
  create,
  delete: deleteOperation,
  setData,
  setAcl,
  check,
  multi,
  createSession,
  closeSession,
  reap,
  reconfig,
  invalid,
  sync,
  exists,
  getData,
  getChildren,
  getAcl,
  getEphemerals,
  countDescendants,
  multiRead,
  whoAmI,
  addWatch,
  removeWatches,
  checkWatches,
  setWatches,
  ping,
  authenticated,
}

export function isRead(request: Request): request is ReadRequest {
  return operations[request.kind].kind === 'read'
}
