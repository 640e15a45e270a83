/**
 * A state digest: the sum mod 2⁶⁴ of one checksum per part (znode, session), so it does not depend on order and is kept up to
 * date by adding and subtracting. Two uint32, like a zxid. What is summed is said in core/tree/digest.ts.
 */
import type { Zxid } from './zxid.js'

export interface Digest {
  readonly high: number
  readonly low: number
}

/** The digest of a whole state behind the txn `zxid`: what replicas compare (Z31). */
export interface StateMark {
  readonly zxid: Zxid
  readonly digest: Digest
}

export const EMPTY_DIGEST: Digest = Object.freeze({ high: 0, low: 0 })

export function sameDigest(a: Digest, b: Digest): boolean {
  return a.low === b.low && a.high === b.high
}

/** `part` is a uint32. */
export function addToDigest(digest: Digest, part: number): Digest {
  const low = digest.low + part
  return low > 0xffffffff ? { high: (digest.high + 1) >>> 0, low: low >>> 0 } : { high: digest.high, low }
}

export function subtractFromDigest(digest: Digest, part: number): Digest {
  const low = digest.low - part
  return low < 0 ? { high: (digest.high - 1) >>> 0, low: low >>> 0 } : { high: digest.high, low }
}

/** Digests of disjoint parts make the digest of the whole. */
export function addDigests(a: Digest, b: Digest): Digest {
  const sum = addToDigest(a, b.low)
  return { high: (sum.high + b.high) >>> 0, low: sum.low }
}

export function formatDigest(digest: Digest): string {
  return digest.high.toString(16).padStart(8, '0') + digest.low.toString(16).padStart(8, '0')
}
