/** An arbitrary for every record of lib/jute/records.ts, and for requests; used by their unit tests and by the fuzz. */
import fc, { type Arbitrary } from 'fast-check'
import { OpCode } from '../../lib/jute/op-codes.js'
import * as records from '../../lib/jute/records.js'
import type { Jute } from '../../lib/jute/schema.js'
import { JuteWriter } from '../../lib/jute/writer.js'
import * as arbitrary from './arbitraries.js'

const { text, int32, data, zxid, sessionId, uint53 } = arbitrary
const nullableText = fc.option(text, { freq: 8 })
const texts = fc.array(text, { maxLength: 4 })
const bool = fc.boolean()
const readOnly = fc.option(bool, { nil: undefined })
const acl = fc.record({ perms: int32, id: fc.record({ scheme: nullableText, id: nullableText }) })
const acls = fc.array(acl, { maxLength: 3 })
const stat = fc.record({
  czxid: zxid,
  mzxid: zxid,
  ctime: uint53,
  mtime: uint53,
  version: int32,
  cversion: int32,
  aversion: int32,
  ephemeralOwner: sessionId,
  dataLength: int32,
  numChildren: int32,
  pzxid: zxid,
})
const oneShot = { relativeZxid: zxid, dataWatches: texts, existWatches: texts, childWatches: texts }
const create = { path: text, data, acl: acls, flags: int32 }

export type JuteValues = readonly [name: string, record: Jute<never>, values: Arbitrary<unknown>]

function values<T>(name: string, record: Jute<T>, arbitrary: Arbitrary<T>): JuteValues {
  return [name, anyRecord(record), arbitrary]
}

function anyRecord<T>(record: Jute<T>): Jute<never> {
  return record as unknown as Jute<never>
}

export const juteValues: readonly JuteValues[] = [
  values(
    'connect request',
    records.connectRequest,
    fc.record({ protocolVersion: int32, lastZxidSeen: zxid, timeOut: int32, sessionId, passwd: data, readOnly }),
  ),
  values(
    'connect response',
    records.connectResponse,
    fc.record({ protocolVersion: int32, timeOut: int32, sessionId, passwd: data, readOnly }),
  ),
  values('request header', records.requestHeader, fc.record({ xid: int32, type: int32 })),
  values('reply header', records.replyHeader, fc.record({ xid: int32, zxid, err: int32 })),
  values('watcher event', records.watcherEvent, fc.record({ type: int32, state: int32, path: text })),
  values('stat', records.stat, stat),
  values('create', records.createRequest, fc.record(create)),
  values('createTTL', records.createTtlRequest, fc.record({ ...create, ttl: uint53 })),
  values('path', records.pathRequest, fc.record({ path: text })),
  values('watch', records.watchRequest, fc.record({ path: text, watch: bool })),
  values('version', records.versionRequest, fc.record({ path: text, version: int32 })),
  values('setData', records.setDataRequest, fc.record({ path: text, data, version: int32 })),
  values('setACL', records.setAclRequest, fc.record({ path: text, acl: acls, version: int32 })),
  values('sync', records.syncRequest, fc.record({ path: nullableText })),
  values('addWatch', records.addWatchRequest, fc.record({ path: text, mode: int32 })),
  values('removeWatches', records.watchesOfType, fc.record({ path: text, type: int32 })),
  values('setWatches', records.setWatchesRequest, fc.record(oneShot)),
  values(
    'setWatches2',
    records.setWatches2Request,
    fc.record({ ...oneShot, persistentWatches: texts, persistentRecursiveWatches: texts }),
  ),
  values('auth packet', records.authPacket, fc.record({ type: int32, scheme: text, auth: data })),
  values('multi header', records.multiHeader, fc.record({ type: int32, done: bool, err: int32 })),
  values('created', records.createdResponse, fc.record({ path: text, stat })),
  values('data', records.dataResponse, fc.record({ data, stat })),
  values('children', records.childrenResponse, fc.record({ children: texts })),
  values('children and stat', records.children2Response, fc.record({ children: texts, stat })),
  values('ACL', records.aclResponse, fc.record({ acl: acls, stat })),
]

const opCodes = fc.oneof(fc.constantFrom(...Object.values(OpCode)), int32)
const multi = fc.array(fc.tuple(opCodes, fc.constantFrom(...juteValues)), { maxLength: 4 })

/** Opcode and body, mostly one that belongs to it or nearly so; multis too. */
export const juteRequests: Arbitrary<Uint8Array> = fc.oneof(
  fc
    .tuple(opCodes, fc.constantFrom(...juteValues))
    .chain(([opCode, [, record, values]]) => values.map(value => written(opCode, [[record, value]]))),
  multi.chain(steps =>
    fc
      .tuple(...steps.map(([, [, , values]]) => values))
      .map(bodies =>
        written(OpCode.multi, [
          ...steps.flatMap(([type, [, record]], at) => [
            [anyRecord(records.multiHeader), { type, done: false, err: -1 }] as const,
            [record, bodies[at]] as const,
          ]),
          [anyRecord(records.multiHeader), records.MULTI_END],
        ]),
      ),
  ),
)

function written(opCode: number, parts: readonly (readonly [Jute<never>, unknown])[]): Uint8Array {
  const writer = new JuteWriter()
  writer.int(opCode)
  for (const [record, value] of parts) record.write(writer, value as never)
  return Uint8Array.from(writer.take())
}
