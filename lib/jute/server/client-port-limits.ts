/** What a client port allows, resolved: no defaults are left to make. Each limit that is passed costs one connection, nobody else. */
import type { ConnectionTokenLimits } from './connection-tokens.js'
import type { LargeRequestLimits } from './large-requests.js'
import type { ThrottleLimits } from './request-throttle.js'

export interface ClientPortLimits extends ThrottleLimits, ConnectionTokenLimits, LargeRequestLimits {
  /** Connections from one address; 0 for any number (ZooKeeper's maxClientCnxns). */
  readonly connectionsPerAddressMax: number
  /** All connections; 0 for any number (maxCnxns). */
  readonly connectionsMax: number
  /** New connections, of all addresses and of one; also as many at once, after a second without any. 0 for any number. */
  readonly connectionsPerSecondMax: number
  readonly connectionsPerSecondPerAddressMax: number
  /** Connections that have no session yet; 0 for any number. */
  readonly sessionlessMax: number
  /** A connection that has no session by then is closed (nio.sessionlessCnxnTimeout). */
  readonly sessionlessTimeoutMs: number
  /** A frame that has begun is complete by then. */
  readonly frameTimeoutMs: number
  /** Bytes of a request (jute.maxbuffer). */
  readonly frameBytesMax: number
  /** Announced bytes of all frames that have begun and are not complete; past it the oldest of them goes. */
  readonly partialBytesMax: number
  /** Requests of all connections without an answer; past it, who has one is not read from (globalOutstandingLimit). */
  readonly outstandingMax: number
  /** Requests of one connection without an answer; past it, it is not read from. */
  readonly connectionOutstandingMax: number
  /** A request that the throttle has kept longer is answered THROTTLED_OP, and has no effect; 0 for never (throttled_op_wait_time). */
  readonly throttledOpWaitMs: number
  /** Unsent bytes of one connection past which it is not read from, and past which it is closed. */
  readonly outQueueBytesPause: number
  readonly outQueueBytesMax: number
}

/** The first frame of a connection asks for a session; it is small. */
export const FIRST_FRAME_BYTES_MAX = 8 * 1024
