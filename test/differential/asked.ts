/**
 * What can be asked in a sequence, as plain data: a failing one can be printed, cut down and played again. Each kind says how it stands on the wire
 * and how its answer is read; what an answer holds of zxids, times and owners is marked, since those differ between two servers by their nature.
 */
import { OpCode } from '../../lib/jute/op-codes.js'
import type { JuteReader } from '../../lib/jute/reader.js'
import * as records from '../../lib/jute/records.js'
import type { JuteWriter } from '../../lib/jute/writer.js'
import type { SessionId } from '../../lib/model/ids.js'
import { ZERO, type Zxid } from '../../lib/model/zxid.js'

export type AclEntry = readonly [perms: number, scheme: string | null, id: string | null]
export type Acl = readonly AclEntry[]

export interface CreateAsked {
  readonly op: 'create'
  readonly code: 1 | 15 | 19 | 21
  readonly path: string
  readonly data: string | null
  readonly acl: Acl
  readonly flags: number
  readonly ttl?: number
}
type Versioned = { readonly path: string; readonly version: number }
type Watching = { readonly path: string; readonly watch: boolean }
export type StepAsked =
  | CreateAsked
  | ({ readonly op: 'delete' } & Versioned)
  | ({ readonly op: 'setData'; readonly data: string | null } & Versioned)
  | ({ readonly op: 'check' } & Versioned)
export type ReadStepAsked = ({ readonly op: 'getData' } & Watching) | ({ readonly op: 'getChildren' } & Watching)
export type Asked =
  | Exclude<StepAsked, { readonly op: 'check' }>
  | ReadStepAsked
  | ({ readonly op: 'exists' } & Watching)
  | ({ readonly op: 'getChildren2' } & Watching)
  | ({ readonly op: 'setAcl'; readonly acl: Acl } & Versioned)
  | { readonly op: 'getAcl' | 'sync' | 'getAllChildrenNumber' | 'getEphemerals'; readonly path: string | null }
  | { readonly op: 'multi'; readonly steps: readonly StepAsked[] }
  | { readonly op: 'multiRead'; readonly steps: readonly ReadStepAsked[] }
  | { readonly op: 'addWatch'; readonly path: string; readonly mode: number }
  | { readonly op: 'removeWatches' | 'checkWatches'; readonly path: string; readonly type: number }
  | { readonly op: 'setWatches'; readonly lists: WatchLists; readonly since: Since }
  | { readonly op: 'ping' | 'whoAmI' | 'closeSession' | 'reconfig' }
  | { readonly op: 'auth'; readonly scheme: string; readonly auth: string }
  /** A body cut short, or an opcode that does not exist. */
  | { readonly op: 'raw'; readonly code: number; readonly hex: string }

export interface WatchLists {
  readonly data: readonly string[]
  readonly exist: readonly string[]
  readonly child: readonly string[]
  readonly persistent: readonly string[]
  readonly recursive: readonly string[]
}
/** Each server has zxids of its own: before everything, or the one that this session saw so many different ones ago. */
export type Since = 'start' | number

export function opCodeOf(asked: Asked): number {
  switch (asked.op) {
    case 'create':
    case 'raw':
      return asked.code
    case 'setAcl':
      return OpCode.setAcl
    case 'setWatches':
      return hasPersistent(asked.lists) ? OpCode.setWatches2 : OpCode.setWatches
    default:
      return OpCode[asked.op]
  }
}

function hasPersistent({ persistent, recursive }: WatchLists): boolean {
  return persistent.length + recursive.length > 0
}

/** @param seen the different zxids that the session has been told, in order */
export function writeBody(writer: JuteWriter, asked: Asked, seen: readonly Zxid[]): void {
  switch (asked.op) {
    case 'exists':
    case 'getChildren2':
    case 'getData':
    case 'getChildren':
      return records.watchRequest.write(writer, asked)
    case 'setAcl':
      return records.setAclRequest.write(writer, { ...asked, acl: asked.acl.map(aclRecord) })
    case 'getAcl':
    case 'sync':
    case 'getAllChildrenNumber':
    case 'getEphemerals':
      return records.syncRequest.write(writer, asked)
    case 'multi':
    case 'multiRead':
      for (const step of asked.steps) {
        const type = step.op === 'create' ? step.code : OpCode[step.op]
        records.multiHeader.write(writer, { type, done: false, err: -1 })
        writeStep(writer, step)
      }
      return records.multiHeader.write(writer, records.MULTI_END)
    case 'addWatch':
      return records.addWatchRequest.write(writer, asked)
    case 'removeWatches':
    case 'checkWatches':
      return records.watchesOfType.write(writer, asked)
    case 'setWatches': {
      const { lists, since } = asked
      const relativeZxid = (since === 'start' ? undefined : seen.at(-1 - since)) ?? ZERO
      const body = { relativeZxid, dataWatches: lists.data, existWatches: lists.exist, childWatches: lists.child }
      const more = { persistentWatches: lists.persistent, persistentRecursiveWatches: lists.recursive }
      if (hasPersistent(lists)) return records.setWatches2Request.write(writer, { ...body, ...more })
      return records.setWatchesRequest.write(writer, body)
    }
    case 'auth':
      return records.authPacket.write(writer, { type: 0, scheme: asked.scheme, auth: Buffer.from(asked.auth) })
    case 'raw':
      for (const byte of Buffer.from(asked.hex, 'hex')) writer.byte(byte)
      return
    case 'reconfig':
      // No joining, no leaving, no new members, any version.
      for (let field = 0; field < 3; field++) writer.text(null)
      return writer.words(-1, -1)
    case 'ping':
    case 'whoAmI':
    case 'closeSession':
      return
    default:
      return writeStep(writer, asked)
  }
}

