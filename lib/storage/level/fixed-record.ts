/**
 * The small records of the store (label, base, epochs, checkpoint, mark): a version byte, a fixed number of big-endian uint32, CRC32.
 * The same envelope as everything else on disk (codec/checksum.ts): a flipped bit is DATA_CORRUPT, another version DATA_TOO_NEW.
 */
import { crc32, openEnvelope, uint32At } from '../../codec/checksum.js'
import { ZooKeeperError } from '../../model/errors.js'

export function encodeWords(version: number, words: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(wordsLength(words.length))
  bytes[0] = version
  words.forEach((word, index) => {
    bytes.writeUInt32BE(word, 1 + 4 * index)
  })
  bytes.writeUInt32BE(crc32(bytes, 0, bytes.length - 4), bytes.length - 4)
  return bytes
}

export function decodeWords(bytes: Uint8Array | undefined, version: number, count: number, what: string): number[] {
  if (bytes === undefined) throw new ZooKeeperError('DATA_CORRUPT', `${what} is missing`)
  const end = openEnvelope(bytes, 0, bytes.length, version, what)
  if (end !== 1 + 4 * count) throw new ZooKeeperError('DATA_CORRUPT', `${what}: ${bytes.length} bytes long`)
  return Array.from({ length: count }, (_, index) => uint32At(bytes, 1 + 4 * index))
}

export function wordsLength(count: number): number {
  return 5 + 4 * count
}

const WORD = 0x100000000

/** Up to 2⁵³ − 1, as two words: `fromTwoWords` throws DATA_CORRUPT for more. */
export function twoWords(value: number): [high: number, low: number] {
  return [Math.floor(value / WORD), value % WORD]
}

export function fromTwoWords(high: number, low: number, what: string): number {
  if (high > 0x1fffff) throw new ZooKeeperError('DATA_CORRUPT', `${what}: an integer beyond 53 bits`)
  return high * WORD + low
}
