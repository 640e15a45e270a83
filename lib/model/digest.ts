/**
 * A state digest: the sum mod 2⁶⁴ of one checksum per part (znode, session), so it does not depend on order and is kept up to
 * date by adding and subtracting. Two uint32, like a zxid. What is summed is said in core/tree/digest.ts.
 */
import type { Zxid } from './zxid.js'

export interface Digest {
  readonly high: number
  readonly low: number
}

/** The digest of a whole state, in two sums: what every release has counted, and beside it what came later. */
export interface StateDigest extends Digest {
  /** Of the znodes below `/zookeeper/`. Earlier releases say nothing of them (checkpoints before version 3, peers before protocol 3). */
  readonly system?: Digest
}

/** The digest of a whole state behind the txn `zxid`: what replicas compare (Z31). */
export interface StateMark {
  readonly zxid: Zxid
  readonly digest: StateDigest
}

export const EMPTY_DIGEST: Digest = Object.freeze({ high: 0, low: 0 })

/** In all that both of them say. */
export function sameDigest(a: StateDigest, b: StateDigest): boolean {
  if (a.low !== b.low || a.high !== b.high) return false
  return a.system === undefined || b.system === undefined || sameDigest(a.system, b.system)
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

/** All of it as one number. */
export function sumOfDigest(digest: StateDigest): Digest {
  return digest.system === undefined ? digest : addDigests(digest, digest.system)
}

export function formatDigest(digest: StateDigest): string {
  const { high, low } = sumOfDigest(digest)
  return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0')
}
