/**
 * What a peer needs of a network: ordered frames between two addresses. Implementations live in transports/; how to write one's
 * own is told in transports/README.md. test/compliance/transport.ts holds all of them to this page.
 *
 * - A connection is ordered and complete until it closes, and silent afterwards: a suffix may be lost, never a middle.
 * - Nothing here throws for what a network can do: a failed dial rejects, a failed connection closes.
 */
export interface Transport {
  /** Starts accepting at the address this transport was made for. Rejects with PORT_IN_USE, BAD_OPTIONS or TRANSPORT_FAILED. */
  listen(accept: (connection: Connection) => void): Promise<void>
  /** The address others can dial, once listening, e.g. `tcp://127.0.0.1:2888`. */
  readonly address: string
  /** Whether `dial` understands such an address; a member list with another is refused at the door. */
  understands(address: string): boolean
  /**
   * One attempt; names are resolved anew each time. Rejects with TRANSPORT_FAILED, HANDSHAKE_REFUSED where the two sides do not trust each
   * other, or ABORTED by the signal.
   */
  dial(address: string, options: { readonly signal: AbortSignal }): Promise<Connection>
  /** Stops accepting and closes every connection of this transport. Idempotent; afterwards no timer or handle is left. */
  close(): Promise<void>
}

export interface ConnectionHandlers {
  /** One whole frame. The bytes may be a view onto a buffer that is reused after the call: copy what is kept. */
  frame(bytes: Uint8Array): void
  /** Exactly once, after the last frame. `error` says why unless this side closed. */
  closed(error: Error | undefined): void
  /** The send buffer has fallen below its mark after `send` returned false. */
  drained(): void
}

export interface Connection {
  /** For logs, e.g. `127.0.0.1:50412`. */
  readonly remote: string
  /**
   * The names that the other side has proven, e.g. the subject alternative names of its certificate. Undefined where the transport
   * does not authenticate; the host compares it with the address of the member that the other side says it is.
   */
  readonly identity?: readonly string[] | undefined
  /** Must be called in the same turn in which the connection was handed out; frames are kept until then. */
  start(handlers: ConnectionHandlers): void
  /**
   * Takes a frame (without its length prefix) given as parts that are sent back to back; the bytes belong to the transport until
   * they are on their way. What is sent in one turn of the event loop leaves as one write. Returns false when the caller had better
   * wait for `drained`. A frame over the limit is a programmer error. After close: ignored.
   */
  send(parts: readonly Uint8Array[]): boolean
  /** Bytes taken by `send` and not yet handed to the operating system. */
  readonly bufferedBytes: number
  /** Back-pressure: no further frame is delivered after the current one until `resume`. */
  pause(): void
  resume(): void
  /** What was sent before still leaves. Idempotent. */
  close(): void
  /** At once; unsent frames are dropped. */
  destroy(): void
}

/** Bounds that hold for every transport. */
export const FRAME_BYTES_MAX = 4 * 1024 * 1024
/** The first frame of a connection, before its sender is known. */
export const FIRST_FRAME_BYTES_MAX = 4 * 1024
/**
 * What may wait to be sent on one connection. Owners keep bounds of their own below this; whoever sends on regardless of `false` loses
 * the connection with OVERLOADED here, before the process loses its memory.
 */
export const SEND_BYTES_MAX = 128 * 1024 * 1024
