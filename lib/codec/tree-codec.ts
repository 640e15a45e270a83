/**
 * Entries of the tree on disk: one znode or one session a value, in the envelope of checksum.ts, so that a flipped bit in a table
 * is never a wrong value (D9, store-4). The key (the path, the session id) is the store's and not repeated in the value, except for a
 * session, whose id it is. docs/format.md "Znode entry", "Session entry".
 *
 * Before: a checkpoint in storage/. After: recovery, and snapshot-chunk.ts, which carries the same values from store to store.
 */
import type { Acl } from '../model/acl.js'
import type { SessionRecord } from '../model/session-record.js'
import type { Znode } from '../model/znode.js'
import type { Zxid } from '../model/zxid.js'
import { asBuffer, CborReader } from './cbor-reader.js'
import { CborWriter } from './cbor-writer.js'
import { openEnvelope } from './checksum.js'
import {
  readAcl,
  readData,
  readOwner,
  readSession,
  readZxid,
  writeAcl,
  writeData,
  writeOwner,
  writeSession,
  writeZxid,
} from './field-codec.js'

export const ZNODE_VERSION = 1
export const SESSION_VERSION = 1
const ZNODE_ITEMS = 16
const SESSION_ITEMS = 4
const ACLS_MAX = 10_000

const writer = new CborWriter()

/** Most znodes share a handful of ACLs, and zxids: hand one of these to every decodeZnode of a load, and equal ones become one object. */
export class SharedParts {
  /** The last zxid read: those of a znode are mostly one and the same, as they were when a txn made them. */
  zxid: Zxid | undefined
  private readonly byBytes = new Map<string, Acl>()

  /** The ACL that fills the rest of the reader's frame up to `end`. */
  read(reader: CborReader, end: number): Acl {
    const key = reader.frame.toString('latin1', reader.at, end)
    const known = this.byBytes.get(key)
    if (known !== undefined) {
      reader.at = end
      return known
    }
    const acl = readAcl(reader)
    // Only a key that is an ACL to its last byte may answer for one; a load with endless different ones keeps a bounded map.
    if (reader.at === end && this.byBytes.size < ACLS_MAX) this.byBytes.set(key, acl)
    return acl
  }
}

export function encodeZnode(znode: Znode): Uint8Array {
  writer.begin()
  writer.fixed8(ZNODE_VERSION)
  writer.array(ZNODE_ITEMS)
  writeData(writer, znode.data)
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

/** Throws DATA_CORRUPT or DATA_TOO_NEW. Data is a copy of exactly its size. */
export function decodeZnode(bytes: Uint8Array, shared?: SharedParts): Znode {
  const frame = asBuffer(bytes)
  const end = openEnvelope(frame, 0, frame.length, ZNODE_VERSION, 'znode')
  const reader = new CborReader(frame, 1, end, 'DATA_CORRUPT')
  reader.arrayOf(ZNODE_ITEMS)
  const data = readData(reader)
  const czxid = readZxid(reader, shared?.zxid)
  const mzxid = readZxid(reader, czxid)
  const pzxid = readZxid(reader, mzxid)
  if (shared !== undefined) shared.zxid = pzxid
  const ctime = reader.uint53()
  const mtime = reader.uint53()
  const version = reader.int()
  const cversion = reader.int()
  const aversion = reader.int()
  const owner = readOwner(reader)
  const acl = shared === undefined ? readAcl(reader) : shared.read(reader, end)
  reader.finish()
  return { data, acl, czxid, mzxid, pzxid, ctime, mtime, version, cversion, aversion, owner }
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
