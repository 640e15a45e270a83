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

export const SNAPSHOT_CHUNK_VERSION = 1
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
  private count = 0

  /** Returns the chunk before this entry if the entry no longer fits into it. */
  add(kind: SnapshotEntryKind, key: string, value: Uint8Array): Uint8Array | undefined {
    const keyBytes = Buffer.from(key, 'utf8')
    const entryBytes = ENTRY_OVERHEAD + keyBytes.length + value.length
    const full =
      this.count > 0 && this.writer.length + 4 + entryBytes > SNAPSHOT_CHUNK_BYTES_MAX ? this.end() : undefined
    if (this.count === 0) this.begin()
    this.writer.fixed8(kinds.indexOf(kind))
    this.writer.fixed32(keyBytes.length)
    this.writer.raw(keyBytes)
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
 * Checks the whole chunk before the first entry is handed out. Values are views onto the chunk.
 * Throws DATA_CORRUPT or DATA_TOO_NEW.
 */
export function decodeSnapshotChunk(bytes: Uint8Array): readonly SnapshotEntry[] {
  const frame = asBuffer(bytes)
  const end = openEnvelope(frame, 0, frame.length, SNAPSHOT_CHUNK_VERSION, 'snapshot chunk')
  if (frame.length < CHUNK_OVERHEAD) throw corrupt('shorter than its header')
  const count = uint32At(frame, COUNT_AT)
  const entries: SnapshotEntry[] = []
  let at = CHUNK_OVERHEAD - 4
  for (let i = 0; i < count; i++) {
    if (end - at < ENTRY_OVERHEAD) throw corrupt('fewer entries than it says')
    const kind = kinds[frame[at]!]
    if (kind === undefined) throw corrupt('unknown kind of entry')
    const keyLength = uint32At(frame, at + 1)
    at += 5
    if (keyLength > end - at - 4) throw corrupt('key longer than its chunk')
    const key = readKey(frame, at, at + keyLength)
    at += keyLength
    const valueLength = uint32At(frame, at)
    at += 4
    if (valueLength > end - at) throw corrupt('value longer than its chunk')
    entries.push({ kind, key, value: new Uint8Array(frame.buffer, frame.byteOffset + at, valueLength) })
    at += valueLength
  }
  if (at !== end) throw corrupt('bytes behind the last entry')
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
