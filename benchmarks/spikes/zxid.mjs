// Question: what should a zxid be inside the peer: an object of two uint32, a bigint, or both halves packed in one
// double? Asked of what a peer does with it: make the next one, compare two, find a pending proposal, keep a million.
//   node --expose-gc benchmarks/spikes/zxid.mjs      (a few seconds for each variant; ns per operation)
import { compare, nanoseconds, settle } from './spike.mjs'

class Zxid {
  constructor(epoch, counter) {
    this.epoch = epoch
    this.counter = counter
  }
}

const [EPOCH, MANY] = [7, 1_000_000]
const WINDOW = 4096 // zxids at hand, a power of two

const pairLess = (a, b) => a.epoch < b.epoch || (a.epoch === b.epoch && a.counter < b.counter)
const plainLess = (a, b) => a < b

/** `make(counter)` → a zxid, `next(zxid)` → its successor, `index` → { set(zxid, value), get(zxid) }. */
function measure({ make, next, isLess, index }) {
  const ring = new Array(WINDOW).fill(undefined)
  let last = make(0)
  const made = nanoseconds(
    () => {
      for (let i = 0; i < WINDOW; i++) ring[i] = last = next(last)
    },
    { per: WINDOW, calls: 10 },
  )

  const shuffled = Array.from({ length: WINDOW }, (_, i) => make(Math.imul(i, 2654435761) >>> 15)) // small integers, as counters are
  let smaller = 0
  const compared = nanoseconds(
    () => {
      for (let i = 1; i < WINDOW; i++) if (isLess(shuffled[i - 1], shuffled[i])) smaller++
    },
    { per: WINDOW - 1, calls: 10 },
  )

  const values = index()
  for (let i = 0; i < WINDOW; i++) values.set(make(i), i)
  const probes = Array.from({ length: WINDOW }, (_, i) => make((i * 1021) % WINDOW))
  let sum = 0
  const found = nanoseconds(
    () => {
      for (let i = 0; i < WINDOW; i++) sum += values.get(probes[i])
    },
    { per: WINDOW, calls: 10 },
  )

  const holder = new Array(MANY).fill(undefined)
  settle()
  const before = process.memoryUsage().heapUsed
  for (let i = 0; i < MANY; i++) holder[i] = { zxid: make(i) } // as a field, as a znode would keep it
  settle()
  const bytes = (process.memoryUsage().heapUsed - before) / MANY
  if (smaller + sum + holder.length === 0) throw new Error('measured nothing')
  return {
    'next ns': made.wall,
    'next CPU ns': made.cpu,
    'compare ns': compared.wall,
    'compare CPU ns': compared.cpu,
    'look-up ns': found.wall,
    'look-up CPU ns': found.cpu,
    'bytes of {zxid}': bytes,
  }
}

const pair = (from, index) => () =>
  measure({
    make: i => new Zxid(EPOCH, from + i),
    next: z => new Zxid(z.epoch, z.counter + 1),
    isLess: pairLess,
    index,
  })

/** A Map by counter for each epoch; the pending ones are nearly always of one epoch. */
function byCounter() {
  const epochs = new Map()
  return {
    set: (z, v) => (epochs.get(z.epoch) ?? epochs.set(z.epoch, new Map()).get(z.epoch)).set(z.counter, v),
    get: z => epochs.get(z.epoch).get(z.counter),
  }
}

/** What is pending has consecutive counters: an array and the first counter are a complete index. */
function byOffset() {
  const values = []
  let first = -1
  return {
    set: (z, v) => {
      if (first < 0) first = z.counter
      values[z.counter - first] = v
    },
    get: z => values[z.counter - first],
  }
}

function byText() {
  const map = new Map()
  return { set: (z, v) => map.set(`${z.epoch}:${z.counter}`, v), get: z => map.get(`${z.epoch}:${z.counter}`) }
}

const packed = EPOCH * 2 ** 32 // exact below epoch 2^21 only
await compare(import.meta.url, {
  'pair, map of counters': pair(1, byCounter),
  'pair, array by offset': pair(1, byOffset),
  'pair, map of texts': pair(1, byText),
  'pair, counter ≥ 2^31, map': pair(2 ** 31, byCounter),
  'pair, counter ≥ 2^31, array': pair(2 ** 31, byOffset),
  bigint: () =>
    measure({
      make: i => (BigInt(EPOCH) << 32n) + BigInt(i),
      next: z => z + 1n,
      isLess: plainLess,
      index: () => new Map(),
    }),
  'packed double': () =>
    measure({ make: i => packed + i, next: z => z + 1, isLess: plainLess, index: () => new Map() }),
})
