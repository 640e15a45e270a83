/**
 * A proposal as bytes: the record that the leader makes once and that goes as it is to every follower and into every log; and the
 * group, the records of one group commit in one value. docs/format.md "Record" has the layout.
 *
 * Always holds: `proposal.record` is exactly what `recordOf` would make of it; the decoder refuses every other form, so bytes resent
 * by DIFF stay the same for ever. Both carry a CRC32 (D1); nothing is read before it has been checked.
 * Before: zab/leader-broadcast. After: message-codec.ts and storage/level/log-store.ts.
 */
import { ZooKeeperError } from '../model/errors.js'
import type { SessionId } from '../model/ids.js'
import { isMark } from '../model/owner.js'
import type { Proposal } from '../model/proposal.js'
import type { Txn } from '../model/txn.js'
import { asBuffer, CborReader } from './cbor-reader.js'
import { CborWriter } from './cbor-writer.js'
import { openEnvelope, uint32At } from './checksum.js'
import { sessionWord } from './field-codec.js'
import { readTxn, writeTxn } from './txn-codec.js'

/** Of a txn with a container or a TTL znode in it; every other has the first. So whoever reads the first only can follow until the first such znode. */
const RECORD_VERSION = 2
const FIRST_VERSION = 1
const GROUP_VERSION = 1
/** Everything before the body. */
const HEADER_BYTES = 46
const BODY_LENGTH_AT = 42

/** Its own slabs: records live until they are committed, messages only until they are sent. */
const writer = new CborWriter()

/** Encodes on the first call and keeps the bytes in `proposal.record`. */
export function recordOf(proposal: Proposal): Uint8Array {
  proposal.record ??= encodeRecord(proposal)
  return proposal.record
}

/** How long the record is. Keeps no bytes that nobody has asked for. */
export function recordLength(proposal: Proposal): number {
  return (proposal.record ?? encodeRecord(proposal)).length
}

function encodeRecord(proposal: Proposal): Uint8Array {
  const { zxid, previous, session, cxid, time } = proposal
  writer.begin()
  writer.fixed8(versionOf(proposal.txn))
  writer.fixed8(0)
  writer.fixed32(zxid.epoch)
  writer.fixed32(zxid.counter)
  writer.fixed32(previous.epoch)
  writer.fixed32(previous.counter)
  writer.fixed32(sessionWord(session, 0))
  writer.fixed32(sessionWord(session, 8))
  writer.fixed53(cxid)
  writer.fixed53(time)
  writer.fixed32(0)
  writeTxn(writer, proposal.txn)
  writer.patch32(BODY_LENGTH_AT, writer.length - HEADER_BYTES)
  return writer.finishSealed()
}

/**
 * Throws DATA_CORRUPT, or DATA_TOO_NEW for an intact record of a version not known here. `bytes` is the record and nothing else;
 * it may be reused afterwards: `record` is a private copy, and data in the txn is a copy of exactly its size, never a view onto the
 * record, because it will live in the tree long after the record is gone.
 */
export function decodeRecord(bytes: Uint8Array): Proposal {
  return decodeRecordIn(asBuffer(bytes), 0, bytes.length)
}

/** The record in frame[start, end). */
export function decodeRecordIn(frame: Buffer, start: number, end: number): Proposal {
  const bodyEnd = openEnvelope(frame, start, end, RECORD_VERSION, 'record', false, FIRST_VERSION)
  const body = start + HEADER_BYTES
  if (bodyEnd < body) throw corrupt('record shorter than its header')
  if (uint32At(frame, start + BODY_LENGTH_AT) !== bodyEnd - body) throw corrupt('record of another length than it says')
  if (frame[start + 1] !== 0) throw new ZooKeeperError('DATA_TOO_NEW', `record with flags ${frame[start + 1]}`)
  const txn = readTxn(new CborReader(frame, body, bodyEnd, 'DATA_CORRUPT'))
  if (frame[start] !== versionOf(txn)) throw corrupt('record of another version than its txn has')
  return {
    zxid: { epoch: uint32At(frame, start + 2), counter: uint32At(frame, start + 6) },
    previous: { epoch: uint32At(frame, start + 10), counter: uint32At(frame, start + 14) },
    session: frame.toString('hex', start + 18, start + 26) as SessionId,
    cxid: uint53At(frame, start + 26),
    time: uint53At(frame, start + 34),
    txn,
    record: privateCopy(frame, start, end),
  }
}

/** One value for the log: version, count, each record behind its length, CRC32. */
export function encodeGroup(proposals: readonly Proposal[]): Uint8Array {
  // Records first: the writer makes one piece at a time.
  const records = proposals.map(recordOf)
  writer.begin()
  writer.fixed8(GROUP_VERSION)
  writer.fixed32(records.length)
  for (const record of records) {
    writer.fixed32(record.length)
    writer.raw(record)
  }
  return writer.finishSealed()
}

/** Throws as decodeRecord does. Whether the records are a chain is for the log to judge (Z14). */
export function decodeGroup(bytes: Uint8Array): Proposal[] {
  const frame = asBuffer(bytes)
  const end = openEnvelope(frame, 0, frame.length, GROUP_VERSION, 'group')
  if (end < 5) throw corrupt('group shorter than its header')
  const count = uint32At(frame, 1)
  const proposals: Proposal[] = []
  let at = 5
  for (let i = 0; i < count; i++) {
    if (end - at < 4) throw corrupt('group with fewer records than it says')
    const length = uint32At(frame, at)
    at += 4
    if (length > end - at) throw corrupt('record longer than its group')
    proposals.push(decodeRecordIn(frame, at, at + length))
    at += length
  }
  if (at !== end) throw corrupt('bytes behind the last record of a group')
  return proposals
}

function versionOf(txn: Txn): number {
  if (txn.kind === 'create') return isMark(txn.owner) ? RECORD_VERSION : FIRST_VERSION
  if (txn.kind !== 'multi') return FIRST_VERSION
  return txn.steps.some(step => versionOf(step) === RECORD_VERSION) ? RECORD_VERSION : FIRST_VERSION
}

function uint53At(frame: Buffer, at: number): number {
  const high = uint32At(frame, at)
  if (high > 0x1fffff) throw corrupt('integer beyond 53 bits')
  return high * 0x100000000 + uint32At(frame, at + 4)
}

function privateCopy(frame: Buffer, start: number, end: number): Uint8Array {
  writer.begin()
  writer.raw(new Uint8Array(frame.buffer, frame.byteOffset + start, end - start))
  return writer.finish()
}

function corrupt(why: string): ZooKeeperError {
  return new ZooKeeperError('DATA_CORRUPT', why)
}
