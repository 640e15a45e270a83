/**
 * Looks over CBOR from anywhere before cbor-x may see it: one item, then nothing; integers of up to 64 bits, floats, byte and text strings,
 * arrays, maps with text keys, true, false, null, undefined. No tags (they would build regular expressions, dates, shared references, and
 * big integers in quadratic time), no indefinite lengths, no other simple values, valid UTF-8, bounded depth.
 *
 * One loop without recursion, linear in the bytes; every count is held against the bytes that remain, so what is decoded afterwards
 * takes memory in proportion. Long forms are let through: cbor-x itself writes small bigints so. Invariants §5.3.
 */
import { isUtf8 } from 'node:buffer'
import { ZooKeeperError } from '../model/errors.js'

/** cbor-x recurses; it stands ten times this. */
const CBOR_DEPTH_MAX = 64

/** Major types of RFC 8949. */
const UINT = 0
const NEGATIVE = 1
const BYTES = 2
const TEXT = 3
const ARRAY = 4
const MAP = 5
const SIMPLE = 7

const PROTO = Buffer.from('__proto__')

/** Throws CODEC_ERROR unless `bytes` is exactly one item of the kinds above. */
export function scanCbor(bytes: Buffer): void {
  /** Items still to come at each depth; within a map, an even number means that a key is next. */
  const left = [1]
  const inMap = [false]
  let depth = 0
  let at = 0
  while (depth >= 0) {
    if (left[depth] === 0) {
      depth--
      continue
    }
    const key = inMap[depth]! && left[depth]! % 2 === 0
    left[depth]!--
    if (at >= bytes.length) refuse('ends too early', at)
    const first = bytes[at]!
    const major = first >>> 5
    const info = first & 0x1f
    if (info > 27) refuse('indefinite or reserved length', at)
    const argumentBytes = info < 24 ? 0 : 1 << (info - 24)
    if (argumentBytes >= bytes.length - at) refuse('ends too early', at)
    const argument = argumentBytes === 0 ? info : bigEndian(bytes, at + 1, argumentBytes)
    if (key && major !== TEXT) refuse('a key that is not text', at)
    at += 1 + argumentBytes
    const remain = bytes.length - at
    switch (major) {
      case UINT:
        break
      case NEGATIVE:
        // −2⁶⁴, the only one that cbor-x reads and does not write.
        if (info === 27 && bytes.readInt32BE(at - 4) === -1 && bytes.readInt32BE(at - 8) === -1)
          refuse('an integer beyond 64 bits', at)
        break
      case BYTES:
      case TEXT:
        if (argument > remain) refuse('string longer than its input', at)
        if (major === TEXT) checkText(bytes, at, at + argument, key)
        at += argument
        break
      case ARRAY:
      case MAP: {
        const items = major === MAP ? 2 * argument : argument
        if (items > remain) refuse('more items than bytes', at)
        depth++
        if (depth > CBOR_DEPTH_MAX) refuse('nested too deep', at)
        left[depth] = items
        inMap[depth] = major === MAP
        break
      }
      case SIMPLE:
        // false true null undefined, and floats of 16, 32 and 64 bits
        if (info < 20 || info === 24) refuse('unknown simple value', at)
        break
      default:
        refuse('a tag (dates, maps of other keys, sets and the like: turn them into plain values first)', at)
    }
  }
  if (at !== bytes.length) refuse('bytes behind the value', at)
}

/** Exact up to 2⁵³; beyond that only compared with the bytes that remain. */
function bigEndian(bytes: Buffer, at: number, count: number): number {
  let value = 0
  for (let i = 0; i < count; i++) value = value * 0x100 + bytes[at + i]!
  return value
}

function checkText(bytes: Buffer, start: number, end: number, key: boolean): void {
  for (let i = start; i < end; i++) {
    if (bytes[i]! > 0x7f) {
      if (!isUtf8(bytes.subarray(start, end))) refuse('text is not UTF-8', start)
      break
    }
  }
  // cbor-x would rename it without a word
  if (key && end - start === PROTO.length && PROTO.equals(bytes.subarray(start, end))) refuse('a key __proto__', start)
}

function refuse(why: string, at: number): never {
  throw new ZooKeeperError('CODEC_ERROR', `CBOR: ${why} (byte ${at})`)
}
