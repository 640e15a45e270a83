/**
 * Everything here that reads bytes somebody else may have written: from the wire, from a file, from an application. One row each: valid samples,
 * how it is decoded and encoded again, which errors it may end with. A new decoder gets a row.
 *
 * `encode`: what has been accepted must come back byte by byte (R5), for each value has one encoding; with `loose` (text for people, an
 * application's own CBOR) it must at least not change a second time.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import fc, { type Arbitrary } from 'fast-check'
import { decodeCborValue, encodeCborValue } from '../../lib/codec/cbor.js'
import { crc32 } from '../../lib/codec/checksum.js'
import { decodeMessage, encodeMessage } from '../../lib/codec/message-codec.js'
import { decodeGroup, decodeRecord, encodeGroup, recordOf } from '../../lib/codec/record.js'
import { decodeSnapshotChunk, SnapshotChunkReader, SnapshotChunkWriter } from '../../lib/codec/snapshot-chunk.js'
import {
  decodeSession,
  decodeStoredZnode,
  decodeZnode,
  encodeSession,
  encodeZnode,
  SharedParts,
} from '../../lib/codec/tree-codec.js'
import { decodeTxn, encodeTxn } from '../../lib/codec/txn-codec.js'
import type { PeerMessage } from '../../lib/core/zab/messages.js'
import { JuteReader } from '../../lib/jute/reader.js'
import { translate } from '../../lib/jute/translate.js'
import { JuteWriter } from '../../lib/jute/writer.js'
import { type ErrorCode, ZooKeeperError } from '../../lib/model/errors.js'
import type { Proposal } from '../../lib/model/proposal.js'
import { Malformed } from '../../lib/storage/level/byte-reader.js'
import {
  type CheckpointRecord,
  checkpointOperation,
  decodeCheckpoint,
} from '../../lib/storage/level/checkpoint-record.js'
import { maskedCrc32c, viewOf } from '../../lib/storage/level/crc32c.js'
import { decodeSlot, encodeSlot } from '../../lib/storage/level/durable-mark.js'
import { decodeWords, encodeWords } from '../../lib/storage/level/fixed-record.js'
import { decodeIdentity, encodeIdentity } from '../../lib/storage/level/identity.js'
import { readManifest } from '../../lib/storage/level/manifest.js'
import { uncompress } from '../../lib/storage/level/snappy.js'
import { verifyTable } from '../../lib/storage/level/table-file.js'
import { decodeTreeEntry, encodeTreeEntry } from '../../lib/storage/level/tree-entry.js'
import { FrameDecoder, frameHeader } from '../../lib/transport/frame.js'
import { decodeHello, decodeRefusal, encodeHello, encodeRefusal, refusalCodes } from '../../lib/transport/handshake.js'
import { SecretExchange } from '../../transports/tcp/secret-exchange.js'
import { SharedSecret } from '../../transports/tcp/shared-secret.js'
import * as arbitrary from '../helpers/arbitraries.js'
import { juteRequests, juteValues } from '../helpers/jute-values.js'

export interface Decoder<T = unknown> {
  readonly name: string
  /** About so many. */
  samples(seed: number, count: number): readonly Uint8Array[]
  decode(bytes: Buffer): T
  encode?(value: T): Uint8Array
  readonly loose?: boolean
  isTyped(error: unknown): boolean
  /** Puts checksums right, where they are expected; of anything at all. */
  repair?(bytes: Buffer): void
}

function row<T>(decoder: Decoder<T>): Decoder {
  return decoder as unknown as Decoder
}

function sampled<T>(values: Arbitrary<T>, encode: (value: T) => Uint8Array): Decoder['samples'] {
  return (seed, count) => fc.sample(values, { seed, numRuns: count }).map(value => Uint8Array.from(encode(value)))
}

/** Nothing but a ZooKeeperError of these codes, and none that hides something else. */
export function codes(...allowed: readonly ErrorCode[]): (error: unknown) => boolean {
  return error =>
    error instanceof ZooKeeperError &&
    allowed.includes(error.code) &&
    (error.cause === undefined || error.cause instanceof ZooKeeperError)
}

const onDisk = codes('DATA_CORRUPT', 'DATA_TOO_NEW')

/** A CRC32 of bytes[start, end − 4) into its last four. */
function reseal(bytes: Buffer, start = 0, end = bytes.length): void {
  if (end - start < 5 || end > bytes.length) return
  bytes.writeUInt32BE(crc32(bytes, start, end - 4), end - 4)
}

