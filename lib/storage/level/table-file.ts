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
/** An index block has some 20 bytes for a block of 4 KiB. */
const INDEX_BYTES_MAX = 256 * 1024 * 1024

/** Throws Malformed when it is damaged. */
export function verifyTable(bytes: Uint8Array): void {
  const view = viewOf(bytes)
  const footerAt = bytes.length - FOOTER_BYTES
  if (footerAt < 0) throw new Malformed('it is too short')
  if (MAGIC.some((word, n) => view.getUint32(bytes.length - 8 + 4 * n, true) !== word))
    throw new Malformed('its end is not that of a table')
  const footer = new ByteReader(bytes.subarray(footerAt, bytes.length - 8), 'its footer is damaged')
  const [metaindex, index] = [handleIn(footer), handleIn(footer)]
  while (!footer.ended) if (footer.bytes(1)[0] !== 0) footer.fail()

  const verify = ({ offset, size }: Handle): void => {
    const end = offset + size
    if (end + TRAILER_BYTES > footerAt) throw new Malformed(`the block at byte ${offset} goes beyond its end`)
    if (maskedCrc32c(view, offset, end + 1) !== view.getUint32(end + 1, true))
      throw new Malformed(`the block at byte ${offset} does not have its checksum`)
  }
  /** What a verified index block says, or the metaindex: where other blocks are. */
  const handlesOf = (handle: Handle): readonly Handle[] => {
    verify(handle)
    const { offset, size } = handle
    const contents = plain(bytes.subarray(offset, offset + size), bytes[offset + size]!)
    return [...valuesIn(contents)].map(value => handleIn(new ByteReader(value, 'its index is damaged')))
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
  for (const block of [...blocks, ...filters]) verify(block)
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

/** The values of a block's entries: keys share their beginnings with the one before, and are not needed. */
function* valuesIn(block: Uint8Array): Generator<Uint8Array, void, undefined> {
  const what = 'its index is damaged'
  if (block.length < 4) throw new Malformed(what)
  const restarts = viewOf(block).getUint32(block.length - 4, true)
  const end = block.length - 4 * (restarts + 1)
  if (end < 0) throw new Malformed(what)
  const reader = new ByteReader(block.subarray(0, end), what)
  while (!reader.ended) {
    reader.varint()
    const [keyBytes, valueBytes] = [reader.varint(), reader.varint()]
    reader.bytes(keyBytes)
    yield reader.bytes(valueBytes)
  }
}
