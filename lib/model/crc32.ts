/**
 * CRC-32 (IEEE 802.3, as in zip and in ZooKeeper's digests) in steps: a state is a signed 32-bit integer, so that V8 keeps it
 * unboxed. Begin with `CRC_START`, mix bytes in, and end with `crcValue`. Four table look-ups for four bytes (slicing by 4).
 * Used by core/tree/digest.ts, and by codec/tree-codec.ts, which has the bytes of a znode in hand when a tree is loaded.
 */
export const CRC_START = -1

const tables = makeTables()
const T0 = tables.subarray(0, 256)
const T1 = tables.subarray(256, 512)
const T2 = tables.subarray(512, 768)
const T3 = tables.subarray(768, 1024)

function crcByte(state: number, byte: number): number {
  return T0[(state ^ byte) & 0xff]! ^ (state >>> 8)
}

/** The bytes from `start` up to `end`. */
export function crcBytes(state: number, bytes: Uint8Array, start = 0, end = bytes.length): number {
  let crc = state
  let at = start
  for (; at + 3 < end; at += 4) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    crc = T3[crc & 0xff]! ^ T2[(crc >>> 8) & 0xff]! ^ T1[(crc >>> 16) & 0xff]! ^ T0[crc >>> 24]!
  }
  for (; at < end; at += 1) crc = T0[(crc ^ bytes[at]!) & 0xff]! ^ (crc >>> 8)
  return crc
}

/** A string of which each unit is one byte. */
export function crcLatin1(state: number, text: string): number {
  let crc = state
  let at = 0
  const end = text.length
  for (; at + 3 < end; at += 4) {
    crc ^=
      text.charCodeAt(at) |
      (text.charCodeAt(at + 1) << 8) |
      (text.charCodeAt(at + 2) << 16) |
      (text.charCodeAt(at + 3) << 24)
    crc = T3[crc & 0xff]! ^ T2[(crc >>> 8) & 0xff]! ^ T1[(crc >>> 16) & 0xff]! ^ T0[crc >>> 24]!
  }
  for (; at < end; at += 1) crc = T0[(crc ^ text.charCodeAt(at)) & 0xff]! ^ (crc >>> 8)
  return crc
}

/** The low 32 bits of `value`, big-endian. */
export function crcInt32(state: number, value: number): number {
  const crc = state ^ ((value << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24))
  return T3[crc & 0xff]! ^ T2[(crc >>> 8) & 0xff]! ^ T1[(crc >>> 16) & 0xff]! ^ T0[crc >>> 24]!
}

/** UTF-8. Lone surrogates do not occur in paths; elsewhere they are mixed in as three bytes each. */
export function crcText(state: number, text: string): number {
  let crc = state
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at)
    if (unit < 0x80) {
      crc = crcByte(crc, unit)
    } else if (unit < 0x800) {
      crc = crcByte(crcByte(crc, 0xc0 | (unit >>> 6)), 0x80 | (unit & 0x3f))
    } else {
      crc = crcByte(crcByte(crc, 0xe0 | (unit >>> 12)), 0x80 | ((unit >>> 6) & 0x3f))
      crc = crcByte(crc, 0x80 | (unit & 0x3f))
    }
  }
  return crc
}

/** With which the checksum of a znode begins: that of its path, the root's being empty (core/tree/digest.ts). */
export function pathState(path: string): number {
  return path === '/' ? CRC_START : crcText(CRC_START, path)
}

/** The uint32 that everyone else calls the CRC-32. */
export function crcValue(state: number): number {
  return ~state >>> 0
}

function makeTables(): Int32Array {
  const made = new Int32Array(1024)
  for (let byte = 0; byte < 256; byte += 1) {
    let crc = byte
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
    made[byte] = crc
  }
  for (let at = 256; at < 1024; at += 1) {
    const before = made[at - 256]!
    made[at] = made[before & 0xff]! ^ (before >>> 8)
  }
  return made
}
