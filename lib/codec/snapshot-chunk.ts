/**
 * A snapshot on its way from store to store: chunks of whole entries, each the key and the stored value of a znode or a session, as they
 * are on disk. docs/format.md "Snapshot chunk".
 *
 * Always holds: a chunk is at most 256 KiB, unless a single entry is larger; that one travels alone (a znode's data may be 1 MiB,
 * a frame 4 MiB). Every chunk has its own CRC32 and every value another; that no chunk is missing is shown by the state digest.
 * Before: storage readSnapshot. After: the receiver's installSnapshot.
 */
import { ZooKeeperError } from '../model/errors.js'
import { asBuffer } from './cbor-reader.js'
import { CborWriter } from './cbor-writer.js'
import { openEnvelope, uint32At } from './checksum.js'

const SNAPSHOT_CHUNK_VERSION = 1
export const SNAPSHOT_CHUNK_BYTES_MAX = 256 * 1024
/** Version, count and CRC32. */
const CHUNK_OVERHEAD = 9
const ENTRY_OVERHEAD = 9
const COUNT_AT = 1

export type SnapshotEntryKind = 'node' | 'session'
export interface SnapshotEntry {
  readonly kind: SnapshotEntryKind
  /** A znode's path, a session's id. */
  readonly key: string
  readonly value: Uint8Array
}

const kinds: readonly SnapshotEntryKind[] = ['node', 'session']

export class SnapshotChunkWriter {
  private readonly writer = new CborWriter()
  private readonly bytesMax: number
  private count = 0

  constructor(bytesMax = SNAPSHOT_CHUNK_BYTES_MAX) {
    this.bytesMax = bytesMax
  }

  /** Returns the chunk before this entry if the entry no longer fits into it. */
  add(kind: SnapshotEntryKind, key: string, value: Uint8Array): Uint8Array | undefined {
    return this.addBytes(kind, Buffer.from(key, 'utf8'), value)
  }

  /** As `add`, with the key in UTF-8. */
  addBytes(kind: SnapshotEntryKind, key: Uint8Array, value: Uint8Array): Uint8Array | undefined {
    const entryBytes = ENTRY_OVERHEAD + key.length + value.length
    const full = this.count > 0 && this.writer.length + 4 + entryBytes > this.bytesMax ? this.end() : undefined
    if (this.count === 0) this.begin()
    this.writer.fixed8(kinds.indexOf(kind))
    this.writer.fixed32(key.length)
    this.writer.raw(key)
    this.writer.fixed32(value.length)
    this.writer.raw(value)
    this.count++
    return full
  }

  /** The rest, if there is any. */
  end(): Uint8Array | undefined {
    if (this.count === 0) return undefined
    this.writer.patch32(COUNT_AT, this.count)
    this.count = 0
    return this.writer.finishSealed()
  }

  private begin(): void {
    this.writer.begin()
    this.writer.fixed8(SNAPSHOT_CHUNK_VERSION)
    this.writer.fixed32(0)
  }
}

/**
 * Reads a chunk entry by entry, as places in its bytes: nothing is made for an entry that its reader does not ask for.
 * The checksum of the whole chunk is verified before the first. Throws DATA_CORRUPT or DATA_TOO_NEW.
 */
export class SnapshotChunkReader {
  readonly frame: Buffer
  /** How many entries there are. */
  readonly count: number
  kind: SnapshotEntryKind = 'node'
  keyStart = 0
  keyEnd = 0
  valueStart = 0
  valueEnd: number
  readonly #end: number
  #left: number

  constructor(bytes: Uint8Array) {
    this.frame = asBuffer(bytes)
    this.#end = openEnvelope(this.frame, 0, this.frame.length, SNAPSHOT_CHUNK_VERSION, 'snapshot chunk')
    if (this.frame.length < CHUNK_OVERHEAD) throw corrupt('shorter than its header')
    this.count = uint32At(this.frame, COUNT_AT)
    this.#left = this.count
    this.valueEnd = CHUNK_OVERHEAD - 4
  }

  /** False behind the last entry. */
  next(): boolean {
    let at = this.valueEnd
    if (this.#left === 0) {
      if (at !== this.#end) throw corrupt('bytes behind the last entry')
      return false
    }
    this.#left--
    if (this.#end - at < ENTRY_OVERHEAD) throw corrupt('fewer entries than it says')
    const kind = kinds[this.frame[at]!]
    if (kind === undefined) throw corrupt('unknown kind of entry')
    this.kind = kind
    const keyLength = uint32At(this.frame, at + 1)
    at += 5
    if (keyLength > this.#end - at - 4) throw corrupt('key longer than its chunk')
    this.keyStart = at
    at += keyLength
    this.keyEnd = at
    const valueLength = uint32At(this.frame, at)
    at += 4
    if (valueLength > this.#end - at) throw corrupt('value longer than its chunk')
    this.valueStart = at
    this.valueEnd = at + valueLength
    return true
  }

  /** The key of this entry. */
  key(): string {
    const { frame, keyStart, keyEnd } = this
    for (let at = keyStart; at < keyEnd; at++) if (frame[at]! > 0x7f) return readKey(frame, keyStart, keyEnd)
    return frame.toString('latin1', keyStart, keyEnd)
  }

  keyBytes(): Buffer {
    return this.frame.subarray(this.keyStart, this.keyEnd)
  }

  /** A view onto the chunk. */
  value(): Uint8Array {
    const { frame, valueStart, valueEnd } = this
    return new Uint8Array(frame.buffer, frame.byteOffset + valueStart, valueEnd - valueStart)
  }
}

/**
 * Checks the whole chunk before the first entry is handed out. Values are views onto the chunk.
 * Throws DATA_CORRUPT or DATA_TOO_NEW.
 */
export function decodeSnapshotChunk(bytes: Uint8Array): readonly SnapshotEntry[] {
  const reader = new SnapshotChunkReader(bytes)
  const entries: SnapshotEntry[] = []
  while (reader.next()) entries.push({ kind: reader.kind, key: reader.key(), value: reader.value() })
  return entries
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function readKey(frame: Buffer, start: number, end: number): string {
  try {
    return utf8.decode(frame.subarray(start, end))
  } catch {
    throw corrupt('key is not UTF-8')
  }
}

function corrupt(why: string): ZooKeeperError {
  return new ZooKeeperError('DATA_CORRUPT', `snapshot chunk: ${why}`)
}
