/**
 * What a client asks on the wire, as a request of this house, and how its answer looks there. One row per opcode: body, request, answer.
 *
 * Always holds: nothing but a request comes out of a body, whatever is in it: what cannot be understood is a request too, which is answered in
 * its turn by MARSHALLING_ERROR, and by UNIMPLEMENTED, then the end of the connection, where the opcode is unknown. `check` alone,
 * createSession and deleteContainer are unknown here: clients do not send them (semantics §6, §29; ZOOKEEPER-2623).
 * Before: server/client-connection.ts with a frame. After: the channel; its answer comes back to the row it left from.
 */

import { hasCode, type ReplyCode, ZooKeeperError } from '../model/errors.js'
import { invariant } from '../model/invariant.js'
import type { AddWatchMode, ClientRequest, RemoveWatchType, Request } from '../model/request.js'
import type { Response } from '../model/response.js'
import { ZERO, type Zxid } from '../model/zxid.js'
import { aclOf, aclRecord, asSeen, createOf, rootOr, setDataOf, statRecord, watchedOf } from './model-values.js'
import { readMulti, readMultiRead, writeMultiResults, writeReadResults } from './multi-records.js'
import { NO_ZXID, OpCode } from './op-codes.js'
import type { JuteReader } from './reader.js'
import * as records from './records.js'
import type { Jute } from './schema.js'
import type { JuteWriter } from './writer.js'

export interface Translated {
  readonly request: ClientRequest
  /** It is answered by this code, whatever becomes of `request`, which only keeps its place. */
  readonly refusal?: ReplyCode
  /** What the answer tells in the place of the zxid, when it is no part of the order. */
  readonly zxid?: Zxid
  /** The connection ends behind the answer. */
  readonly last?: boolean
  /** The body behind the header of an answer that is no error. */
  answer(writer: JuteWriter, response: Response): void
}

const addWatchModes: readonly AddWatchMode[] = ['persistent', 'persistentRecursive']
/** Counted from 1. */
const watchTypes: readonly RemoveWatchType[] = ['children', 'data', 'any', 'persistent', 'persistentRecursive']

interface Row {
  /** Takes a zxid also when it cannot be understood. */
  readonly takesZxid: boolean
  read(reader: JuteReader): Translated
}

type Answered<K extends Response['kind']> = Extract<Response, { readonly kind: K }>

export function translate(opCode: number, reader: JuteReader): Translated {
  const row = rows.get(opCode)
  if (row === undefined) return UNKNOWN
  try {
    return row.read(reader)
  } catch (error) {
    if (!hasCode(error, 'PROTOCOL_ERROR')) throw error
    return row.takesZxid ? invalid('MARSHALLING_ERROR') : refused('MARSHALLING_ERROR')
  }
}

/** Keeps the place of a request in the order, and tells the zxid of that moment. */
const PLACE: Request = { kind: 'ping' }
const nothing = (): void => {}
/** What a client is told of an opcode that does not exist. */
export const UNKNOWN: Translated = {
  request: PLACE,
  refusal: 'UNIMPLEMENTED',
  zxid: NO_ZXID,
  last: true,
  answer: nothing,
}

/** Answered by this code in its turn, and otherwise as if it had never come. */
export function refused(code: ReplyCode): Translated {
  return { request: PLACE, refusal: code, answer: nothing }
}

function invalid(code: ReplyCode): Translated {
  return { request: { kind: 'invalid', code }, answer: nothing }
}

/** An answer of this kind, or one that has no body. */
function answer<K extends Response['kind']>(kind: K, write: (writer: JuteWriter, response: Answered<K>) => void) {
  return (writer: JuteWriter, response: Response): void => {
    invariant(response.kind === kind, `an answer of kind ${kind}`)
    write(writer, response as Answered<K>)
  }
}

function read<B>(body: Jute<B>, request: (body: B) => Request, answer: Translated['answer'] = nothing): Row {
  return { takesZxid: false, read: reader => ({ request: request(body.read(reader)), answer }) }
}

function write<B>(body: Jute<B>, request: (body: B) => Request, answer: Translated['answer'] = nothing): Row {
  return { ...read(body, request, answer), takesZxid: true }
}

function bare(request: Request): Row {
  return { takesZxid: false, read: () => ({ request, answer: nothing }) }
}

const path = answer('created', (w, { path }) => records.pathResponse.write(w, { path }))
const created = answer('created', (w, { path, stat }) =>
  records.createdResponse.write(w, { path, stat: statRecord(stat) }),
)
const stat = answer('stat', (w, { stat }) => records.statResponse.write(w, { stat: statRecord(stat) }))

const auth: Row = {
  takesZxid: false,
  read(reader) {
    const { scheme, auth } = records.authPacket.read(reader)
    return { request: { kind: 'auth', scheme, auth: auth ?? new Uint8Array(0) }, zxid: ZERO, answer: nothing }
  },
}

function watchesOfType(kind: 'checkWatches' | 'removeWatches'): Row {
  return read(records.watchesOfType, ({ path, type }) => ({ kind, path, type: numbered(watchTypes, type - 1) }))
}

const sync: Row = {
  takesZxid: false,
  read(reader) {
    const { path } = records.syncRequest.read(reader)
    return {
      request: { kind: 'sync', path: path ?? '' },
      answer: writer => records.pathResponse.write(writer, { path }),
    }
  },
}

