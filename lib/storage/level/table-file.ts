/**
 * Verifies one LevelDB table (.ldb): every byte of it. LevelDB itself verifies none of them before it reads, and ends the process by an assertion
 * over some that are damaged (found by test/damage: a zeroed page is enough).
 *
 * Always holds: a table that passes is laid out without a gap (the blocks in the order of the index, a filter, the metaindex, the index, the
 * footer), and each block has its checksum. Source: LevelDB doc/table_format.md, table/format.cc.
 */
import { ByteReader, Malformed } from './byte-reader.js'
import { maskedCrc32c, viewOf } from './crc32c.js'
import { uncompress } from './snappy.js'

const FOOTER_BYTES = 48
const MAGIC = [0x8b80fb57, 0xdb477524] as const
/** Behind the contents of a block: how they are compressed, and the checksum of them and that. */
const TRAILER_BYTES = 5
const [PLAIN, SNAPPY] = [0, 1]
/** Behind a key: sequence number and type. */
const KEY_TRAILER_BYTES = 8
const DELETION = 0
const LONG_VARINT_BYTES = 5
/** An index block has some 20 bytes for a block of 4 KiB. */
const INDEX_BYTES_MAX = 256 * 1024 * 1024

export interface DamagedBlock {
  readonly offset: number
  readonly size: number
  /** LevelDB's keys of blocks: not before the last key of the block, and before the first of the next one. Undefined for the block before the first. */
  readonly before: Uint8Array | undefined
  readonly own: Uint8Array
  /** Undefined for the block behind the last. */
  readonly next: Uint8Array | undefined
}

/** Throws Malformed when it is damaged. */
export function verifyTable(bytes: Uint8Array): void {
  const [first] = damagedBlocks(bytes)
  if (first !== undefined) throw new Malformed(`the block at byte ${first.offset} does not have its checksum`)
}

/** The blocks of entries that do not have their checksum, in a table of which all else is well. Throws Malformed when something else is damaged. */
export function damagedBlocks(bytes: Uint8Array): readonly DamagedBlock[] {
  const view = viewOf(bytes)
  const footerAt = bytes.length - FOOTER_BYTES
  if (footerAt < 0) throw new Malformed('it is too short')
  if (MAGIC.some((word, n) => view.getUint32(bytes.length - 8 + 4 * n, true) !== word))
    throw new Malformed('its end is not that of a table')
  const footer = new ByteReader(bytes.subarray(footerAt, bytes.length - 8), 'its footer is damaged')
  const [metaindex, index] = [handleIn(footer), handleIn(footer)]
  while (!footer.ended) if (footer.bytes(1)[0] !== 0) footer.fail()

  const isSound = ({ offset, size }: Handle): boolean => {
    const end = offset + size
    if (end + TRAILER_BYTES > footerAt) throw new Malformed(`the block at byte ${offset} goes beyond its end`)
    return maskedCrc32c(view, offset, end + 1) === view.getUint32(end + 1, true)
  }
  const verify = (block: Handle): void => {
    if (!isSound(block)) throw new Malformed(`the block at byte ${block.offset} does not have its checksum`)
  }
  /** What a verified index block says, or the metaindex: where other blocks are. */
  const handlesOf = (handle: Handle): readonly (Handle & { readonly key: Uint8Array })[] => {
    verify(handle)
    const { offset, size } = handle
    const contents = plain(bytes.subarray(offset, offset + size), bytes[offset + size]!)
    const handles = [...entriesIn(contents)]
    return handles.map(({ key, value }) => ({ key, ...handleIn(new ByteReader(value, 'its index is damaged')) }))
  }
  const blocks = handlesOf(index)
  const filters = handlesOf(metaindex)
  // Their places first: blocks that share bytes would be verified again and again.
  let at = 0
  for (const { offset, size } of [...blocks, ...filters, metaindex, index]) {
    if (offset !== at) throw new Malformed(`no block is at byte ${at}`)
    at = offset + size + TRAILER_BYTES
  }
  if (at !== footerAt) throw new Malformed('bytes lie between its blocks and its footer')
  for (const block of filters) verify(block)
  // Copies: the bytes may be a buffer that is used again.
  const copy = (key: Uint8Array | undefined) => (key === undefined ? undefined : Buffer.from(key))
  return blocks.flatMap((block, n) => {
    if (isSound(block)) return []
    const { offset, size, key: own } = block
    return [{ offset, size, before: copy(blocks[n - 1]?.key), own: Buffer.from(own), next: copy(blocks[n + 1]?.key) }]
  })
}

/**
 * A block of the same size with its checksum, that has nothing in it but the deletion of `own`: the rest of it is the deletion's value, at which nobody looks.
 * Undefined when the block is too small for that.
 */
export function blankBlock({ size, own }: DamagedBlock): Buffer | undefined {
  const key = Buffer.from(own)
  const trailer = key.length - KEY_TRAILER_BYTES
  // A key made up to lie between two blocks has the highest sequence number. Else it is one that was there: the deletion takes its place.
  if (key.subarray(trailer + 1).every(byte => byte === 0xff)) key.fill(0, trailer)
  else key[trailer] = DELETION
  const lengths = 1 + 2 + LONG_VARINT_BYTES
  const valueBytes = size - lengths - key.length - 2 * 4
  if (trailer < 0 || key.length > 0x3fff || valueBytes < 0) return undefined
  const block = Buffer.alloc(size + TRAILER_BYTES)
  // Longer forms than need be, so that every size can be met.
  let at = 1
  for (let [rest, bytes] = [key.length, 2]; bytes > 0; bytes--, rest >>>= 7)
    block[at++] = bytes > 1 ? rest | 0x80 : rest
  for (let [rest, bytes] = [valueBytes, LONG_VARINT_BYTES]; bytes > 0; bytes--, rest >>>= 7)
    block[at++] = bytes > 1 ? rest | 0x80 : rest
  key.copy(block, at)
  // One place to restart from: the first byte.
  block.writeUInt32LE(1, size - 4)
  block[size] = PLAIN
  block.writeUInt32LE(maskedCrc32c(viewOf(block), 0, size + 1), size + 1)
  return block
}

interface Handle {
  readonly offset: number
  readonly size: number
}

function handleIn(reader: ByteReader): Handle {
  return { offset: reader.varint(), size: reader.varint() }
}

function plain(block: Uint8Array, type: number): Uint8Array {
  const contents = type === PLAIN ? block : type === SNAPPY ? uncompress(block, INDEX_BYTES_MAX) : undefined
  if (contents === undefined) throw new Malformed('its index cannot be uncompressed')
  return contents
}

function* entriesIn(
  block: Uint8Array,
): Generator<{ readonly key: Uint8Array; readonly value: Uint8Array }, void, undefined> {
  const what = 'its index is damaged'
  if (block.length < 4) throw new Malformed(what)
  const restarts = viewOf(block).getUint32(block.length - 4, true)
  const end = block.length - 4 * (restarts + 1)
  if (end < 0) throw new Malformed(what)
  const reader = new ByteReader(block.subarray(0, end), what)
  while (!reader.ended) {
    // A key of an index never goes on where the one before ends: each can be restarted from.
    if (reader.varint() !== 0) reader.fail()
    const [keyBytes, valueBytes] = [reader.varint(), reader.varint()]
    yield { key: reader.bytes(keyBytes), value: reader.bytes(valueBytes) }
  }
}
