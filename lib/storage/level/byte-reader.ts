/**
 * Reads LevelDB's integers and strings one after another. Whatever does not fit is `Malformed`, which never leaves the check of the files
 * (table-check.ts makes a finding of it). Source: LevelDB util/coding.cc.
 */
export class Malformed extends Error {}

export class ByteReader {
  readonly #bytes: Uint8Array
  readonly #what: string
  #at = 0

  /** `what` is said when it is malformed. */
  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = bytes
    this.#what = what
  }

  get at(): number {
    return this.#at
  }

  get ended(): boolean {
    return this.#at === this.#bytes.length
  }

  varint(): number {
    let value = 0
    for (let factor = 1; factor < 2 ** 63; factor *= 0x80) {
      const byte = this.#bytes[this.#at++] ?? this.fail()
      value += (byte & 0x7f) * factor
      if (byte >= 0x80) continue
      // A longer form than need be is not LevelDB's.
      if (!Number.isSafeInteger(value) || (byte === 0 && factor > 1)) this.fail()
      return value
    }
    return this.fail()
  }

  bytes(length: number): Uint8Array {
    if (length > this.#bytes.length - this.#at) this.fail()
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  lengthPrefixed(): Uint8Array {
    return this.bytes(this.varint())
  }

  fail(): never {
    throw new Malformed(this.#what)
  }
}
