/**
 * The seal behind every frame of a connection with a shared secret: a MAC over the frame's number, its length and its bytes.
 *
 * Always holds: frames count from 0 in each direction under a key of that direction and connection, so a frame that is replayed,
 * left out, moved, changed, sent back or taken from another connection does not open; after one that does not open none does.
 * It authenticates and does not encrypt. Before: sealed-connection.ts. Source: invariants §5.2, replay or splicing.
 */
import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto'

/** What a seal adds to a frame. */
export const SEAL_BYTES = 16

/** Frame number (8 bytes), length (4 bytes). */
const HEAD_BYTES = 12

/** One direction of one connection, at one of its ends. */
export class FrameSeal {
  readonly #key: KeyObject
  readonly #head = Buffer.alloc(HEAD_BYTES)
  /** Exact up to 2^53: a million frames a second for 285 years. */
  #count = 0

  constructor(key: KeyObject) {
    this.#key = key
  }

  /** The seal of the next frame to send, `length` bytes in all. */
  seal(parts: readonly Uint8Array[], length: number): Uint8Array {
    const hmac = createHmac('sha256', this.#key)
    hmac.update(this.#nextHead(length))
    for (let i = 0; i < parts.length; i++) hmac.update(parts[i]!)
    return hmac.digest().subarray(0, SEAL_BYTES)
  }

  /** The frame without its seal, a view; undefined when it is not the next one that the other side has sealed. */
  open(sealed: Uint8Array): Uint8Array | undefined {
    const length = sealed.length - SEAL_BYTES
    if (length < 0) return undefined
    const frame = sealed.subarray(0, length)
    return timingSafeEqual(this.seal([frame], length), sealed.subarray(length)) ? frame : undefined
  }

  #nextHead(length: number): Uint8Array {
    const head = this.#head
    head.writeUInt32BE(Math.floor(this.#count / 2 ** 32), 0)
    head.writeUInt32BE(this.#count >>> 0, 4)
    head.writeUInt32BE(length, 8)
    this.#count++
    return head
  }
}
