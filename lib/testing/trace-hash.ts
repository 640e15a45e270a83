/** A hash of everything that happened, in order (R4): equal seeds and equal code give equal hashes, in every process. Twice FNV-1a, 64 bits. */
export class TraceHash {
  #a = 0x811c9dc5
  #b = 0x01000193

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

  get value(): string {
    return (this.#a >>> 0).toString(16).padStart(8, '0') + (this.#b >>> 0).toString(16).padStart(8, '0')
  }
}
