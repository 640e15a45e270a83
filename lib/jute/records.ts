/**
 * The records of ZooKeeper's client protocol, each a list of its fields in the order of the wire. Names follow ZooKeeper's IDL; what they mean
 * inside this house says translate.ts. Semantics §1 (shared records), §5 (connection), §6 (bodies), §9 (multi), §10 (events).
 */
import type { SessionId } from '../model/ids.js'
import type { Zxid } from '../model/zxid.js'
import { bool, buffer, int, type Jute, list, long, record, session, text, ustring, zxid } from './schema.js'

export const NO_SESSION = '0000000000000000' as SessionId
export const PASSWORD_BYTES = 16

// --- connection

export interface ConnectRequest {
  readonly protocolVersion: number
  readonly lastZxidSeen: Zxid
  readonly timeOut: number
  readonly sessionId: SessionId
  readonly passwd: Uint8Array | null
  /** Undefined where the client does not know of it: clients before 3.4, and the answer leaves it out too. */
  readonly readOnly: boolean | undefined
}
export interface ConnectResponse {
  readonly protocolVersion: number
  /** 0: refused. */
  readonly timeOut: number
  readonly sessionId: SessionId
  readonly passwd: Uint8Array | null
  readonly readOnly: boolean | undefined
}

/** The last field of a record that older versions do not send. */
const optionalBool: Jute<boolean | undefined> = {
  bytesMin: 0,
  read: reader => (reader.remaining === 0 ? undefined : reader.bool()),
  write(writer, value) {
    if (value !== undefined) writer.bool(value)
  },
}

export const connectRequest = record<ConnectRequest>({
  protocolVersion: int,
  lastZxidSeen: zxid,
  timeOut: int,
  sessionId: session,
  passwd: buffer,
  readOnly: optionalBool,
})
export const connectResponse = record<ConnectResponse>({
  protocolVersion: int,
  timeOut: int,
  sessionId: session,
  passwd: buffer,
  readOnly: optionalBool,
})

export const requestHeader = record<{ xid: number; type: number }>({ xid: int, type: int })
export const replyHeader = record<{ xid: number; zxid: Zxid; err: number }>({ xid: int, zxid, err: int })
export const watcherEvent = record<{ type: number; state: number; path: string }>({ type: int, state: int, path: text })

// --- shared

export interface StatRecord {
  readonly czxid: Zxid
  readonly mzxid: Zxid
  readonly ctime: number
  readonly mtime: number
  readonly version: number
  readonly cversion: number
  readonly aversion: number
  /** NO_SESSION for what no session owns. */
  readonly ephemeralOwner: SessionId
  readonly dataLength: number
  readonly numChildren: number
  readonly pzxid: Zxid
}
export const stat = record<StatRecord>({
  czxid: zxid,
  mzxid: zxid,
  ctime: long,
  mtime: long,
  version: int,
  cversion: int,
  aversion: int,
  ephemeralOwner: session,
  dataLength: int,
  numChildren: int,
  pzxid: zxid,
})

export interface IdRecord {
  readonly scheme: string | null
  readonly id: string | null
}
const id = record<IdRecord>({ scheme: ustring, id: ustring })
export interface AclRecord {
  readonly perms: number
  readonly id: IdRecord
}
export const acl = record<AclRecord>({ perms: int, id })

// --- requests

const path = text
const strings = list(text)

export const ephemeralsRequest = record<{ prefixPath: string | null }>({ prefixPath: ustring })
export const pathRequest = record<{ path: string }>({ path })
export const watchRequest = record<{ path: string; watch: boolean }>({ path, watch: bool })
export const versionRequest = record<{ path: string; version: number }>({ path, version: int })
export interface SetDataRecord {
  readonly path: string | null
  readonly data: Uint8Array | null
  readonly version: number
}
export const setDataRequest = record<SetDataRecord>({ path: ustring, data: buffer, version: int })
export const setAclRequest = record<{ path: string | null; acl: readonly AclRecord[]; version: number }>({
  path: ustring,
  acl: list(acl),
  version: int,
})

export interface CreateRecord {
  readonly path: string
  readonly data: Uint8Array | null
  readonly acl: readonly AclRecord[]
  readonly flags: number
}
const createFields = { path, data: buffer, acl: list(acl), flags: int }
export const createRequest = record<CreateRecord>(createFields)
export const createTtlRequest = record<CreateRecord & { readonly ttl: number }>({ ...createFields, ttl: long })

export const reconfigRequest = record<{
  joiningServers: string | null
  leavingServers: string | null
  newMembers: string | null
  curConfigId: Zxid
}>({ joiningServers: ustring, leavingServers: ustring, newMembers: ustring, curConfigId: zxid })
export const syncRequest = record<{ path: string | null }>({ path: ustring })
export const addWatchRequest = record<{ path: string; mode: number }>({ path, mode: int })
export const watchesOfType = record<{ path: string; type: number }>({ path, type: int })

export interface SetWatchesRecord {
  readonly relativeZxid: Zxid
  readonly dataWatches: readonly string[]
  readonly existWatches: readonly string[]
  readonly childWatches: readonly string[]
}
export interface SetWatches2Record extends SetWatchesRecord {
  readonly persistentWatches: readonly string[]
  readonly persistentRecursiveWatches: readonly string[]
}
const oneShotWatches = { relativeZxid: zxid, dataWatches: strings, existWatches: strings, childWatches: strings }
export const setWatchesRequest = record<SetWatchesRecord>(oneShotWatches)
export const setWatches2Request = record<SetWatches2Record>({
  ...oneShotWatches,
  persistentWatches: strings,
  persistentRecursiveWatches: strings,
})

export interface AuthPacket {
  readonly type: number
  readonly scheme: string
  readonly auth: Uint8Array | null
}
export const authPacket = record<AuthPacket>({ type: int, scheme: text, auth: buffer })

/** Before each step of a multi, before each of its results, and, with `done`, at the end of either. */
export const multiHeader = record<{ type: number; done: boolean; err: number }>({ type: int, done: bool, err: int })
export const MULTI_END = { type: -1, done: true, err: -1 } as const

// --- answers

export const pathResponse = record<{ path: string | null }>({ path: ustring })
export const createdResponse = record<{ path: string; stat: StatRecord }>({ path, stat })
export const statResponse = record<{ stat: StatRecord }>({ stat })
export const dataResponse = record<{ data: Uint8Array | null; stat: StatRecord }>({ data: buffer, stat })
export const childrenResponse = record<{ children: readonly string[] }>({ children: strings })
export const children2Response = record<{ children: readonly string[]; stat: StatRecord }>({ children: strings, stat })
export const aclResponse = record<{ acl: readonly AclRecord[]; stat: StatRecord }>({ acl: list(acl), stat })
export const errorResponse = record<{ err: number }>({ err: int })
export const countResponse = record<{ totalNumber: number }>({ totalNumber: int })
export const clientInfos = record<{ clientInfo: readonly { authScheme: string; user: string }[] }>({
  clientInfo: list(record<{ authScheme: string; user: string }>({ authScheme: text, user: text })),
})
