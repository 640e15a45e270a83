/**
 * Frames on a byte stream: four bytes of length, big-endian and signed as in ZooKeeper's own protocol, then that many bytes.
 *
 * Always holds: a length is judged before a byte is allocated for it, and what is allocated follows what has come, not what was announced; at most one incomplete frame is kept; a frame that lies
 * whole within one chunk is handed out as a view onto that chunk. Until `established()` the smaller first-frame limit holds, so
 * a stranger can make a peer keep a few kilobytes, not megabytes.
 * Before: the socket (transports/stream-link.ts, jute). After: the handshake, then the message codec. Invariants §5.3, E8.
 */
import { ZooKeeperError } from '../model/errors.js'
import { FIRST_FRAME_BYTES_MAX, FRAME_BYTES_MAX } from './transport.js'

export const FRAME_HEADER_BYTES = 4

/** The four bytes that precede a frame of `length` bytes. */
export function frameHeader(length: number): Uint8Array {
  const header = new Uint8Array(FRAME_HEADER_BYTES)
  writeFrameHeader(header, 0, length)
  return header
}

/** The same, into a buffer that is already there. */
export function writeFrameHeader(target: Uint8Array, offset: number, length: number): void {
  target[offset] = length >>> 24
  target[offset + 1] = length >>> 16
  target[offset + 2] = length >>> 8
  target[offset + 3] = length
}

export interface FrameLimits {
  /** @default FIRST_FRAME_BYTES_MAX (4 KiB); holds until `established()` */
  readonly firstFrameBytesMax?: number
  /** @default FRAME_BYTES_MAX (4 MiB) */
  readonly frameBytesMax?: number
}

/**
 * Give it a chunk with `push`, then take frames with `next` until it answers undefined; only then push again. (Taking, not
 * calling back, because a reader may pause in the middle of a chunk.) `next` throws PROTOCOL_ERROR for a length that is negative
 * or above the limit; the decoder is of no further use then, nor is its connection.
 *
 * @example
 * decoder.push(chunk)
 * for (let frame = decoder.next(); frame !== undefined; frame = decoder.next()) handle(frame)
 */
export class FrameDecoder {
  readonly #frameBytesMax: number
  #limit: number
  #chunk: Uint8Array = EMPTY
  #offset = 0
  /** The header being put together when it is spread over chunks. */
  #headerBytes = 0
  /** Four shifts by eight bits push out what an earlier header left. */
  #header = 0
  /** The frame being put together when it is spread over chunks. */
  #partial: Uint8Array | undefined
  #partialLength = 0
  #partialBytes = 0
  #completed = 0

  constructor(limits: FrameLimits = {}) {
    this.#frameBytesMax = limits.frameBytesMax ?? FRAME_BYTES_MAX
    this.#limit = Math.min(limits.firstFrameBytesMax ?? FIRST_FRAME_BYTES_MAX, this.#frameBytesMax)
  }

  /** From now on frames may be as long as `frameBytesMax`. */
  established(): void {
    this.#limit = this.#frameBytesMax
  }

  /** The chunk belongs to the decoder until `next` answers undefined. Bytes of an earlier chunk not yet taken come first. */
  push(chunk: Uint8Array): void {
    if (this.#offset < this.#chunk.length) {
      chunk = concatenate(this.#chunk.subarray(this.#offset), chunk)
    }
    this.#chunk = chunk
    this.#offset = 0
  }

  /** The next whole frame: a view that is good until the next `push`. */
  next(): Uint8Array | undefined {
    if (this.#partial !== undefined) return this.#fill(this.#partial)
    const length = this.#readLength()
    if (length === undefined) return undefined
    if (length < 0 || length > this.#limit) {
      throw new ZooKeeperError('PROTOCOL_ERROR', `a frame of ${length} bytes; the limit here is ${this.#limit}`)
    }
    const end = this.#offset + length
    if (end <= this.#chunk.length) {
      const frame = this.#chunk.subarray(this.#offset, end)
      this.#offset = end
      this.#completed++
      return frame
    }
    const here = this.#chunk.length - this.#offset
    this.#partial = new Uint8Array(Math.min(length, Math.max(4 * here, PARTIAL_BYTES_FIRST)))
    this.#partialLength = length
    this.#partialBytes = 0
    return this.#fill(this.#partial)
  }

  /** Whether a frame has begun and is not complete with the bytes seen. Meaningful once `next` has answered undefined. */
  get midFrame(): boolean {
    return this.#partial !== undefined || this.#headerBytes > 0
  }

  /** What the frame that has begun and is not complete was announced to take; less than its length while that is unknown. */
  get partialBytes(): number {
    return this.#partial === undefined ? this.#headerBytes : this.#partialLength
  }

  /** How many frames were handed out: tells one incomplete frame from the next. */
  get completed(): number {
    return this.#completed
  }

  #fill(partial: Uint8Array): Uint8Array | undefined {
    const length = this.#partialLength
    const taken = Math.min(length - this.#partialBytes, this.#chunk.length - this.#offset)
    const filled = this.#partialBytes + taken
    const grown =
      filled <= partial.length ? partial : enlarged(partial, Math.min(length, Math.max(filled, 2 * partial.length)))
    grown.set(this.#chunk.subarray(this.#offset, this.#offset + taken), this.#partialBytes)
    this.#offset += taken
    this.#partialBytes = filled
    this.#partial = filled < length ? grown : undefined
    if (filled < length) return this.#exhausted()
    this.#completed++
    return grown
  }

  #readLength(): number | undefined {
    const chunk = this.#chunk
    const offset = this.#offset
    if (this.#headerBytes === 0 && chunk.length - offset >= FRAME_HEADER_BYTES) {
      this.#offset = offset + FRAME_HEADER_BYTES
      return (chunk[offset]! << 24) | (chunk[offset + 1]! << 16) | (chunk[offset + 2]! << 8) | chunk[offset + 3]!
    }
    while (this.#headerBytes < FRAME_HEADER_BYTES) {
      if (this.#offset === chunk.length) return this.#exhausted()
      this.#header = (this.#header << 8) | chunk[this.#offset++]!
      this.#headerBytes++
    }
    this.#headerBytes = 0
    return this.#header
  }

  /** Lets go of the chunk, so that a quiet connection does not keep it alive. */
  #exhausted(): undefined {
    this.#chunk = EMPTY
    this.#offset = 0
    return undefined
  }
}

const EMPTY = new Uint8Array(0)
/** What is set aside for a frame that has only been announced; it grows with what comes, and is at most four times that. */
const PARTIAL_BYTES_FIRST = 4 * 1024

function enlarged(bytes: Uint8Array, length: number): Uint8Array {
  const larger = new Uint8Array(length)
  larger.set(bytes)
  return larger
}

function concatenate(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length)
  both.set(first)
  both.set(second, first.length)
  return both
}
