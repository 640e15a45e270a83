/**
 * What one turn of the event loop wants to send, gathered into as few buffers as it pays: small parts are copied together,
 * large ones are kept as they are.
 *
 * Always holds: a block is only ever appended to, so what an earlier write still points at is never overwritten.
 * Before: StreamLink.send. After: StreamLink's flush, once a turn.
 */
import { FRAME_HEADER_BYTES, writeFrameHeader } from '../lib/transport/frame.js'

/** Parts from this size on are written as they are; smaller ones are copied, which is cheaper than a longer writev. */
const OWN_WRITE_BYTES = 16 * 1024
/** Blocks begin small, for the many connections that say little, and double as they fill up. */
const BLOCK_BYTES_MIN = 4 * 1024
const BLOCK_BYTES_MAX = 64 * 1024

export class WriteBatch {
  #block = Buffer.alloc(0)
  #start = 0
  #end = 0
  #nextBlockBytes = BLOCK_BYTES_MIN
  #slices: Uint8Array[] = []
  #bytes = 0

  /** Gathered since the last `take`. */
  get bytes(): number {
    return this.#bytes
  }

  /** A frame of `length` bytes, which is the sum of its parts. */
  add(parts: readonly Uint8Array[], length: number): void {
    this.#reserve(FRAME_HEADER_BYTES)
    writeFrameHeader(this.#block, this.#end, length)
    this.#end += FRAME_HEADER_BYTES
    this.#bytes += FRAME_HEADER_BYTES + length
    for (let i = 0; i < parts.length; i++) {
      const part = parts[i]!
      if (part.length >= OWN_WRITE_BYTES) {
        this.#cut()
        this.#slices.push(part)
      } else {
        this.#reserve(part.length)
        this.#block.set(part, this.#end)
        this.#end += part.length
      }
    }
  }

  /** Everything gathered, in order; the batch is empty then. */
  take(): readonly Uint8Array[] {
    this.#cut()
    const slices = this.#slices
    this.#slices = []
    this.#bytes = 0
    return slices
  }

  #reserve(bytes: number): void {
    if (this.#block.length - this.#end >= bytes) return
    this.#cut()
    this.#block = Buffer.allocUnsafeSlow(Math.max(this.#nextBlockBytes, bytes))
    this.#nextBlockBytes = Math.min(this.#nextBlockBytes * 2, BLOCK_BYTES_MAX)
    this.#start = 0
    this.#end = 0
  }

  #cut(): void {
    if (this.#end === this.#start) return
    this.#slices.push(this.#block.subarray(this.#start, this.#end))
    this.#start = this.#end
  }
}