function resealGroup(bytes: Buffer): void {
  for (let at = 5; at + 8 <= bytes.length; ) {
    const end = at + 4 + bytes.readUInt32BE(at)
    if (end > bytes.length - 4) break
    reseal(bytes, at + 4, end)
    at = end
  }
  reseal(bytes)
}

/** The record of a proposal, at the end of its message. */
function resealMessage(bytes: Buffer): void {
  if (bytes.length < 4 || bytes[0] !== 0x82 || (bytes[1] !== 10 && bytes[1] !== 11)) return
  const head = bytes[2]!
  if (head >= 0x58 && head <= 0x5a) reseal(bytes, 3 + (1 << (head - 0x58)))
  else if (head >= 0x40 && head < 0x58) reseal(bytes, 3)
}

/** The values of a chunk, then the chunk. */
function resealChunk(bytes: Buffer): void {
  for (let at = 5; at + 9 <= bytes.length; ) {
    const valueAt = at + 5 + bytes.readUInt32BE(at + 1)
    if (valueAt + 4 > bytes.length) break
    const end = valueAt + 4 + bytes.readUInt32BE(valueAt)
    if (end > bytes.length - 4) break
    reseal(bytes, valueAt + 4, end)
    at = end
  }
  reseal(bytes)
}

function resealTreeEntry(bytes: Buffer): void {
  if (bytes.length < 9) return
  const keyEnd = 5 + bytes.readUInt32BE(1)
  if (keyEnd + 4 > bytes.length) return
  bytes.writeUInt32BE(crc32(bytes, 0, keyEnd), keyEnd)
  reseal(bytes, keyEnd + 4)
}

function resealIdentity(bytes: Buffer): void {
  const text = bytes.toString('latin1')
  const at = text.lastIndexOf('crc32 ')
  if (at < 0 || at + 15 > bytes.length) return
  const signed = Buffer.from(bytes.toString('utf8', 0, at))
  bytes.write(`crc32 ${crc32(signed).toString(16).padStart(8, '0')}\n`, at)
}

function resealManifest(bytes: Buffer): void {
  for (let at = 0; at + 7 <= bytes.length; ) {
    const end = at + 7 + bytes.readUInt16LE(at + 4)
    if (end > bytes.length) return
    bytes.writeUInt32LE(maskedCrc32c(viewOf(bytes), at + 6, end), at)
    at = end
  }
}

/** Of the blocks that the footer names: the metaindex and the index. */
function resealTable(bytes: Buffer): void {
  const footer = bytes.length - 48
  if (footer < 0) return
  const numbers: number[] = []
  for (let at = footer; at < footer + 40 && numbers.length < 4; ) {
    let value = 0
    for (let factor = 1; ; factor *= 0x80) {
      const byte = bytes[at++]!
      value += (byte & 0x7f) * factor
      if (byte < 0x80 || factor > 2 ** 40) break
    }
    numbers.push(value)
  }
  for (const [offset, size] of [numbers.slice(0, 2), numbers.slice(2)] as [number, number][]) {
    const end = offset + size
    if (end + 5 <= footer) bytes.writeUInt32LE(maskedCrc32c(viewOf(bytes), offset, end + 1), end + 1)
  }
}

const withoutRecord = ({ record: _, ...proposal }: Proposal): Proposal => proposal

function messageBytes(message: PeerMessage): Uint8Array {
  const plain = 'proposal' in message ? { ...message, proposal: withoutRecord(message.proposal) } : message
  return Buffer.concat(encodeMessage(plain))
}

function chunkOf(entries: readonly { kind: 'node' | 'session'; key: string; value: Uint8Array }[]): Uint8Array {
  const writer = new SnapshotChunkWriter(2 ** 30)
  for (const { kind, key, value } of entries) writer.add(kind, key, value)
  return writer.end() ?? emptyChunk
}

const emptyChunk = (() => {
  const bytes = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0, 0])
  reseal(bytes)
  return bytes
})()

