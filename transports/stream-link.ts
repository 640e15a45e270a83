/**
 * A connection over a byte stream (a TCP, TLS or local socket): frames cut and put together, one write per turn of the event
 * loop, back-pressure both ways. tcp/ and ipc/ differ only in how they come by the socket.
 *
 * Always holds: `closed` is told exactly once, after the last frame, never from within a call of the owner; after `close` or
 * `destroy` no frame is delivered; a frame that stays incomplete for 10 s (slowloris, invariants §5.3) ends the connection.
 * Before: stream-sockets.ts, which listens and dials, hands the socket over. After: the host's links.
 */
import type { Duplex } from 'node:stream'
import { ZooKeeperError } from '../lib/model/errors.js'
import { invariant } from '../lib/model/invariant.js'
import { FrameDecoder } from '../lib/transport/frame.js'
import {
  type Connection,
  type ConnectionHandlers,
  FIRST_FRAME_BYTES_MAX,
  FRAME_BYTES_MAX,
  SEND_BYTES_MAX,
} from '../lib/transport/transport.js'
import { WriteBatch } from './write-batch.js'

/** Above this `send` answers false; at or below it `drained` is told. */
export const SEND_MARK_BYTES = 1024 * 1024
/** How long `close` waits for the other side to take what was sent. */
const LINGER_MS = 5_000
const FRAME_MS = 10_000

export interface StreamLinkOptions {
  readonly remote: string
  /** Names the other side has proven (TLS); see `Connection.identity`. */
  readonly identity?: readonly string[] | undefined
  /** From a frame's first byte to its last. @default 10000 */
  readonly frameMs?: number
  /** How many frames of the other side stay within FIRST_FRAME_BYTES_MAX, as long as nobody knows who it is. @default 1 */
  readonly greetingFrames?: number
  /** What an owner that wraps frames may add to each, above the limits. @default 0 */
  readonly overheadBytes?: number
  /** The socket is closed: the transport forgets this link. */
  onClosed(link: StreamLink): void
  /** The last of the greeting frames has arrived. */
  onFirstFrame?(): void
}

export class StreamLink implements Connection {
  readonly remote: string
  readonly identity: readonly string[] | undefined
  readonly #socket: Duplex
  readonly #options: StreamLinkOptions
  readonly #decoder: FrameDecoder
  readonly #greetingFrames: number
  readonly #overheadBytes: number
  #handlers: ConnectionHandlers | undefined

  // Receiving
  #paused = false
  #delivering = false
  #resuming: NodeJS.Immediate | undefined
  #frameTimer: NodeJS.Timeout | undefined
  /** Paused at some time since the timer was set: then it was this side that was slow. */
  #pausedWithin = false

  // Sending
  readonly #batch = new WriteBatch()
  #flushing: NodeJS.Immediate | undefined
  #wanted = false
  #sentFirst = false

  // Ending
  #ending = false
  #failed = false
  #linger: NodeJS.Timeout | undefined
  #error: Error | undefined
  #socketClosed = false
  #told = false

