/**
 * What is going to happen, in the order of virtual time; of two events of one moment the one asked for first comes first, so a run is the same
 * every time. A binary heap.
 */
interface Entry {
  readonly at: number
  readonly order: number
  readonly run: () => void
}

export class EventQueue {
  readonly #heap: Entry[] = []
  #order = 0

  get size(): number {
    return this.#heap.length
  }

  get nextAt(): number | undefined {
    return this.#heap[0]?.at
  }

  push(at: number, run: () => void): void {
    const heap = this.#heap
    const entry: Entry = { at, order: this.#order++, run }
    let index = heap.length
    heap.push(entry)
    while (index > 0) {
      const parent = (index - 1) >>> 1
      if (!isBefore(entry, heap[parent]!)) break
      heap[index] = heap[parent]!
      index = parent
    }
    heap[index] = entry
  }

  pop(): Entry | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || last === undefined || heap.length === 0) return first
    let index = 0
    for (;;) {
      let child = 2 * index + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1
      if (!isBefore(heap[child]!, last)) break
      heap[index] = heap[child]!
      index = child
    }
    heap[index] = last
    return first
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}