const session32 = fc.uint8Array({ minLength: 16, maxLength: 16 }).map(bytes => Buffer.from(bytes).toString('hex'))
const hello = fc
  .record({
    protocolLowest: fc.integer({ min: 1, max: 9 }),
    protocolHighest: fc.integer({ min: 9, max: 65_535 }),
    ensemble: arbitrary.text.filter(text => text.length > 0 && Buffer.byteLength(text) <= 255),
    ensembleId: fc.option(session32, { nil: undefined }),
    peer: arbitrary.peerId,
    incarnation: session32,
    membersHash: arbitrary.sessionId,
    role: fc.constantFrom('participant' as const, 'observer' as const),
  })
  .map(({ ensembleId, ...rest }) => (ensembleId === undefined ? rest : { ...rest, ensembleId }))

const epochs = fc.record({ accepted: arbitrary.uint32, current: arbitrary.uint32 })
const mark = fc.record({ generation: arbitrary.uint32, zxid: arbitrary.zxid, epochs })
const checkpoint: Arbitrary<CheckpointRecord> = fc.record({
  generation: arbitrary.uint32,
  number: arbitrary.uint32,
  journalChunks: arbitrary.uint32,
  zxid: arbitrary.zxid,
  time: arbitrary.uint53,
  digest: arbitrary.digest,
  chainBase: arbitrary.zxid,
  packed: fc.boolean(),
})
const chunkEntry = fc.oneof(
  fc.record({ kind: fc.constant('node' as const), key: arbitrary.path, value: arbitrary.znode.map(encodeZnode) }),
  fc.record({
    kind: fc.constant('session' as const),
    key: arbitrary.sessionId,
    value: arbitrary.sessionRecord.map(encodeSession),
  }),
)
const nodeEntry = chunkEntry.filter(({ kind }) => kind === 'node')
const plainValue = fc.anything({ withBigInt: false, withNullPrototype: false, maxDepth: 4 })

const golden = fileURLToPath(new URL('../golden/', import.meta.url))
function goldenFiles(pattern: RegExp, bytesMax: number): readonly Uint8Array[] {
  const names = readdirSync(golden, { recursive: true }) as string[]
  const files = names.filter(name => pattern.test(name)).sort()
  return files.map(name => readFileSync(`${golden}${name}`)).filter(bytes => bytes.length <= bytesMax)
}

/** Valid Snappy: literals, and copies of what they have left. */
function snappySamples(seed: number, count: number): readonly Uint8Array[] {
  const part = fc.record({
    literal: fc.uint8Array({ minLength: 1, maxLength: 60 }),
    copy: fc.integer({ min: 1, max: 64 }),
  })
  return sampled(fc.array(part, { minLength: 1, maxLength: 6 }), parts => {
    const bytes: number[] = []
    let length = 0
    for (const { literal, copy } of parts) {
      bytes.push((literal.length - 1) << 2, ...literal, ((copy - 1) << 2) | 2, 1, 0)
      length += literal.length + copy
    }
    return Uint8Array.from([...(length < 128 ? [length] : [(length & 0x7f) | 0x80, length >>> 7]), ...bytes])
  })(seed, count)
}

/** The first byte says in what pieces the rest arrives. */
function framesOf(bytes: Buffer): { step: number; frames: Buffer[]; rest: Buffer } {
  if (bytes.length === 0) throw new ZooKeeperError('PROTOCOL_ERROR', 'nothing to divide')
  const step = bytes[0]!
  const stream = bytes.subarray(1)
  const decoder = new FrameDecoder({ firstFrameBytesMax: 16 * 1024, frameBytesMax: 64 * 1024 })
  decoder.established()
  const frames: Buffer[] = []
  let used = 0
  for (let at = 0; at < stream.length; at += step || stream.length) {
    decoder.push(stream.subarray(at, at + (step || stream.length)))
    for (let frame = decoder.next(); frame !== undefined; frame = decoder.next()) {
      frames.push(Buffer.from(frame))
      used += 4 + frame.length
    }
  }
  const rest = stream.subarray(used)
  if (decoder.midFrame !== rest.length > 0)
    throw new Error(`midFrame is ${decoder.midFrame} with ${rest.length} bytes left`)
  return { step, frames, rest }
}

/** The first byte says which record the rest is. */
const juteRecord: Decoder<{ index: number; value: unknown }> = {
  name: 'record of jute',
  samples: (seed, count) =>
    juteValues.flatMap(([, , values], index) =>
      fc
        .sample(values, { seed, numRuns: Math.ceil(count / juteValues.length) })
        .map(value => encodeJute({ index, value })),
    ),
  decode(bytes) {
    const index = bytes.length === 0 ? 0 : bytes[0]! % juteValues.length
    return { index, value: juteValues[index]![1].read(new JuteReader(bytes.subarray(1))) }
  },
  encode: encodeJute,
  // Bytes behind the last field are a later version's, any byte but 0 is true, and what is no UTF-8 becomes U+FFFD.
  loose: true,
  isTyped: codes('PROTOCOL_ERROR'),
}

