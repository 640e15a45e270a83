/**
 * Reads our subset of CBOR and refuses everything else by construction: no way leads to a tag, a map, a float, an indefinite length,
 * a long form or a 64-bit integer. The caller asks for the type it expects, so nothing is built that the sender chose, nothing
 * recurses over the input, and every length is checked against the bytes that remain before it is used.
 *
 * One error: the code given to the constructor (PROTOCOL_ERROR for the wire, DATA_CORRUPT for the disk).
 * Strings and bytes are copies: the frame may be a reused buffer. Invariants §5.3, R5.
 */
import { isUtf8 } from 'node:buffer'
import { type ErrorCode, ZooKeeperError } from '../model/errors.js'

/** Fatal: bad UTF-8 is refused; ignoreBOM: a BOM is a character like any other. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const EMPTY = new Uint8Array(0)

export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** Whether bytes[start, end) are UTF-8. ASCII, as most names are, takes no call into the runtime. */
export function isUtf8In(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (bytes[at]! > 0x7f) return isUtf8(bytes.subarray(at, end))
  return true
}

export class CborReader {
  frame: Buffer
  private end: number
  private readonly code: ErrorCode
  /** Where the next item begins. */
  at: number

  constructor(frame: Buffer, start: number, end: number, code: ErrorCode) {
    this.frame = frame
    this.at = start
    this.end = end
    this.code = code
  }

  /** Another frame for the same reader: for one who reads a million of them. */
  reset(frame: Buffer, start: number, end: number): void {
    this.frame = frame
    this.at = start
    this.end = end
  }

  uint(): number {
    return this.head(0x00)
  }

  /** Signed, 32 bits. */
  int(): number {
    const negative = (this.peek() & 0xe0) === 0x20
    const value = this.head(negative ? 0x20 : 0x00)
    if (value > 0x7fffffff) this.fail('integer beyond 32 bits')
    return negative ? -1 - value : value
  }

  uint53(): number {
    const high = this.uint()
    if (high > 0x1fffff) this.fail('integer beyond 53 bits')
    return high * 0x100000000 + this.uint()
  }

  /** The number of items that follow; each takes a byte at least. */
  array(): number {
    const items = this.head(0x80)
    if (items > this.end - this.at) this.fail('array longer than its frame')
    return items
  }

  arrayOf(items: number): void {
    if (this.head(0x80) !== items) this.fail('array of another length than expected')
  }

  bool(): boolean {
    const byte = this.peek()
    if (byte !== 0xf4 && byte !== 0xf5) this.fail('expected true or false')
    this.at++
    return byte === 0xf5
  }

  /** Consumes a null if one is next. */
  isNull(): boolean {
    if (this.peek() !== 0xf6) return false
    this.at++
    return true
  }

  /** A copy in an allocation of exactly its size: what enters the tree keeps nothing else alive. */
  bytes(): Uint8Array {
    const start = this.skipBytes()
    const length = this.at - start
    if (length === 0) return EMPTY
    return new Uint8Array(this.frame.buffer, this.frame.byteOffset + start, length).slice()
  }

  /** Passes over a byte string; its content is frame[result, at). */
  skipBytes(): number {
    return this.skip(0x40)
  }

  text(): string {
    const start = this.skip(0x60)
    const { frame, at } = this
    for (let i = start; i < at; i++) if (frame[i]! > 0x7f) return this.longText(start)
    return frame.toString('latin1', start, at)
  }

  /** Nothing may follow the last item. */
  finish(): void {
    if (this.at !== this.end) this.fail('bytes behind the last item')
  }

  fail(why: string): never {
    throw new ZooKeeperError(this.code, `${why} (byte ${this.at})`)
  }

  private longText(start: number): string {
    try {
      return utf8.decode(this.frame.subarray(start, this.at))
    } catch {
      return this.fail('text is not UTF-8')
    }
  }

  private skip(major: number): number {
    const length = this.head(major)
    if (length > this.end - this.at) this.fail('string longer than its frame')
    const start = this.at
    this.at += length
    return start
  }

  private peek(): number {
    if (this.at >= this.end) this.fail('ends too early')
    return this.frame[this.at]!
  }

  private head(major: number): number {
    const first = this.peek()
    if ((first & 0xe0) !== major) this.fail('another type than expected')
    const info = first & 0x1f
    if (info < 24) {
      this.at++
      return info
    }
    if (info > 26) this.fail('64-bit, reserved or indefinite length')
    const bytes = 1 << (info - 24)
    if (bytes >= this.end - this.at) this.fail('ends too early')
    let value = 0
    for (let i = 1; i <= bytes; i++) value = ((value << 8) | this.frame[this.at + i]!) >>> 0
    if (value < (info === 24 ? 24 : info === 25 ? 0x100 : 0x10000)) this.fail('not the shortest form')
    this.at += 1 + bytes
    return value
  }
}
