/**
 * One entry of tree/: its kind and key again, with a CRC32 of their own, then the value of codec/tree-codec.ts, which has its own too.
 * The key is repeated so that a load need not read keys and so that a flipped bit in a key
 * is found like any other (D9). docs/format.md "Tree store".
 */
import { isUtf8In } from '../../codec/cbor-reader.js'
import { crc32, openEnvelope, uint32At } from '../../codec/checksum.js'
import type { SnapshotEntryKind } from '../../codec/snapshot-chunk.js'
import { SESSION_VERSION, ZNODE_VERSION } from '../../codec/tree-codec.js'
import { ZooKeeperError } from '../../model/errors.js'

const kinds: readonly SnapshotEntryKind[] = ['node', 'session']
/** Kind, length of the key. */
const HEAD_BYTES = 5
const CRC_BYTES = 4

export function encodeTreeEntry(kind: SnapshotEntryKind, key: string, value: Uint8Array): Buffer {
  const keyBytes = Buffer.byteLength(key)
  const valueAt = HEAD_BYTES + keyBytes + CRC_BYTES
  const entry = Buffer.allocUnsafe(valueAt + value.length)
  entry[0] = kinds.indexOf(kind)
  entry.writeUInt32BE(keyBytes, 1)
  entry.write(key, HEAD_BYTES)
  entry.writeUInt32BE(crc32(entry, 0, HEAD_BYTES + keyBytes), HEAD_BYTES + keyBytes)
  entry.set(value, valueAt)
  return entry
}

/** Checks the key's CRC; the value is a view onto `entry`, to be checked by its decoder or by `requireIntactValue`. */
export function decodeTreeEntry(
  kind: SnapshotEntryKind,
  entry: Buffer,
): { readonly key: string; readonly value: Uint8Array } {
  const valueAt = valueOfTreeEntry(kind, entry)
  return { key: keyOfTreeEntry(entry, valueAt), value: entry.subarray(valueAt) }
}

/** Checks the key's CRC, and says where the value begins. */
export function valueOfTreeEntry(kind: SnapshotEntryKind, entry: Buffer): number {
  const keyEnd = HEAD_BYTES + (entry.length < HEAD_BYTES ? 0 : uint32At(entry, 1))
  const valueAt = keyEnd + CRC_BYTES
  if (
    valueAt > entry.length ||
    crc32(entry, 0, keyEnd) !== uint32At(entry, keyEnd) ||
    entry[0] !== kinds.indexOf(kind)
  ) {
    throw new ZooKeeperError('DATA_CORRUPT', `an entry of the tree: the key of a ${kind} does not have its checksum`)
  }
  if (!isUtf8In(entry, HEAD_BYTES, keyEnd))
    throw new ZooKeeperError('DATA_CORRUPT', `an entry of the tree: the key of a ${kind} is not UTF-8`)
  return valueAt
}

/** Of one whose value begins at `valueAt`. */
export function keyOfTreeEntry(entry: Buffer, valueAt: number): string {
  return entry.toString('utf8', HEAD_BYTES, valueAt - CRC_BYTES)
}

/** The same in UTF-8, as a view. */
export function pathOfTreeEntry(entry: Buffer, valueAt: number): Buffer {
  return entry.subarray(HEAD_BYTES, valueAt - CRC_BYTES)
}

export function requireIntactValue(kind: SnapshotEntryKind, key: string, value: Uint8Array): void {
  const version = kind === 'node' ? ZNODE_VERSION : SESSION_VERSION
  openEnvelope(value, 0, value.length, version, kind === 'node' ? `znode ${key}` : 'session', false, 1)
}
