/**
 * Chance as a port: the only file that asks the operating system for it. Session ids and passwords come from here, so it is the
 * cryptographic generator; small draws are served from a pool, since one call per draw would cost a system call each.
 *
 * After: the core draws through core/random.ts, links take their jitter from it.
 */
import { randomBytes } from 'node:crypto'
import type { Random } from '../core/random.js'

const POOL_BYTES = 4096

export function systemRandom(): Random {
  let pool: Buffer = Buffer.alloc(0)
  let offset = 0
  const take = (length: number): Uint8Array => {
    if (length > POOL_BYTES) return new Uint8Array(randomBytes(length))
    if (offset + length > pool.length) {
      pool = randomBytes(POOL_BYTES)
      offset = 0
    }
    const bytes = new Uint8Array(pool.subarray(offset, offset + length))
    // A secret leaves no copy behind in the pool.
    pool.fill(0, offset, offset + length)
    offset += length
    return bytes
  }
  return {
    uint32() {
      const bytes = take(4)
      return ((bytes[0]! << 24) | (bytes[1]! << 16) | (bytes[2]! << 8) | bytes[3]!) >>> 0
    },
    bytes: take,
  }
}