function writeStep(writer: JuteWriter, step: StepAsked | ReadStepAsked): void {
  switch (step.op) {
    case 'create': {
      const { path, flags, ttl = 0 } = step
      const body = { path, flags, data: dataOf(step.data), acl: step.acl.map(aclRecord) }
      if (step.code === 21) return records.createTtlRequest.write(writer, { ...body, ttl })
      return records.createRequest.write(writer, body)
    }
    case 'setData':
      return records.setDataRequest.write(writer, { ...step, data: dataOf(step.data) })
    case 'delete':
    case 'check':
      return records.versionRequest.write(writer, step)
    case 'getData':
    case 'getChildren':
      return records.watchRequest.write(writer, step)
  }
}

function dataOf(text: string | null): Uint8Array | null {
  return text === null ? null : Buffer.from(text)
}

function aclRecord([perms, scheme, id]: AclEntry): records.AclRecord {
  return { perms, id: { scheme, id } }
}

// --- answers

/** What two servers may have differently, as long as they do so consistently. */
export type Marked = { readonly zxid: Zxid } | { readonly time: number } | { readonly owner: SessionId }
export type Value = string | number | boolean | null | Marked | readonly Value[] | { readonly [name: string]: Value }

/** The body of an answer without an error; what is left over is told too. */
export function readBody(reader: JuteReader, asked: Asked): Value {
  const value = readAnswer(reader, asked)
  return reader.remaining === 0 ? value : [value, `and ${reader.remaining} bytes more`]
}

function readAnswer(reader: JuteReader, asked: Asked): Value {
  switch (asked.op) {
    case 'create':
      return readCreated(reader, asked.code)
    case 'setData':
    case 'exists':
    case 'setAcl':
      return statOf(records.stat.read(reader))
    case 'getData':
      return readData(reader)
    case 'getChildren':
    case 'getEphemerals':
      return readNames(reader)
    case 'getChildren2':
      return [readNames(reader), statOf(records.stat.read(reader))]
    case 'getAcl': {
      const { acl, stat } = records.aclResponse.read(reader)
      return [aclOf(acl), statOf(stat)]
    }
    case 'sync':
      return reader.text()
    case 'getAllChildrenNumber':
    case 'addWatch':
      return reader.int()
    case 'multi':
    case 'multiRead':
      return readResults(reader)
    case 'whoAmI':
      // In no promised order.
      return records.clientInfos
        .read(reader)
        .clientInfo.map(({ authScheme, user }) => `${authScheme}:${user}`)
        .sort()
    default:
      return null
  }
}

/** What `auth` has become stands in no promised order: neighbours that differ in their ids alone are sorted. */
function aclOf(acl: readonly records.AclRecord[]): Value {
  const entries = acl.map(({ perms, id }) => [perms, id.scheme, id.id] as const)
  for (let from = 0, to = 0; from < entries.length; from = to) {
    const [perms, scheme] = entries[from]!
    while (entries[to]?.[0] === perms && entries[to]?.[1] === scheme) to += 1
    entries.splice(from, to - from, ...entries.slice(from, to).sort())
  }
  return entries
}

function readCreated(reader: JuteReader, code: number): Value {
  const path = reader.text()
  return code === 1 ? path : [path, statOf(records.stat.read(reader))]
}

function readData(reader: JuteReader): Value {
  const data = reader.buffer()
  return [data === null ? null : Buffer.from(data).toString('latin1'), statOf(records.stat.read(reader))]
}

/** In no promised order. */
function readNames(reader: JuteReader): Value {
  return [...records.childrenResponse.read(reader).children].sort()
}

function readResults(reader: JuteReader): Value {
  const results: Value[] = []
  for (;;) {
    const { type, done, err } = records.multiHeader.read(reader)
    if (done) return [...results, [type, err]]
    results.push([type, err, readResult(reader, type)])
  }
}

function readResult(reader: JuteReader, type: number): Value {
  switch (type) {
    case 1:
    case 15:
      return readCreated(reader, type)
    case 5:
      return statOf(records.stat.read(reader))
    case 4:
      return readData(reader)
    case 8:
      return readNames(reader)
    case -1:
      return reader.int()
    default:
      return null
  }
}

function statOf(stat: records.StatRecord): Value {
  return {
    ...stat,
    czxid: { zxid: stat.czxid },
    mzxid: { zxid: stat.mzxid },
    pzxid: { zxid: stat.pzxid },
    ctime: { time: stat.ctime },
    mtime: { time: stat.mtime },
    ephemeralOwner: { owner: stat.ephemeralOwner },
  } as Value
}
