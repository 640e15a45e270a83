/**
 * A connection over a byte stream (a TCP, TLS or local socket): frames cut and put together, one write per turn of the event
 * loop, back-pressure both ways. tcp/ and ipc/ differ only in how they come by the socket.
 *
 * Always holds: `closed` is told exactly once, after the last frame, never from within a call of the owner; after `close` or
 * `destroy` no frame is delivered; a frame that stays incomplete for 10 s (slowloris, invariants §5.3) ends the connection.
 * Before: stream-listener.ts or a dial hands the socket over. After: the host's links.
 */
import type { Socket } from 'node:net'
import { ZooKeeperError } from '../lib/model/errors.js'
import { invariant } from '../lib/model/invariant.js'
import { FRAME_HEADER_BYTES, FrameDecoder, writeFrameHeader } from '../lib/transport/frame.js'
import {
  type Connection,
  type ConnectionHandlers,
  FIRST_FRAME_BYTES_MAX,
  FRAME_BYTES_MAX,
  SEND_BYTES_MAX,
} from '../lib/transport/transport.js'

/** Above this `send` answers false; at or below it `drained` is told. */
export const SEND_MARK_BYTES = 1024 * 1024
/** How long `close` waits for the other side to take what was sent. */
const LINGER_MS = 5_000
/** From a frame's first byte to its last. */
const FRAME_MS = 10_000
/** Parts from this size on are written as they are; smaller ones are copied together, which is cheaper than a longer writev. */
const OWN_WRITE_BYTES = 16 * 1024
const BLOCK_BYTES_MIN = 4 * 1024
const BLOCK_BYTES_MAX = 64 * 1024

export interface StreamLinkOptions {
  readonly remote: string
  /** Names the other side has proven (TLS); see `Connection.identity`. */
  readonly identity?: readonly string[] | undefined
  /** The socket is closed: the transport forgets this link. */
  onClosed(link: StreamLink): void
  /** The first frame has arrived. */
  onFirstFrame?(): void
}

export class StreamLink implements Connection {
  readonly remote: string
  readonly identity: readonly string[] | undefined
  readonly #socket: Socket
  readonly #options: StreamLinkOptions
  readonly #decoder = new FrameDecoder()
  #handlers: ConnectionHandlers | undefined

  // Receiving
  #paused = false
  #delivering = false
  #resuming: NodeJS.Immediate | undefined
  #frameTimer: NodeJS.Timeout | undefined

  // Sending: blocks are only ever appended to, so what a pending write still points at is never overwritten.
  #block = Buffer.alloc(0)
  #blockStart = 0
  #blockEnd = 0
  #blockBytesNext = BLOCK_BYTES_MIN
  readonly #slices: Uint8Array[] = []
  #unflushedBytes = 0
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

  constructor(socket: Socket, options: StreamLinkOptions) {
    this.#socket = socket
    this.#options = options
    this.remote = options.remote
    this.identity = options.identity
    socket.on('error', error => {
      this.#error ??= new ZooKeeperError('TRANSPORT_FAILED', `connection with ${this.remote}: ${error.message}`, {
        cause: error,
      })
    })
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
    return this.#unflushedBytes + this.#socket.writableLength
  }

  send(parts: readonly Uint8Array[]): boolean {
    if (this.#ending || this.#socketClosed) return true
    let length = 0
    for (let i = 0; i < parts.length; i++) length += parts[i]!.length
    invariant(length <= FRAME_BYTES_MAX, 'a frame is within FRAME_BYTES_MAX')
    if (!this.#sentFirst) {
      invariant(length <= FIRST_FRAME_BYTES_MAX, 'the first frame is within FIRST_FRAME_BYTES_MAX')
      this.#sentFirst = true
    }
    this.#reserve(FRAME_HEADER_BYTES)
    writeFrameHeader(this.#block, this.#blockEnd, length)
    this.#blockEnd += FRAME_HEADER_BYTES
    for (let i = 0; i < parts.length; i++) this.#take(parts[i]!)
    this.#unflushedBytes += FRAME_HEADER_BYTES + length
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

  #take(part: Uint8Array): void {
    if (part.length >= OWN_WRITE_BYTES) {
      this.#cutSlice()
      this.#slices.push(part)
      return
    }
    this.#reserve(part.length)
    this.#block.set(part, this.#blockEnd)
    this.#blockEnd += part.length
  }

  #reserve(bytes: number): void {
    if (this.#block.length - this.#blockEnd >= bytes) return
    this.#cutSlice()
    this.#block = Buffer.allocUnsafeSlow(Math.max(this.#blockBytesNext, bytes))
    this.#blockBytesNext = Math.min(this.#blockBytesNext * 2, BLOCK_BYTES_MAX)
    this.#blockStart = 0
    this.#blockEnd = 0
  }

  #cutSlice(): void {
    if (this.#blockEnd === this.#blockStart) return
    this.#slices.push(this.#block.subarray(this.#blockStart, this.#blockEnd))
    this.#blockStart = this.#blockEnd
  }

  readonly #flush = (): void => {
    clearImmediate(this.#flushing)
    this.#flushing = undefined
    this.#cutSlice()
    const slices = this.#slices
    const last = slices.length - 1
    if (last < 0) return
    const socket = this.#socket
    this.#unflushedBytes = 0
    if (last > 0) socket.cork()
    for (let i = 0; i < last; i++) socket.write(slices[i]!)
    socket.write(slices[last]!, this.#onWritten)
    if (last > 0) socket.uncork()
    slices.length = 0
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
        const first = decoder.completed === 0
        const frame = this.#nextFrame()
        if (frame === undefined) break
        if (first) {
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
    this.#frameTimer = setTimeout(() => {
      this.#frameTimer = undefined
      if (this.#ending || this.#socketClosed || !this.#decoder.midFrame) return
      if (this.#paused || this.#decoder.completed !== begun) this.#watchFrame()
      else this.#fail(new ZooKeeperError('PROTOCOL_ERROR', `a frame of ${this.remote} stays incomplete`))
    }, FRAME_MS)
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
    this.#slices.length = 0
    this.#unflushedBytes = 0
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
