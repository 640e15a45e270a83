/**
 * What a znode belongs to, in the 64 bits that ZooKeeper keeps as `ephemeralOwner`, written as a session id is: a session, or a mark that says
 * how a container or a TTL znode ends. Snapshots, txns and digests have the mark; a client sees no owner (semantics §3, §4).
 *
 * Always holds: no session has such an id. The top byte of a session id is a peer's, at most 254; and no peer makes the container's mark
 * (core/session/session-ids.ts).
 */
import type { Brand, SessionId } from './ids.js'

/** Of a container or a TTL znode. */
export type LifetimeMark = Brand<string, 'LifetimeMark'>
export type Owner = SessionId | LifetimeMark

export const CONTAINER_MARK = '8000000000000000' as LifetimeMark
/** Of ZooKeeper's 64 bits: the highest 8 are 0xFF, the next 16 say which feature (0: a TTL), the lowest 40 are its milliseconds. */
const EXTENDED = 'ff'
const TTL_PREFIX = `${EXTENDED}0000`
/** About 34.8 years. */
export const TTL_MAX_MS = 2 ** 40 - 1

export function isTtl(ttlMs: unknown): ttlMs is number {
  return typeof ttlMs === 'number' && Number.isInteger(ttlMs) && ttlMs >= 1 && ttlMs <= TTL_MAX_MS
}

/** @param ttlMs one that `isTtl` accepts. */
export function ttlMark(ttlMs: number): LifetimeMark {
  return (TTL_PREFIX + ttlMs.toString(16).padStart(10, '0')) as LifetimeMark
}

export function isMark(owner: Owner | undefined): owner is LifetimeMark {
  return owner !== undefined && (owner.startsWith(EXTENDED) || owner === CONTAINER_MARK)
}

/** The session that owns an ephemeral; undefined for every other znode. */
export function sessionOf(owner: Owner | undefined): SessionId | undefined {
  return owner === undefined || isMark(owner) ? undefined : owner
}

/** Of a mark that is not a container's. */
export function ttlOf(mark: LifetimeMark): number {
  return Number.parseInt(mark.slice(TTL_PREFIX.length), 16)
}
