// The subject of wire-codec.mjs: the CBOR subset by hand.
// Heads must be minimal, so a value has one encoding only; every length is checked against the frame before it is used.
import { isUtf8 } from 'node:buffer'

export class Writer {
  constructor(size) {
    this.pool = Buffer.allocUnsafeSlow(size)
    this.at = 0
  }
  /** Messages lie one behind the other in the pool; a full pool is left to those who still hold views of it. */
  begin() {
    if (this.pool.length - this.at < 8192) this.renew(this.pool.length)
    this.start = this.at
  }
  end() {
    return this.pool.subarray(this.start, this.at)
  }
  renew(size) {
    const old = this.pool
    this.pool = Buffer.allocUnsafeSlow(size)
    this.at = old.copy(this.pool, 0, this.start, this.at)
    this.start = 0
  }
  head(major, n) {
    if (this.at + 5 > this.pool.length) this.renew(this.pool.length * 2)
    const p = this.pool
    const size = n < 24 ? 0 : n < 0x100 ? 1 : n < 0x10000 ? 2 : 4
    p[this.at++] = major | (size === 0 ? n : size === 4 ? 26 : 23 + size)
    if (size === 4) {
      p[this.at++] = n >>> 24
      p[this.at++] = n >>> 16
    }
    if (size >= 2) p[this.at++] = n >>> 8
    if (size >= 1) p[this.at++] = n
  }
  uint = n => this.head(0x00, n)
  array = n => this.head(0x80, n)
  flag = b => this.head(0xe0, b === null ? 22 : b ? 21 : 20)
  text(s) {
    if (this.at + 5 + s.length * 3 > this.pool.length) this.renew((this.pool.length + s.length) * 4)
    this.head(0x60, s.length) // right when all is ASCII
    const start = this.at
    for (let i = 0; i < s.length; i++) {
      const c = s.charCodeAt(i)
      if (c > 0x7f || i === 64) return this.longText(s, start)
      this.pool[this.at++] = c
    }
  }
  longText(s, start) {
    const n = Buffer.byteLength(s)
    this.at = start - (s.length < 24 ? 1 : s.length < 0x100 ? 2 : s.length < 0x10000 ? 3 : 5)
    this.head(0x60, n)
    this.at += this.pool.utf8Write(s, this.at, n)
  }
  bytes(b) {
    this.head(0x40, b.length)
    if (this.at + b.length > this.pool.length) this.renew((this.pool.length + b.length) * 2)
    this.pool.set(b, this.at)
    this.at += b.length
  }
}

export class Reader {
  open(frame) {
    this.frame = frame
    this.at = 0
  }
  head(major) {
    const f = this.frame
    if (this.at >= f.length) throw new Error('ends too early')
    const first = f[this.at++]
    if ((first & 0xe0) !== major) throw new Error('another type than expected')
    const info = first & 0x1f
    if (info < 24) return info
    const size = info === 24 ? 1 : info === 25 ? 2 : info === 26 ? 4 : 0
    if (size === 0 || this.at + size > f.length) throw new Error('not in the subset')
    let n = 0
    for (let i = 0; i < size; i++) n = ((n << 8) | f[this.at++]) >>> 0
    if (n < (size === 1 ? 24 : size === 2 ? 0x100 : 0x10000)) throw new Error('not minimal')
    return n
  }
  uint() {
    return this.head(0x00)
  }
  array() {
    const n = this.head(0x80)
    if (n > this.frame.length - this.at) throw new Error('ends too early')
    return n
  }
  expectArray(length, type) {
    if (this.array() !== length || this.uint() !== type) throw new Error('another shape than expected')
  }
  bytes() {
    const start = this.skip(0x40)
    return this.frame.subarray(start, this.at)
  }
  text() {
    const start = this.skip(0x60)
    const text = this.frame.utf8Slice(start, this.at)
    // U+FFFD is what bad UTF-8 turns into, and also a character of its own: the slow check is for texts with it only
    if (text.includes('\ufffd') && !isUtf8(this.frame.subarray(start, this.at))) throw new Error('not UTF-8')
    return text
  }
  flag() {
    const n = this.head(0xe0)
    if (n < 20 || n > 22) throw new Error('not in the subset')
    return n === 22 ? null : n === 21
  }
  skip(major) {
    const n = this.head(major)
    if (n > this.frame.length - this.at) throw new Error('ends too early')
    this.at += n
    return this.at - n
  }
  end() {
    if (this.at !== this.frame.length) throw new Error('bytes behind the message')
  }
}
