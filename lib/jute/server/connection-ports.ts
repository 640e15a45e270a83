/** What a connection needs of the port that has accepted it. Made by client-port.ts, used by client-connection.ts. */
import type { Channel } from '../../client/channel.js'
import type { Refusal } from './admission.js'
import type { AskedPorts } from './asked-requests.js'
import type { ClientConnection } from './client-connection.js'
import type { ClientPortLimits } from './client-port-limits.js'
import type { ConnectionTokens } from './connection-tokens.js'
import type { Traffic } from './traffic.js'

export interface ConnectionPorts extends AskedPorts {
  readonly limits: ClientPortLimits
  readonly tokens: ConnectionTokens
  readonly traffic: Traffic
  readonly channel: Channel
  /** Whether new sessions are known to this peer only. */
  readonly localSessions: boolean
  /** Whether anybody is served here now. */
  serves(): boolean
  /** Whether the peer has no leader, and gives reads to those who ask for that. */
  readOnly(): boolean
  /** The answer to a four-letter word; undefined if these are no word. */
  word(word: string): string | Promise<string> | undefined
  /** It is closed, for this reason. */
  refused(why: Refusal): void
  /** It has a session. */
  welcomed(connection: ClientConnection): void
  /** Nothing of it is left. */
  closed(connection: ClientConnection): void
}
