import type { SessionId } from './ids.js'

/** What every replica knows of a session. The password is a secret: it is never logged or printed. */
export interface SessionRecord {
  readonly session: SessionId
  readonly timeoutMs: number
  readonly password: Uint8Array
}
