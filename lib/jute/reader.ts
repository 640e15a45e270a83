/**
 * Reads ZooKeeper's encoding: fixed-width big-endian numbers, strings and buffers behind a length of 32 bits, no tags.
 *
 * Always holds: a length is judged against the bytes that remain before it is used, so nothing is allocated that was not sent; the
 * one error is PROTOCOL_ERROR. Bytes are copies: the frame is a view onto what a socket has received. What follows the last field
 * is left alone, which is how a later version adds fields.
 * Before: a frame (transport/frame.ts). After: schema.ts, which asks for fields in their order. Semantics §1; invariants §5.3.
 */
import { ZooKeeperError } from '../model/errors.js'
import { type SessionId, sessionIdFromWords } from '../model/ids.js'
import type { Zxid } from '../model/zxid.js'

/** As Java decodes: what is no UTF-8 becomes U+FFFD, which no path may have. A BOM is a character like any other. */
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })
const EMPTY = new Uint8Array(0)
const NULL = -1

export class JuteReader {
  readonly #frame: Uint8Array
  #at = 0

  constructor(frame: Uint8Array) {
    this.#frame = frame
  }

  get remaining(): number {
    return this.#frame.length - this.#at
  }

  byte(): number {
    return this.#frame[this.#take(1)]!
  }

  /** Any byte but 0 is true. */
  bool(): boolean {
    return this.byte() !== 0
  }

  int(): number {
    const at = this.#take(4)
    const frame = this.#frame
    return (frame[at]! << 24) | (frame[at + 1]! << 16) | (frame[at + 2]! << 8) | frame[at + 3]!
  }

  /** 64 signed bits as a double: exact up to 2⁵³, and beyond that no less far. For times. */
  long(): number {
    return this.int() * 0x100000000 + (this.int() >>> 0)
  }

  /** The same 64 bits, as a zxid has them. */
  zxid(): Zxid {
    return { epoch: this.int() >>> 0, counter: this.int() >>> 0 }
  }

  session(): SessionId {
    return sessionIdFromWords(this.int() >>> 0, this.int() >>> 0)
  }

  buffer(): Uint8Array | null {
    const length = this.#length('buffer')
    if (length === NULL) return null
    const at = this.#take(length)
    return length === 0 ? EMPTY : Uint8Array.prototype.slice.call(this.#frame, at, at + length)
  }

  text(): string | null {
    const length = this.#length('string')
    if (length === NULL) return null
    const at = this.#take(length)
    return utf8.decode(this.#frame.subarray(at, at + length))
  }

  /** How many items follow, each of at least `bytesMin`; null for a vector that is not there. */
  count(bytesMin: number): number | null {
    const count = this.int()
    if (count === NULL) return null
    if (count < 0 || count * bytesMin > this.remaining) this.fail(`a vector of ${count} items`)
    return count
  }

  fail(why: string): never {
    throw new ZooKeeperError('PROTOCOL_ERROR', `${why} (byte ${this.#at})`)
  }

  #length(what: string): number {
    const length = this.int()
    if (length < NULL || length > this.remaining) this.fail(`a ${what} of ${length} bytes`)
    return length
  }

  #take(bytes: number): number {
    if (bytes > this.remaining) this.fail('ends too early')
    const at = this.#at
    this.#at += bytes
    return at
  }
}
