/** How a session ends: asked for by its owner, or by one of a few codes that are final. Used by session.ts. */
import { type ErrorCode, ZooKeeperError } from '../model/errors.js'

/** Ends of a session that nobody asked for, and why. */
const ends = {
  SESSION_EXPIRED: 'the session has expired',
  AUTH_FAILED: 'the client was not accepted as who it said it is',
  SESSION_CLOSED_REQUIRE_SASL_AUTH: 'the client must authenticate before it asks for anything',
} as const
export type FinalCode = keyof typeof ends

export function isFinal(code: ErrorCode): code is FinalCode {
  return Object.hasOwn(ends, code)
}

export function whyEnded(code: ErrorCode): string {
  return isFinal(code) ? ends[code] : 'the client is closed'
}

/** A new error each time: it tells where it was met. */
export function endedBy(code: ErrorCode): ZooKeeperError {
  return new ZooKeeperError(isFinal(code) ? code : 'CLOSED', whyEnded(code))
}
