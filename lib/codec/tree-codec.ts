/**
 * Entries of the tree on disk: one znode or one session a value, in the envelope of checksum.ts, so that a flipped bit in a table
 * is never a wrong value (D9, store-4). The key (the path, the session id) is the store's and not repeated in the value, except for a
 * session, whose id it is. docs/format.md "Znode entry", "Session entry".
 *
 * Before: a checkpoint in storage/. After: recovery, and snapshot-chunk.ts, which carries the same values from store to store.
 */
import { type Acl, OPEN_ACL_UNSAFE, READ_ACL_UNSAFE } from '../model/acl.js'
import { crcBytes } from '../model/crc32.js'
import { isMark } from '../model/owner.js'
import type { SessionRecord } from '../model/session-record.js'
import type { StoredZnode, Znode } from '../model/znode.js'
import { DATA_AS_STRING_MAX, keepData, type ZnodeData } from '../model/znode-data.js'
import type { Zxid } from '../model/zxid.js'
import { asBuffer, CborReader } from './cbor-reader.js'
import { CborWriter } from './cbor-writer.js'
import { openEnvelope } from './checksum.js'
import {
  readAcl,
  readOwner,
  readSession,
  readZxid,
  writeAcl,
  writeOwner,
  writeSession,
  writeZxid,
} from './field-codec.js'

/** Of a container or a TTL znode; every other has the first. */
export const ZNODE_VERSION = 2
const FIRST_ZNODE_VERSION = 1
export const SESSION_VERSION = 1
const ZNODE_ITEMS = 16
const SESSION_ITEMS = 4
const ACLS_MAX = 10_000

const writer = new CborWriter()

const KNOWN_ACLS: readonly Acl[] = [OPEN_ACL_UNSAFE, READ_ACL_UNSAFE]

/** Most znodes share a handful of ACLs, and zxids: hand one of these to every decodeZnode of a load, and equal ones become one object. */
export class SharedParts {
  /** The last zxid read: those of a znode are mostly one and the same, as they were when a txn made them. */
  zxid: Zxid | undefined
  private readonly byBytes = new Map<string, Acl>()
  /** Of none before the first: an ACL that is not there is none. */
  private lastBytes: Buffer | undefined
  private last: Acl = []

  /** The ACL that fills the rest of the reader's frame up to `end`. Frozen, as the tree's are. */
  read(reader: CborReader, end: number): Acl {
    const { frame, at } = reader
    const known = this.lastBytes
    if (known === undefined || end - at !== known.length || !sameBytes(frame, at, known)) {
      this.last = this.lookUp(reader, end)
      this.lastBytes = Buffer.from(frame.subarray(at, end))
    }
    reader.at = end
    return this.last
  }

  private lookUp(reader: CborReader, end: number): Acl {
    const key = reader.frame.toString('latin1', reader.at, end)
    const known = this.byBytes.get(key)
    if (known !== undefined) return known
    const read = readAcl(reader)
    reader.finish()
    const acl = KNOWN_ACLS.find(one => sameAcl(one, read)) ?? Object.freeze(read.map(entry => Object.freeze(entry)))
    // A load with endless different ones keeps a bounded map.
    if (this.byBytes.size < ACLS_MAX) this.byBytes.set(key, acl)
    return acl
  }
}

function sameBytes(frame: Buffer, at: number, bytes: Buffer): boolean {
  for (let i = 0; i < bytes.length; i++) if (frame[at + i] !== bytes[i]) return false
  return true
}

function sameAcl(a: Acl, b: Acl): boolean {
  return (
    a.length === b.length &&
    a.every(({ perms, scheme, id }, at) => {
      const other = b[at]!
      return perms === other.perms && scheme === other.scheme && id === other.id
    })
  )
}