function encodeJute({ index, value }: { index: number; value: unknown }): Uint8Array {
  const writer = new JuteWriter()
  writer.byte(index)
  juteValues[index]![1].write(writer, value as never)
  return Uint8Array.from(writer.take())
}

const secret = new SharedSecret(Buffer.from('a secret of the fuzz test, long enough'))

export const decoders: readonly Decoder[] = [
  row({
    name: 'peer message',
    samples: sampled(arbitrary.peerMessage, messageBytes),
    decode: decodeMessage,
    encode: messageBytes,
    isTyped: codes('PROTOCOL_ERROR'),
    repair: resealMessage,
  }),
  row({
    name: 'frames of a stream',
    samples: sampled(fc.array(fc.uint8Array({ maxLength: 150 }), { minLength: 1, maxLength: 4 }), frames =>
      Buffer.concat([Buffer.from([7]), ...frames.flatMap(frame => [frameHeader(frame.length), frame])]),
    ),
    decode: framesOf,
    encode: ({ step, frames, rest }) =>
      Buffer.concat([Buffer.from([step]), ...frames.flatMap(frame => [frameHeader(frame.length), frame]), rest]),
    isTyped: codes('PROTOCOL_ERROR'),
  }),
  row(juteRecord),
  row({
    name: 'request of a ZooKeeper client',
    samples: sampled(juteRequests, bytes => bytes),
    decode(bytes) {
      const reader = new JuteReader(bytes)
      return translate(reader.int(), reader).request
    },
    isTyped: codes('PROTOCOL_ERROR'),
  }),
  row({
    name: 'hello',
    samples: sampled(hello, encodeHello),
    decode: decodeHello,
    encode: encodeHello,
    isTyped: codes('PROTOCOL_ERROR', ...refusalCodes),
  }),
  row({
    name: 'refusal',
    samples: sampled(fc.record({ code: fc.constantFrom(...refusalCodes), reason: arbitrary.text }), encodeRefusal),
    decode: decodeRefusal,
    encode: encodeRefusal,
    loose: true,
    isTyped: codes('PROTOCOL_ERROR'),
  }),
  row({
    name: 'exchange of a secret',
    samples: () => [new SecretExchange(secret, 'dialler').opening()!],
    decode: bytes => new SecretExchange(secret, 'dialler').take(bytes),
    isTyped: codes('PROTOCOL_ERROR', 'HANDSHAKE_REFUSED'),
  }),
  row({
    name: 'log record',
    samples: sampled(arbitrary.proposal, recordOf),
    decode: decodeRecord,
    encode: proposal => recordOf(withoutRecord(proposal)),
    isTyped: onDisk,
    repair: reseal,
  }),
  row({
    name: 'log group',
    samples: sampled(fc.array(arbitrary.proposal, { minLength: 1, maxLength: 4 }), encodeGroup),
    decode: decodeGroup,
    encode: group => encodeGroup(group.map(withoutRecord)),
    isTyped: onDisk,
    repair: resealGroup,
  }),
  row({
    name: 'txn',
    samples: sampled(arbitrary.txn, encodeTxn),
    decode: decodeTxn,
    encode: encodeTxn,
    isTyped: onDisk,
  }),
  row({
    name: 'znode',
    samples: sampled(arbitrary.znode, encodeZnode),
    decode: bytes => decodeZnode(bytes),
    encode: encodeZnode,
    isTyped: onDisk,
    repair: reseal,
  }),
  row({
    name: 'session',
    samples: sampled(arbitrary.sessionRecord, encodeSession),
    decode: decodeSession,
    encode: encodeSession,
    isTyped: onDisk,
    repair: reseal,
  }),
  row({
    name: 'tree entry',
    samples: sampled(nodeEntry, ({ kind, key, value }) => encodeTreeEntry(kind, key, value)),
    decode(bytes) {
      const { key, value } = decodeTreeEntry('node', bytes)
      return { key, znode: value.length === 0 ? undefined : decodeZnode(value) }
    },
    encode: ({ key, znode }) =>
      encodeTreeEntry('node', key, znode === undefined ? new Uint8Array(0) : encodeZnode(znode)),
    isTyped: onDisk,
    repair: resealTreeEntry,
  }),
  row({
    name: 'snapshot chunk',
    samples: sampled(fc.array(chunkEntry, { minLength: 1, maxLength: 4 }), chunkOf),
    decode: decodeSnapshotChunk,
    encode: chunkOf,
    isTyped: onDisk,
    repair: resealChunk,
  }),
  row({
    // As a load reads it: the checksum of a value is not looked at again, so it may be wrong.
    name: 'pack of znodes',
    samples: sampled(fc.array(nodeEntry, { minLength: 1, maxLength: 4 }), chunkOf),
    decode(bytes) {
      const reader = new SnapshotChunkReader(bytes)
      const shared = new SharedParts()
      const nodes: { key: string; znode: ReturnType<typeof decodeStoredZnode> }[] = []
      while (reader.next())
        nodes.push({
          key: reader.key(),
          znode: decodeStoredZnode(reader.frame, reader.valueStart, reader.valueEnd, 0, shared, true),
        })
      return nodes
    },
    encode: nodes => chunkOf(nodes.map(({ key, znode }) => ({ kind: 'node', key, value: encodeZnode(znode) }))),
    loose: true,
    isTyped: onDisk,
    repair: reseal,
  }),
  row({
    name: 'identity',
    samples: sampled(
      fc.record({ ensemble: arbitrary.text, peer: arbitrary.peerId, incarnation: session32 }),
      encodeIdentity,
    ),
    decode: bytes => decodeIdentity(bytes, 'identity'),
    encode: encodeIdentity,
    isTyped: onDisk,
    repair: resealIdentity,
  }),
  row({
    name: 'durable mark',
    samples: sampled(fc.record({ sequence: arbitrary.uint53, mark }), ({ sequence, mark }) =>
      encodeSlot(sequence, mark),
    ),
    decode(bytes) {
      const slot = decodeSlot(bytes, 0)
      if (slot === undefined || bytes.length !== 33) throw new ZooKeeperError('DATA_CORRUPT', 'no slot')
      return slot
    },
    encode: ({ sequence, mark }) => encodeSlot(sequence, mark),
    isTyped: onDisk,
    repair: reseal,
  }),
  row({
    name: 'checkpoint record',
    samples: sampled(checkpoint, record => (checkpointOperation(record) as { value: Uint8Array }).value),
    decode: bytes => ({ version: bytes[0]!, record: decodeCheckpoint(bytes, 'checkpoint') }),
    // Of the version without packs there is no encoder any more.
    encode: ({ version, record }) =>
      version === 1
        ? encodeWords(1, decodeWords((checkpointOperation(record) as { value: Buffer }).value, 2, 12, '').slice(0, 11))
        : (checkpointOperation(record) as { value: Uint8Array }).value,
    isTyped: onDisk,
    repair: reseal,
  }),
  row({
    name: 'epochs',
    samples: sampled(epochs, ({ accepted, current }) => encodeWords(1, [accepted, current])),
    decode: bytes => decodeWords(bytes, 1, 2, 'epochs'),
    encode: words => encodeWords(1, words),
    isTyped: onDisk,
    repair: reseal,
  }),
  row({
    name: 'MANIFEST',
    samples: () => goldenFiles(/MANIFEST-\d+$/, 8192),
    decode: readManifest,
    isTyped: error => error instanceof Malformed,
    repair: resealManifest,
  }),
  row({
    name: 'table',
    samples: () => goldenFiles(/\.ldb$/, 12 * 1024),
    decode: verifyTable,
    isTyped: error => error instanceof Malformed,
    repair: resealTable,
  }),
  row({
    name: 'Snappy',
    samples: snappySamples,
    decode(bytes) {
      const output = uncompress(bytes, 256 * 1024 * 1024)
      if (output === undefined) throw new Malformed('no Snappy')
      return output
    },
    isTyped: error => error instanceof Malformed,
  }),
  row({
    name: 'CBOR of an application',
    samples: sampled(plainValue, value => {
      try {
        return encodeCborValue(value)
      } catch {
        return encodeCborValue([1, 'a', { b: 2.5 }])
      }
    }),
    decode: decodeCborValue,
    encode: encodeCborValue,
    loose: true,
    isTyped: codes('CODEC_ERROR'),
  }),
]
