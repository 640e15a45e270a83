/**
 * Writes our subset of CBOR (docs/format.md): unsigned and negative integers of 32 bits, byte and text strings, arrays, null, true,
 * false; definite lengths, shortest forms. So a value has exactly one encoding.
 *
 * What is written lies one behind the other in slabs; a full slab is left to those who hold views of it, so bytes handed out are
 * never written again. Something large gets a buffer to itself, so that a small neighbour never keeps it alive.
 * A value outside the subset is a programmer error: the doors (client, jute, decoders) have refused it before.
 * RFC 8949; why by hand and not by cbor-x: docs/format.md and benchmarks/spikes/wire-codec.mjs.
 */
import { invariant } from '../model/invariant.js'
import { crc32 } from './checksum.js'

const SLAB_BYTES = 64 * 1024
const NOTHING = Buffer.alloc(0)

export class CborWriter {
  private slab: Buffer = NOTHING
  private start = 0
  private at = 0
  /** The slab holds one large piece and nothing else. */
  private alone = false
  private tail: Uint8Array | undefined

  /** Begins a new piece; what an unfinished one wrote is dropped. */
  begin(): void {
    this.start = this.at
    this.tail = undefined
  }

  /** The piece since `begin`. */
  finish(): Uint8Array {
    const { slab, start, at } = this
    const piece = new Uint8Array(slab.buffer, slab.byteOffset + start, at - start)
    if (this.alone) {
      this.slab = NOTHING
      this.at = 0
      this.alone = false
    }
    return piece
  }

  /** As `finish`, with the bytes of `lastBytes` as they are in a second part. */
  finishParts(): readonly Uint8Array[] {
    const { tail } = this
    this.tail = undefined
    return tail === undefined ? [this.finish()] : [this.finish(), tail]
  }

  /** Ends the piece with the CRC32 of all of it. */
  finishSealed(): Uint8Array {
    this.fixed32(crc32(this.slab, this.start, this.at))
    return this.finish()
  }

  uint(value: number): void {
    invariant(Number.isInteger(value) && value >= 0 && value <= 0xffffffff, 'not an unsigned integer of 32 bits')
    this.head(0x00, value)
  }

  /** Signed, 32 bits. */
  int(value: number): void {
    invariant((value | 0) === value, 'not a signed integer of 32 bits')
    if (value >= 0) this.head(0x00, value)
    else this.head(0x20, -1 - value)
  }

  /** Two items, high and low: a time or a count that may outgrow 32 bits. */
  uint53(value: number): void {
    invariant(Number.isSafeInteger(value) && value >= 0, 'not an unsigned integer of 53 bits')
    this.head(0x00, Math.floor(value / 0x100000000))
    this.head(0x00, value >>> 0)
  }

  /** The head of an array; its items follow. */
  array(items: number): void {
    this.head(0x80, items)
  }

  bool(value: boolean): void {
    this.fixed8(value ? 0xf5 : 0xf4)
  }

  null(): void {
    this.fixed8(0xf6)
  }

  bytes(value: Uint8Array): void {
    this.head(0x40, value.length)
    this.raw(value)
  }

  /** A byte string, given as a string of one unit a byte. */
  latin1(value: string): void {
    const { length } = value
    this.head(0x40, length)
    this.reserve(length)
    this.at += this.slab.write(value, this.at, length, 'latin1')
  }

  /** The last item of a message: its bytes are not copied but go out as a part of their own. */
  lastBytes(value: Uint8Array): void {
    this.head(0x40, value.length)
    this.tail = value
  }

  text(value: string): void {
    const length = value.length
    this.reserve(5 + length)
    const before = this.at
    this.head(0x60, length)
    const { slab } = this
    let at = this.at
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i)
      if (code > 0x7f) {
        this.at = before
        this.longText(value)
        return
      }
      slab[at++] = code
    }
    this.at = at
  }

  /** Bytes as they are: a copy of something already encoded. */
  raw(value: Uint8Array): void {
    this.reserve(value.length)
    this.slab.set(value, this.at)
    this.at += value.length
  }

  fixed8(value: number): void {
    this.reserve(1)
    this.slab[this.at++] = value
  }

  /** Four bytes, big-endian. Not CBOR: for the fixed headers of records. */
  fixed32(value: number): void {
    this.reserve(4)
    this.put32(this.at, value)
    this.at += 4
  }

  /** Eight bytes, big-endian. */
  fixed53(value: number): void {
    invariant(Number.isSafeInteger(value) && value >= 0, 'not an unsigned integer of 53 bits')
    this.fixed32(Math.floor(value / 0x100000000))
    this.fixed32(value >>> 0)
  }

  /** Bytes written since `begin`. */
  get length(): number {
    return this.at - this.start
  }

  /** Fills in what was not known when it was passed: `offset` counts from `begin`. */
  patch32(offset: number, value: number): void {
    this.put32(this.start + offset, value)
  }

  private put32(at: number, value: number): void {
    const { slab } = this
    slab[at] = value >>> 24
    slab[at + 1] = value >>> 16
    slab[at + 2] = value >>> 8
    slab[at + 3] = value
  }

  private head(major: number, value: number): void {
    this.reserve(5)
    const { slab } = this
    if (value < 24) {
      slab[this.at++] = major | value
    } else if (value < 0x100) {
      slab[this.at++] = major | 24
      slab[this.at++] = value
    } else if (value < 0x10000) {
      slab[this.at++] = major | 25
      slab[this.at++] = value >>> 8
      slab[this.at++] = value
    } else {
      slab[this.at++] = major | 26
      this.put32(this.at, value)
      this.at += 4
    }
  }

  /** Not ASCII. A lone surrogate has no UTF-8: it would come back as another string, and replicas would differ. */
  private longText(value: string): void {
    invariant((value as { isWellFormed?(): boolean }).isWellFormed?.() !== false, 'text with a lone surrogate')
    const length = Buffer.byteLength(value)
    this.head(0x60, length)
    this.reserve(length)
    this.at += this.slab.write(value, this.at, length, 'utf8')
  }

  private reserve(bytes: number): void {
    if (this.at + bytes > this.slab.length) this.renew(bytes)
  }

  /** Moves the unfinished piece to a fresh slab; doubling keeps the copying linear. */
  private renew(bytes: number): void {
    const used = this.at - this.start
    const needed = used + bytes
    this.alone = needed > SLAB_BYTES / 4
    const size = this.alone ? Math.max(needed + 1024, 2 * used) : SLAB_BYTES
    const fresh = Buffer.allocUnsafeSlow(size)
    this.slab.copy(fresh, 0, this.start, this.at)
    this.slab = fresh
    this.start = 0
    this.at = used
  }
}
