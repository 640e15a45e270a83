/**
 * One session record as a uint32, for the state digest: equal records give equal numbers on every replica, and a record that is
 * missing, stale or changed in any field shows in the sum. FNV-1a over the fields, then the finalizer of MurmurHash3, so that
 * near-equal records differ in all bits and a sum of many does not cancel out.
 *
 * Digests are stored with checkpoints and compared between peers: a change here is a change of format.
 */
import type { SessionRecord } from '../../model/session-record.js'

const FNV_PRIME = 0x01000193
/** Not FNV's usual start: a znode checksum of equal bytes must not equal a session's. */
const SESSION_SEED = 0x5e551041

export function sessionChecksum(record: SessionRecord): number {
  let hash = SESSION_SEED
  for (let i = 0; i < record.session.length; i += 1) hash = mix(hash, record.session.charCodeAt(i))
  for (let shift = 0; shift < 32; shift += 8) hash = mix(hash, (record.timeoutMs >>> shift) & 0xff)
  for (const byte of record.password) hash = mix(hash, byte)
  return finish(hash ^ record.password.length)
}

function mix(hash: number, byte: number): number {
  return Math.imul(hash ^ byte, FNV_PRIME)
}

function finish(hash: number): number {
  let h = hash
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
