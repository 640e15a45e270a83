/**
 * Writes ZooKeeper's encoding, frame behind frame into one buffer, so that all that a turn of the event loop has to say leaves as one write.
 *
 * Always holds: what `take` handed out is never written again. Between frames at most a small block is kept. A frame's length is filled in when it ends.
 * Before: schema.ts, records.ts. After: the socket. Semantics §1, §5.
 */
import { invariant } from '../model/invariant.js'

const NONE = Buffer.alloc(0)
const BLOCK_BYTES_MIN = 1024
/** What is left of a larger one is not kept for the next frame: who was sent a megabyte once does not own one. */
const BLOCK_BYTES_KEPT_MAX = 16 * 1024
const NULL = -1
const utf8 = new TextEncoder()

export class JuteWriter {
  #block: Buffer = NONE
  #at = 0
  #frameAt = 0

  /** Bytes of the frames that wait. */
  get length(): number {
    return this.#at
  }

  begin(): void {
    this.#frameAt = this.#at
    this.int(0)
  }

  end(): void {
    this.#block.writeInt32BE(this.#at - this.#frameAt - 4, this.#frameAt)
  }

  /** Everything written since the last time. */
  take(): Uint8Array {
    const taken = this.#block.subarray(0, this.#at)
    this.#block = this.#block.buffer.byteLength > BLOCK_BYTES_KEPT_MAX ? NONE : this.#block.subarray(this.#at)
    this.#at = 0
    return taken
  }

  byte(value: number): void {
    const at = this.#reserve(1)
    this.#block[at] = value
  }

  bool(value: boolean): void {
    this.byte(value ? 1 : 0)
  }

  int(value: number): void {
    invariant((value | 0) === value, 'a signed number of 32 bits')
    const at = this.#reserve(4)
    this.#block.writeInt32BE(value, at)
  }

  /** A whole number of at most 53 bits, signed. */
  long(value: number): void {
    this.words(Math.floor(value / 0x100000000), value)
  }

  /** 64 bits, the higher 32 first. */
  words(high: number, low: number): void {
    const at = this.#reserve(8)
    this.#block.writeInt32BE(high | 0, at)
    this.#block.writeInt32BE(low | 0, at + 4)
  }

  buffer(value: Uint8Array | null): void {
    if (value === null) return this.int(NULL)
    this.int(value.length)
    const at = this.#reserve(value.length)
    this.#block.set(value, at)
  }

  text(value: string | null): void {
    if (value === null) return this.int(NULL)
    // A unit takes three bytes at most.
    const at = this.#reserve(4 + 3 * value.length)
    const { written } = utf8.encodeInto(value, this.#block.subarray(at + 4))
    this.#block.writeInt32BE(written, at)
    this.#at = at + 4 + written
  }

  #reserve(bytes: number): number {
    const at = this.#at
    if (this.#block.length - at < bytes) {
      const larger = Buffer.allocUnsafeSlow(Math.max(BLOCK_BYTES_MIN, 2 * (at + bytes)))
      larger.set(this.#block.subarray(0, at))
      this.#block = larger
    }
    this.#at = at + bytes
    return at
  }
}