const multi: Row = {
  takesZxid: true,
  read(reader) {
    const { steps, resultTypes } = readMulti(reader)
    return {
      request: { kind: 'multi', steps },
      answer: answer('multi', (writer, { results }) => writeMultiResults(writer, resultTypes, results)),
    }
  },
}

const multiRead: Row = {
  takesZxid: false,
  read: reader => ({
    request: { kind: 'multiRead', steps: readMultiRead(reader) },
    answer: answer('multiRead', (writer, { results }) => writeReadResults(writer, results)),
  }),
}

const whoAmI: Row = {
  takesZxid: false,
  read: () => ({
    request: { kind: 'whoAmI' },
    answer: answer('identities', (writer, { identities }) => {
      const clientInfo = identities.map(({ scheme, user }) => ({ authScheme: scheme, user }))
      records.clientInfos.write(writer, { clientInfo })
    }),
  }),
}

const rows: ReadonlyMap<number, Row> = new Map([
  [OpCode.create, write(records.createRequest, body => createOf(body), path)],
  [OpCode.create2, write(records.createRequest, body => createOf(body), created)],
  [OpCode.createContainer, write(records.createRequest, body => createOf(body, { kind: 'container' }), created)],
  [
    OpCode.createTtl,
    write(records.createTtlRequest, body => createOf(body, { kind: 'ttl', ttlMs: body.ttl }), created),
  ],
  [OpCode.delete, write(records.versionRequest, body => ({ kind: 'delete', ...body }))],
  [OpCode.setData, write(records.setDataRequest, setDataOf, stat)],
  [
    OpCode.setAcl,
    write(
      records.setAclRequest,
      ({ path, acl, version }) => ({ kind: 'setAcl', path: path ?? '', acl: aclOf(acl), version }),
      stat,
    ),
  ],
  [OpCode.multi, multi],
  [OpCode.reconfig, read(records.reconfigRequest, () => ({ kind: 'reconfig' }))],
  [
    OpCode.closeSession,
    { takesZxid: false, read: () => ({ request: { kind: 'closeSession' }, answer: nothing, last: true }) },
  ],
  [OpCode.exists, read(records.watchRequest, body => ({ kind: 'exists', ...watchedOf(body) }), stat)],
  [
    OpCode.getData,
    read(
      records.watchRequest,
      body => ({ kind: 'getData', ...watchedOf(body) }),
      answer('data', (w, { data, stat }) => records.dataResponse.write(w, { data, stat: statRecord(stat) })),
    ),
  ],
  [
    OpCode.getChildren,
    read(
      records.watchRequest,
      body => ({ kind: 'getChildren', ...watchedOf(body) }),
      answer('children', (w, { children }) => records.childrenResponse.write(w, { children })),
    ),
  ],
  [
    OpCode.getChildren2,
    read(
      records.watchRequest,
      body => ({ kind: 'getChildren', ...watchedOf(body) }),
      answer('children', (w, { children, stat }) =>
        records.children2Response.write(w, { children, stat: statRecord(stat) }),
      ),
    ),
  ],
  [
    OpCode.getAcl,
    read(
      records.pathRequest,
      ({ path }) => ({ kind: 'getAcl', path: rootOr(path) }),
      answer('acl', (w, { acl, stat }) =>
        records.aclResponse.write(w, { acl: acl.map(aclRecord), stat: statRecord(stat) }),
      ),
    ),
  ],
  [
    OpCode.getEphemerals,
    read(
      records.ephemeralsRequest,
      ({ prefixPath }) => ({ kind: 'getEphemerals', prefix: prefixPath ?? '' }),
      answer('paths', (w, { paths }) => records.childrenResponse.write(w, { children: paths })),
    ),
  ],
  [
    OpCode.getAllChildrenNumber,
    read(
      records.pathRequest,
      ({ path }) => ({ kind: 'countDescendants', path: rootOr(path) }),
      answer('count', (w, { count }) => records.countResponse.write(w, { totalNumber: count })),
    ),
  ],
  [OpCode.multiRead, multiRead],
  [OpCode.whoAmI, whoAmI],
  [OpCode.auth, auth],
  [OpCode.sync, sync],
  [OpCode.ping, bare({ kind: 'ping' })],
  [
    OpCode.addWatch,
    read(
      records.addWatchRequest,
      ({ path, mode }) => ({ kind: 'addWatch', path, mode: numbered(addWatchModes, mode) }),
      writer => records.errorResponse.write(writer, { err: 0 }),
    ),
  ],
  [OpCode.checkWatches, watchesOfType('checkWatches')],
  [OpCode.removeWatches, watchesOfType('removeWatches')],
  [
    OpCode.setWatches,
    read(records.setWatchesRequest, body =>
      setWatches({ ...body, persistentWatches: [], persistentRecursiveWatches: [] }),
    ),
  ],
  [OpCode.setWatches2, read(records.setWatches2Request, setWatches)],
])

function setWatches(body: records.SetWatches2Record): Request {
  return {
    kind: 'setWatches',
    since: asSeen(body.relativeZxid),
    data: body.dataWatches,
    exist: body.existWatches,
    child: body.childWatches,
    persistent: body.persistentWatches,
    persistentRecursive: body.persistentRecursiveWatches,
  }
}

function numbered<T>(values: readonly T[], number: number): T {
  const value = values[number]
  if (value === undefined) throw new ZooKeeperError('PROTOCOL_ERROR', `no such mode or type: ${number}`)
  return value
}
