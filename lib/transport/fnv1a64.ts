/**
 * FNV-1a with 64 bits: a plain hash to tell lists apart that differ by mistake. Not for secrets: anybody can make two inputs meet.
 * Source: the published constants of Fowler, Noll and Vo.
 */
const OFFSET_BASIS = 0xcbf29ce484222325n
const PRIME = 0x100000001b3n

/** 16 lowercase hexadecimal digits. Bigints: it runs once per list of members, not per message. */
export function fnv1a64(bytes: Uint8Array): string {
  let hash = OFFSET_BASIS
  for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * PRIME)
  return hash.toString(16).padStart(16, '0')
}
