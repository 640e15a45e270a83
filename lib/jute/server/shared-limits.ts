/**
 * What the connections of a port share: how many requests are without an answer, and how many bytes of frames have begun without being complete.
 *
 * Always holds: past `outstandingMax` only connections without a request of their own are read from, and those that wait go on as soon as there is
 * room, the longest waiting first; past `partialBytesMax` the frame that began first is given up, with its connection.
 * Used by client-connection.ts. ZooKeeper: globalOutstandingLimit; invariants §5.3.
 */
export interface Waiting {
  /** There is room again. */
  goOn(): void
  /** Its unfinished frame has cost too much. */
  giveUp(): void
}

export class SharedLimits {
  readonly #outstandingMax: number
  readonly #partialBytesMax: number
  #outstanding = 0
  readonly #waiting = new Set<Waiting>()
  /** In order of their beginning. */
  readonly #partial = new Map<Waiting, number>()
  #partialBytes = 0

  constructor(limits: { readonly outstandingMax: number; readonly partialBytesMax: number }) {
    this.#outstandingMax = limits.outstandingMax
    this.#partialBytesMax = limits.partialBytesMax
  }

  get outstanding(): number {
    return this.#outstanding
  }

  get crowded(): boolean {
    return this.#outstanding >= this.#outstandingMax
  }

  asked(): void {
    this.#outstanding += 1
  }

  answered(count = 1): void {
    this.#outstanding -= count
    for (const each of this.#waiting) {
      if (this.crowded) return
      this.#waiting.delete(each)
      each.goOn()
    }
  }

  wait(connection: Waiting): void {
    this.#waiting.add(connection)
  }

  /** So many bytes are announced by a frame of this connection that is not complete; 0 for none. */
  partial(connection: Waiting, bytes: number): void {
    const before = this.#partial.get(connection) ?? 0
    if (bytes === before) return
    this.#partialBytes += bytes - before
    this.#partial.delete(connection)
    if (bytes > 0) this.#partial.set(connection, bytes)
    for (const oldest of this.#partial.keys()) {
      if (this.#partialBytes <= this.#partialBytesMax) return
      this.partial(oldest, 0)
      oldest.giveUp()
    }
  }

  forget(connection: Waiting): void {
    this.#waiting.delete(connection)
    this.partial(connection, 0)
  }
}