  constructor(socket: Duplex, options: StreamLinkOptions) {
    this.#socket = socket
    this.#options = options
    this.remote = options.remote
    this.identity = options.identity
    const { greetingFrames = 1, overheadBytes = 0 } = options
    this.#greetingFrames = greetingFrames
    this.#overheadBytes = overheadBytes
    this.#decoder = new FrameDecoder({
      firstFrameBytesMax: FIRST_FRAME_BYTES_MAX + overheadBytes,
      frameBytesMax: FRAME_BYTES_MAX + overheadBytes,
    })
    socket.on('error', error => {
      this.#error ??= new ZooKeeperError('TRANSPORT_FAILED', `connection with ${this.remote}: ${error.message}`, {
        cause: error,
      })
    })
    // Not every stream does so by itself (those of an HTTP server do not): no half-open connections here.
    socket.once('end', () => socket.end())
    socket.once('close', this.#onSocketClosed)
  }

  start(handlers: ConnectionHandlers): void {
    invariant(this.#handlers === undefined, 'a connection is started once')
    this.#handlers = handlers
    if (this.#socketClosed) setImmediate(this.#tellClosed)
    else this.#socket.on('data', this.#onData)
  }

  // --- sending

  get bufferedBytes(): number {
    return this.#batch.bytes + this.#socket.writableLength
  }

  send(parts: readonly Uint8Array[]): boolean {
    if (this.#ending || this.#socketClosed) return true
    let length = 0
    for (let i = 0; i < parts.length; i++) length += parts[i]!.length
    invariant(length <= FRAME_BYTES_MAX + this.#overheadBytes, 'a frame is within FRAME_BYTES_MAX')
    if (!this.#sentFirst) {
      invariant(
        length <= FIRST_FRAME_BYTES_MAX + this.#overheadBytes,
        'the first frame is within FIRST_FRAME_BYTES_MAX',
      )
      this.#sentFirst = true
    }
    this.#batch.add(parts, length)
    this.#flushing ??= setImmediate(this.#flush)
    const buffered = this.bufferedBytes
    if (buffered <= SEND_MARK_BYTES) return true
    if (buffered > SEND_BYTES_MAX) {
      this.#fail(new ZooKeeperError('OVERLOADED', `${this.remote} does not read: ${buffered} bytes wait to be sent`))
      return false
    }
    this.#wanted = true
    return false
  }

  readonly #flush = (): void => {
    clearImmediate(this.#flushing)
    this.#flushing = undefined
    const slices = this.#batch.take()
    const last = slices.length - 1
    const socket = this.#socket
    if (last < 0 || !socket.writable) return // the other side has ended meanwhile: nobody is there to send to
    if (last > 0) socket.cork()
    for (let i = 0; i < last; i++) socket.write(slices[i]!)
    socket.write(slices[last]!, this.#onWritten)
    if (last > 0) socket.uncork()
  }

  /** Errors arrive by 'error' and 'close' too, so here only room matters. */
  readonly #onWritten = (): void => {
    if (!this.#wanted || this.#ending || this.#socketClosed || this.bufferedBytes > SEND_MARK_BYTES) return
    this.#wanted = false
    this.#handlers?.drained()
  }

  // --- receiving

  pause(): void {
    if (this.#paused) return
    this.#paused = true
    this.#pausedWithin = true
    this.#socket.pause()
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    if (this.#delivering) return
    // Not at once: a caller does not expect frames from within its own call.
    this.#resuming ??= setImmediate(() => {
      this.#resuming = undefined
      this.#deliver()
    })
  }

  readonly #onData = (chunk: Uint8Array): void => {
    if (this.#ending) return
    this.#decoder.push(chunk)
    this.#deliver()
  }

  #deliver(): void {
    const handlers = this.#handlers
    if (handlers === undefined || this.#delivering) return
    const decoder = this.#decoder
    this.#delivering = true
    try {
      while (!this.#paused && !this.#ending) {
        const frame = this.#nextFrame()
        if (frame === undefined) break
        if (decoder.completed === this.#greetingFrames) {
          decoder.established()
          this.#options.onFirstFrame?.()
        }
        handlers.frame(frame)
      }
    } finally {
      this.#delivering = false
    }
    if (this.#paused || this.#ending) return
    if (this.#socketClosed) this.#tellClosed()
    else {
      if (decoder.midFrame) this.#watchFrame()
      if (this.#socket.isPaused()) this.#socket.resume()
    }
  }

  #nextFrame(): Uint8Array | undefined {
    try {
      return this.#decoder.next()
    } catch (error) {
      this.#fail(error as Error)
      return undefined
    }
  }

  /** One timer at a time, and none while frames come whole. */
  #watchFrame(): void {
    if (this.#frameTimer !== undefined) return
    const begun = this.#decoder.completed
    this.#pausedWithin = this.#paused
    this.#frameTimer = setTimeout(() => {
      this.#frameTimer = undefined
      if (this.#ending || this.#socketClosed || !this.#decoder.midFrame) return
      if (this.#pausedWithin || this.#decoder.completed !== begun) this.#watchFrame()
      else this.#fail(new ZooKeeperError('PROTOCOL_ERROR', `a frame of ${this.remote} stays incomplete`))
    }, this.#options.frameMs ?? FRAME_MS)
    this.#frameTimer.unref()
  }

  // --- ending

  close(): void {
    if (this.#ending) return
    this.#ending = true
    if (this.#socketClosed) {
      setImmediate(this.#tellClosed)
      return
    }
    this.#flush()
    this.#socket.end()
    // Go on reading, to no use but to see the other side's end: a socket closed with unread bytes resets what was sent.
    this.#socket.resume()
    this.#linger = setTimeout(() => this.#socket.destroy(), LINGER_MS)
    this.#linger.unref()
  }

  destroy(): void {
    if (!this.#ending && this.#socketClosed) setImmediate(this.#tellClosed)
    this.#ending = true
    clearImmediate(this.#flushing)
    this.#flushing = undefined
    this.#batch.take()
    this.#socket.destroy()
  }

  /** Ends the connection from this side for a cause that is not the owner's wish. */
  #fail(error: Error): void {
    this.#error ??= error
    if (this.#ending || this.#socketClosed) return
    this.#failed = true
    this.destroy()
  }

  readonly #onSocketClosed = (): void => {
    this.#socketClosed = true
    clearTimeout(this.#linger)
    clearTimeout(this.#frameTimer)
    clearImmediate(this.#flushing)
    // Frames that came before the end and wait behind a pause are still owed to the owner.
    if (this.#ending || !(this.#paused || this.#resuming !== undefined)) this.#tellClosed()
  }

  readonly #tellClosed = (): void => {
    this.#options.onClosed(this)
    if (this.#told || this.#handlers === undefined) return
    this.#told = true
    clearImmediate(this.#resuming)
    const own = this.#ending && !this.#failed
    const error = this.#error ?? new ZooKeeperError('TRANSPORT_FAILED', `${this.remote} closed the connection`)
    this.#handlers.closed(own ? undefined : error)
  }
}
