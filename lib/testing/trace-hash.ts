/** A hash of everything that happened, in order (R4): equal seeds and equal code give equal hashes, in every process. Twice FNV-1a, 64 bits. */
export class TraceHash {
  #a = 0x811c9dc5
  #b = 0x01000193
  /** A proposal passes through many hands: by its first time the hash knows it. */
  readonly #proposals = new Map<object, readonly [a: number, b: number]>()

  add(text: string): void {
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i)
      this.#a = Math.imul(this.#a ^ code, 0x01000193)
      this.#b = Math.imul(this.#b ^ code, 0x85ebca6b) ^ (this.#b >>> 15)
    }
  }

  addBytes(bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes[i]!
      this.#a = Math.imul(this.#a ^ byte, 0x01000193)
      this.#b = Math.imul(this.#b ^ byte, 0x85ebca6b) ^ (this.#b >>> 15)
    }
  }

  /** A plain value, with everything in it that tells runs apart: of a txn its kind and path, of images and changes their place in history. */
  addValue(value: unknown): void {
    if (typeof value === 'string') this.add(value)
    else if (typeof value === 'number') this.#number(value)
    else if (typeof value === 'object' && value !== null) this.#object(value)
    else this.#number(value === true ? 1 : value === false ? 2 : 3)
  }

  #object(value: object): void {
    if (value instanceof Uint8Array) this.#number(value.length)
    else if (Array.isArray(value)) {
      this.#number(value.length)
      for (let i = 0; i < value.length; i++) this.addValue(value[i])
    } else if (value instanceof Map) this.#number(value.size)
    else {
      for (const name in value) {
        const part = (value as Record<string, unknown>)[name]
        if (name === 'txn') {
          const { kind, path } = part as { readonly kind: string; readonly path?: string }
          this.add(kind)
          if (path !== undefined) this.add(path)
        } else if (name === 'proposal') this.#proposal(part as object)
        else if (name === 'proposals') for (const each of part as readonly object[]) this.#proposal(each)
        else if (name !== 'record' && name !== 'identities' && name !== 'acl') this.addValue(part)
      }
    }
  }

  #proposal(proposal: object): void {
    let known = this.#proposals.get(proposal)
    if (known === undefined) {
      const hash = new TraceHash()
      hash.#object(proposal)
      known = [hash.#a, hash.#b]
      this.#proposals.set(proposal, known)
    }
    this.#mix(known[0])
    this.#mix(known[1])
  }

  #number(value: number): void {
    const low = value | 0
    this.#mix(low)
    if (low !== value) {
      // The bits above, and of a fraction the first 30.
      this.#mix(Math.floor(value / 0x100000000) | 0)
      this.#mix(((value - Math.floor(value)) * 0x40000000) | 0)
    }
  }

  #mix(word: number): void {
    this.#a = Math.imul(this.#a ^ word ^ (word >>> 16), 0x01000193)
    this.#b = Math.imul(this.#b ^ word, 0x85ebca6b) ^ (this.#b >>> 15)
  }

  get value(): string {
    return (this.#a >>> 0).toString(16).padStart(8, '0') + (this.#b >>> 0).toString(16).padStart(8, '0')
  }
}
