/**
 * Malformed inputs without an end, from one seed: valid encodings with one to four things done to them, and now and then nothing but chance.
 *
 * Always holds: equal seeds and equal samples give equal inputs; an input is good until the next one is asked for. Checksums are put right again
 * three times out of four (`repair`), else nothing behind one would ever be reached.
 * Before: decoders.ts has the samples. After: fuzz-run.ts.
 */
import type { Chance } from '../crash/chance.js'

const INPUT_BYTES_MAX = 96 * 1024

/** Bytes on which a decoder of CBOR, UTF-8 or lengths decides something. */
const SHARP = [
  ...[
    0x00, 0x01, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1f, 0x20, 0x3b, 0x3f, 0x40, 0x58, 0x5a, 0x5b, 0x5f, 0x60, 0x78, 0x7a,
    0x7b,
  ],
  ...[
    0x7f, 0x80, 0x81, 0x98, 0x9a, 0x9b, 0x9f, 0xa0, 0xba, 0xbf, 0xc0, 0xc2, 0xc3, 0xd8, 0xed, 0xf4, 0xf5, 0xf6, 0xf7,
    0xf8,
  ],
  ...[0xf9, 0xfa, 0xfb, 0xfe, 0xff],
]
const LENGTHS = [0, 1, 4, 255, 256, 65_535, 65_536, 2 ** 24, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1]
const NESTING = [0x81, 0x82, 0x9f, 0xa1, 0xbf, 0x5f, 0x7f, 0xc1]
const PIECES = [
  // Integers beyond 53 and 64 bits, a tagged bignum, the same as long bytes.
  [0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
  [0x3b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
  [0x1b, 0x00, 0x20, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00],
  [0xc2, 0x5a, 0x00, 0x01, 0x00, 0x00],
  [0xc2, 0x49, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00],
  [0xfb, 0x7f, 0xf8, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00],
  // A varint that does not end, a long form.
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
  [0x18, 0x00],
  [0x19, 0x00, 0x17],
  // UTF-8: overlong, a surrogate, beyond Unicode, cut off, a byte order mark.
  [0xc0, 0x80],
  [0xed, 0xa0, 0x80],
  [0xf5, 0x80, 0x80, 0x80],
  [0xe2, 0x82],
  [0xef, 0xbb, 0xbf],
]

export class Mutator {
  readonly #chance: Chance
  readonly #samples: readonly Uint8Array[]
  readonly #repair: ((bytes: Buffer) => void) | undefined
  readonly #scratch = Buffer.alloc(INPUT_BYTES_MAX)
  #length = 0

  constructor(chance: Chance, samples: readonly Uint8Array[], repair?: (bytes: Buffer) => void) {
    this.#chance = chance
    this.#samples = samples
    this.#repair = repair
  }

  next(): Buffer {
    const chance = this.#chance
    if (chance.next() < 0.04) this.#random(chance.between(0, chance.next() < 0.05 ? 8192 : 96))
    else {
      this.#take(chance.pick(this.#samples))
      // Unchanged, too: what is valid must be accepted.
      for (let left = chance.between(0, 30) === 0 ? 0 : chance.between(1, 4); left > 0; left--) this.#mutate()
    }
    const input = this.#scratch.subarray(0, this.#length)
    if (this.#repair !== undefined && chance.next() < 0.75) this.#repair(input)
    return input
  }

  #take(sample: Uint8Array): void {
    this.#length = Math.min(sample.length, INPUT_BYTES_MAX)
    this.#scratch.set(sample.subarray(0, this.#length), 0)
  }

  #random(length: number): void {
    this.#length = length
    for (let at = 0; at < length; at++) this.#scratch[at] = this.#chance.next() * 256
  }

  #mutate(): void {
    const chance = this.#chance
    const scratch = this.#scratch
    const at = chance.between(0, Math.max(0, this.#length - 1))
    switch (chance.between(0, 13)) {
      case 0:
      case 1:
        scratch[at] = scratch[at]! ^ (1 << chance.between(0, 7))
        return
      case 2:
      case 3:
        scratch[at] = chance.pick(SHARP)
        return
      case 4:
        scratch[at] = scratch[at]! + chance.between(-2, 2)
        return
      case 5:
        this.#length = chance.next() < 0.5 ? at : Math.max(0, this.#length - chance.between(1, 8))
        return
      case 6:
        this.#replace(at, chance.between(1, 16), [])
        return
      case 7:
        this.#replace(
          at,
          0,
          Array.from({ length: chance.between(1, 12) }, () => chance.between(0, 255)),
        )
        return
      case 8:
        // Twice the same.
        this.#replace(at, 0, scratch.subarray(at, Math.min(this.#length, at + chance.between(1, 64))).slice())
        return
      case 9: {
        const other = chance.pick(this.#samples)
        this.#replace(at, this.#length - at, other.subarray(chance.between(0, other.length)))
        return
      }
      case 10:
      case 11: {
        // A length blown up, or a little off; of one, two or four bytes.
        const bytes = chance.pick([1, 2, 4, 4])
        if (at + bytes > this.#length) return
        const known = scratch.readUIntBE(at, bytes)
        const value = chance.next() < 0.4 ? known + chance.between(-3, 3) : chance.pick(LENGTHS)
        scratch.writeUIntBE(((value % 2 ** (8 * bytes)) + 2 ** (8 * bytes)) % 2 ** (8 * bytes), at, bytes)
        return
      }
      case 12: {
        const depth = chance.next() < 0.05 ? chance.between(1, 20_000) : chance.between(1, 80)
        this.#replace(at, 0, Buffer.alloc(depth, chance.pick(NESTING)))
        return
      }
      default:
        this.#replace(at, chance.between(0, 4), chance.pick(PIECES))
    }
  }

  /** Puts `bytes` where `count` bytes were; what does not fit in is cut off at the end. */
  #replace(at: number, count: number, bytes: ArrayLike<number>): void {
    const scratch = this.#scratch
    const from = Math.min(this.#length, at + count)
    const inserted = Math.min(bytes.length, INPUT_BYTES_MAX - at)
    const rest = Math.min(this.#length - from, INPUT_BYTES_MAX - at - inserted)
    scratch.copyWithin(at + inserted, from, from + rest)
    for (let n = 0; n < inserted; n++) scratch[at + n] = bytes[n]!
    this.#length = at + inserted + rest
  }
}
