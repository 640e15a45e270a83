/**
 * What has gone over one connection, or over all of a port: counted, never listed. A port's traffic is that of its connections, the ended ones
 * included; each is told both.
 * Before: client-connection.ts. After: four-letter-words.ts. ZooKeeper: ServerStats, ServerCnxn's statistics.
 */
export class Traffic {
  received = 0
  sent = 0
  /** Requests that waited too long, and were answered without effect; and that ended their connection. */
  throttledOps = 0
  dropped = 0
  #sizeLast = -1
  #sizeMin = -1
  #sizeMax = -1
  #answers = 0
  #latencySum = 0
  #latencyMin = 0
  #latencyMax = 0

  said(bytes: number): void {
    this.sent += 1
    this.#sizeLast = bytes
    if (this.#sizeMin < 0 || bytes < this.#sizeMin) this.#sizeMin = bytes
    if (bytes > this.#sizeMax) this.#sizeMax = bytes
  }

  /** Bytes of what was said; −1 before the first. */
  get sizes(): { readonly last: number; readonly min: number; readonly max: number } {
    return { last: this.#sizeLast, min: this.#sizeMin, max: this.#sizeMax }
  }

  answered(latencyMs: number): void {
    this.#latencyMin = this.#answers === 0 ? latencyMs : Math.min(this.#latencyMin, latencyMs)
    this.#latencyMax = Math.max(this.#latencyMax, latencyMs)
    this.#latencySum += latencyMs
    this.#answers += 1
  }

  /** Whole milliseconds; the average has its fraction. */
  get latency(): { readonly min: number; readonly average: number; readonly max: number } {
    const average = this.#answers === 0 ? 0 : this.#latencySum / this.#answers
    return { min: Math.floor(this.#latencyMin), average, max: Math.floor(this.#latencyMax) }
  }

  reset(): void {
    this.received = 0
    this.sent = 0
    this.#sizeLast = -1
    this.#sizeMin = -1
    this.#sizeMax = -1
    this.#answers = 0
    this.#latencySum = 0
    this.#latencyMin = 0
    this.#latencyMax = 0
  }
}
