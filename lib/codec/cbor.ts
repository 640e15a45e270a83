/**
 * An application's own values as CBOR: the one place that calls cbor-x. Nothing between peers or in the log passes here.
 *
 * Always holds: cbor-x decodes nothing that scanCbor has not seen; what is encoded passes the same scan, so whatever was stored can be
 * read again; every fault is CODEC_ERROR. cbor-x keeps state between calls: calls are synchronous, and after a failure a new pair of
 * coders is made.
 * The client may not import this; the rim hands it over: `makeCodec('cbor', encodeCborValue, decodeCborValue)`.
 */
import { Decoder, Encoder } from 'cbor-x'
import { hasCode, ZooKeeperError } from '../model/errors.js'
import { asBuffer } from './cbor-reader.js'
import { scanCbor } from './cbor-scan.js'

/** No records (cbor-x would compile them), no tag on bytes, byte strings as copies. */
const options = { useRecords: false, mapsAsObjects: true, tagUint8Array: false, copyBuffers: true }

let encoder = new Encoder(options)
let decoder = new Decoder(options)

/**
 * Plain values: null, undefined, booleans, numbers, bigints of 64 bits, strings, byte arrays, arrays, objects with string keys, at most 64 deep.
 * −0 comes back as 0, and every integer written in 64-bit form (a bigint, however small) as a bigint.
 * A Date, Map, Set, RegExp, function, cycle, lone surrogate or key `__proto__` throws CODEC_ERROR: it would not come back as it was.
 *
 * @example decodeCborValue(encodeCborValue({ dark: true, sizes: [1, 2.5] })) // { dark: true, sizes: [1, 2.5] }
 */
export function encodeCborValue(value: unknown): Uint8Array {
  try {
    // A copy of exactly its size: cbor-x answers with a view onto a buffer that it goes on writing to.
    const bytes = new Uint8Array(encoder.encode(value))
    scanCbor(asBuffer(bytes))
    return bytes
  } catch (error) {
    encoder = new Encoder(options)
    throw asCodecError(error, 'the value cannot be encoded')
  }
}

/** The value; byte strings in it are copies. Of equal keys in a map the last one counts. Throws CODEC_ERROR. */
export function decodeCborValue(bytes: Uint8Array): unknown {
  try {
    const buffer = asBuffer(bytes)
    scanCbor(buffer)
    return decoder.decode(buffer)
  } catch (error) {
    decoder = new Decoder(options)
    throw asCodecError(error, 'the bytes cannot be decoded')
  }
}

function asCodecError(error: unknown, what: string): unknown {
  if (hasCode(error, 'CODEC_ERROR')) return error
  const why = error instanceof Error ? error.message : String(error)
  return new ZooKeeperError('CODEC_ERROR', `CBOR: ${what}: ${why}`, { cause: error })
}