export function encodeZnode(znode: Znode): Uint8Array {
  writer.begin()
  writer.fixed8(isMark(znode.owner) ? ZNODE_VERSION : FIRST_ZNODE_VERSION)
  writer.array(ZNODE_ITEMS)
  const { data } = znode
  if (data === null) writer.null()
  else if (typeof data === 'string') writer.latin1(data)
  else writer.bytes(data)
  writeZxid(writer, znode.czxid)
  writeZxid(writer, znode.mzxid)
  writeZxid(writer, znode.pzxid)
  writer.uint53(znode.ctime)
  writer.uint53(znode.mtime)
  writer.int(znode.version)
  writer.int(znode.cversion)
  writer.int(znode.aversion)
  writeOwner(writer, znode.owner)
  // Last, so that its bytes can be looked up as they are.
  writeAcl(writer, znode.acl)
  return writer.finishSealed()
}

/** Throws DATA_CORRUPT or DATA_TOO_NEW. Data is a copy of exactly its size, in the form that a tree keeps. */
export function decodeZnode(bytes: Uint8Array, shared = new SharedParts()): Znode {
  const frame = asBuffer(bytes)
  const { content: _, ...znode } = decodeStoredZnode(frame, 0, frame.length, 0, shared)
  return znode
}

const znodeReader = new CborReader(Buffer.alloc(0), 0, 0, 'DATA_CORRUPT')

/**
 * The znode entry frame[start, end) as a tree holds it. `state` is that of the CRC-32 after its path: what `content` is made of is in hand here.
 * `trusted`: the bytes stand in something whose checksum has been verified; one more would say nothing.
 */
export function decodeStoredZnode(
  frame: Buffer,
  start: number,
  end: number,
  state: number,
  shared: SharedParts,
  trusted = false,
): StoredZnode {
  const contentEnd = openEnvelope(frame, start, end, ZNODE_VERSION, 'znode', trusted, FIRST_ZNODE_VERSION)
  const reader = znodeReader
  reader.reset(frame, start + 1, contentEnd)
  reader.arrayOf(ZNODE_ITEMS)
  let data: ZnodeData = null
  let content = state
  if (!reader.isNull()) {
    const from = reader.skipBytes()
    data = dataOf(frame, from, reader.at)
    content = crcBytes(state, frame, from, reader.at)
  }
  const czxid = readZxid(reader, shared.zxid)
  const mzxid = readZxid(reader, czxid)
  const pzxid = readZxid(reader, mzxid)
  shared.zxid = pzxid
  const ctime = reader.uint53()
  const mtime = reader.uint53()
  const version = reader.int()
  const cversion = reader.int()
  const aversion = reader.int()
  const owner = readOwner(reader)
  if (frame[start] !== (isMark(owner) ? ZNODE_VERSION : FIRST_ZNODE_VERSION))
    reader.fail('znode of another version than its owner has')
  const acl = shared.read(reader, contentEnd)
  return { data, acl, czxid, mzxid, pzxid, ctime, mtime, version, cversion, aversion, owner, content }
}

/** As `keepData`, without the array in between. */
function dataOf(frame: Buffer, start: number, end: number): ZnodeData {
  if (end - start <= DATA_AS_STRING_MAX) return frame.toString('latin1', start, end)
  return keepData(new Uint8Array(frame.buffer, frame.byteOffset + start, end - start).slice())
}

export function encodeSession(session: SessionRecord): Uint8Array {
  writer.begin()
  writer.fixed8(SESSION_VERSION)
  writer.array(SESSION_ITEMS)
  writeSession(writer, session.session)
  writer.uint(session.timeoutMs)
  writer.bytes(session.password)
  return writer.finishSealed()
}

/** Throws DATA_CORRUPT or DATA_TOO_NEW. */
export function decodeSession(bytes: Uint8Array): SessionRecord {
  const frame = asBuffer(bytes)
  const end = openEnvelope(frame, 0, frame.length, SESSION_VERSION, 'session')
  const reader = new CborReader(frame, 1, end, 'DATA_CORRUPT')
  reader.arrayOf(SESSION_ITEMS)
  const record = { session: readSession(reader), timeoutMs: reader.uint(), password: reader.bytes() }
  reader.finish()
  return record
}
