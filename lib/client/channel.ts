/**
 * The one narrow door between an application and a replica: an embedded peer (host/local-channel.ts) or a remote ZooKeeper
 * (jute/client). Client code knows nothing else of what is behind it.
 *
 * Who a client is belongs to the attachment. It begins with what the door knows (an address, or what the application says of a client of its own), and
 * grows by requests `auth`: in their place among the others, so that a request behind one is judged with it. Accepted, one is answered `done`, in its turn; refused,
 * `failed` says AUTH_FAILED at once and the attachment ends with AUTH_FAILED. The session keeps none of it: whoever attaches again sends its `auth`s again, before its
 * watches and everything else. The bytes of `auth` are overwritten by whoever verifies them. On ZooKeeper's wire: packet 100, xid −4.
 *
 * All calls of the receiver come from one FIFO per attachment, each in a microtask of its own, so an awaited answer is seen
 * before a later event. Nothing is called after `detached`.
 */
import type { ErrorCode, Outcome } from '../model/errors.js'
import type { SessionId } from '../model/ids.js'
import type { ClientRequest } from '../model/request.js'
import type { Response } from '../model/response.js'
import type { WatchEvent } from '../model/watch-event.js'
import type { Zxid } from '../model/zxid.js'

export interface ChannelReceiver {
  attached(session: {
    readonly session: SessionId
    readonly password: Uint8Array
    readonly timeoutMs: number
    /** There is no leader: reads only, until the attachment ends because there is one again. */
    readonly readOnly?: boolean | undefined
  }): void
  /** Answers come in the order of the requests. */
  reply(cxid: number, zxid: Zxid, response: Response): void
  /** No answer will come for this request. */
  failed(cxid: number, code: ErrorCode, outcome: Outcome): void
  event(event: WatchEvent): void
  /** Whether the replica behind the channel is part of a working ensemble right now. While false, answers may be stale or wait. */
  serving(serving: boolean): void
  /**
   * The attachment has ended; what was not answered is over (outcome unknown if it was forwarded). SESSION_EXPIRED, AUTH_FAILED and CLOSED are final,
   * after CONNECTION_LOSS the client attaches again with its session and tells its watches.
   */
  detached(code: ErrorCode): void
}

export interface AttachOptions {
  readonly timeoutMs: number
  readonly resume: { readonly session: SessionId; readonly password: Uint8Array } | undefined
  readonly lastZxidSeen: Zxid
  /** Reads alone will do, if the peer has no leader and gives them then (`readOnlyModeEnabled`). @default false */
  readonly readOnly?: boolean | undefined
}

export interface ChannelAttachment {
  /** `cxid` counts up from 1 per attachment. The request and its bytes must not be changed afterwards (`auth` loses its bytes). */
  send(cxid: number, request: ClientRequest): void
  /** Leaves without closing the session. Idempotent; no call of the receiver follows. */
  detach(): void
}

export interface Channel {
  attach(options: AttachOptions, receiver: ChannelReceiver): ChannelAttachment
  /** Upper bound of a znode's data in bytes. */
  readonly dataBytesMax: number
  /** Virtual or real time for the client's timeouts. */
  readonly clock: ClientClock
}

/** The client's only source of time: the host's clock, or virtual time in tests. */
export interface ClientClock {
  /** Monotonic milliseconds. */
  now(): number
  /** Calls back once; returns how to cancel it. */
  schedule(afterMs: number, callback: () => void): () => void
  /** For a clock that stands still unless somebody waits: told when the application begins to; what it returns, when that is over. */
  waiting?(): () => void
}
