/**
 * How many bytes of large requests a port has in hand. One that would pass the bound is refused, with its connection: when its length is announced,
 * and again when it is complete, since others may have come meanwhile.
 *
 * Always holds: the sum of what was taken and is not over is at most `largeRequestBytesMax`; off (`largeRequestBytes` 0), nothing is large.
 * Used by client-connection.ts, and by asked-requests.ts when a request is over. ZooKeeper: largeRequestThreshold (semantics §18).
 */
export interface LargeRequestLimits {
  /** A longer request is large; 0 for none. */
  readonly largeRequestBytes: number
  readonly largeRequestBytesMax: number
}

export class LargeRequests {
  readonly #limits: LargeRequestLimits
  #bytes = 0

  constructor(limits: LargeRequestLimits) {
    this.#limits = limits
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Whether there is room for a request of so many bytes. */
  admits(bytes: number): boolean {
    return !this.#isLarge(bytes) || this.#bytes + bytes <= this.#limits.largeRequestBytesMax
  }

  taken(bytes: number): void {
    if (this.#isLarge(bytes)) this.#bytes += bytes
  }

  over(bytes: number): void {
    if (this.#isLarge(bytes)) this.#bytes -= bytes
  }

  #isLarge(bytes: number): boolean {
    const { largeRequestBytes } = this.#limits
    return largeRequestBytes > 0 && bytes > largeRequestBytes
  }
}
