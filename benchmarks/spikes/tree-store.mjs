// Question: how should the tree lie in LevelDB: one entry a znode, or many znodes packed in one page? Asked of 1 M znodes
// with 100 B of data: time to load, cost of a checkpoint after 100 changed znodes (near: neighbours; spread: any), size on disk.
//   node --expose-gc benchmarks/spikes/tree-store.mjs      (Linux: bytes written come from /proc/self/io; 2 minutes)
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { ClassicLevel } from 'classic-level'
import { compare, median } from './spike.mjs'
import { NODES, perPage, put, unpack } from './tree-pages.mjs'

const CHANGED = 100
const written = () => Number(/wchar: (\d+)/.exec(readFileSync('/proc/self/io', 'utf8'))[1])
const diskSize = dir =>
  readdirSync(dir).reduce((sum, f) => sum + (statSync(path.join(dir, f), { throwIfNoEntry: false })?.size ?? 0), 0)
const MB = 1 / 1e6
async function timed(work) {
  const cpu = process.cpuUsage()
  const bytes = written()
  const start = performance.now()
  await work()
  const ms = performance.now() - start
  const used = process.cpuUsage(cpu)
  return { ms, cpuMs: (used.user + used.system) / 1000, bytes: written() - bytes }
}

/** Values carry the names too, so keys need not be made into buffers; the next read is under way while this one is used. */
async function load(db, { readAhead = 1 << 20, keys = false, build = true }) {
  const tree = new Map()
  const range = { highWaterMarkBytes: readAhead, fillCache: false }
  const iterator = keys ? db.iterator(range) : db.values(range)
  for (let reading = iterator.nextv(1000); ; ) {
    const values = await reading
    if (values.length === 0) break
    reading = iterator.nextv(1000)
    if (build) for (const value of values) unpack(value, tree)
  }
  await iterator.close()
  if (build && tree.size !== NODES) throw new Error(`loaded ${tree.size}`)
}

const store =
  (pageBytes, options = {}) =>
  async () => {
    const per = pageBytes === 0 ? 1 : perPage(pageBytes)
    const dir = mkdtempSync(path.join(tmpdir(), 'tree-store-'))
    const db = new ClassicLevel(dir, { keyEncoding: 'buffer', valueEncoding: 'buffer', ...options })
    try {
      await db.open()
      const groups = Math.ceil(NODES / per)
      const inBatch = Math.max(1, Math.floor(5000 / per))
      const changes = new Map()
      const fill = await timed(async () => {
        for (let g = 0; g < groups; g += inBatch) {
          const end = Math.min(groups, g + inBatch)
          await db.batch(Array.from({ length: end - g }, (_, k) => put(g + k, per, changes)))
        }
      })
      const loads = async how => {
        const runs = []
        for (let r = 0; r < 3; r++) runs.push(await timed(() => load(db, how)))
        return { ms: median(runs.map(t => t.ms)), cpuMs: median(runs.map(t => t.cpuMs)) }
      }
      const entries = await loads({ readAhead: 16 * 1024, keys: true, build: false })
      const ahead = await loads({ keys: true, build: false })
      const values = await loads({ build: false })
      const built = await loads({})
      const checkpoint = async (from, spread) => {
        const dirty = new Set()
        for (let k = 0; k < CHANGED; k++) {
          const i = spread ? Math.floor(Math.random() * NODES) : from + k
          changes.set(i, (changes.get(i) ?? 0) + 1)
          dirty.add(Math.floor(i / per))
        }
        await db.batch(
          Array.from(dirty, g => put(g, per, changes)),
          { sync: true },
        )
      }
      const near = []
      for (let r = 0; r < 9; r++) near.push(await timed(() => checkpoint(r * 10_000, false)))
      const rounds = per === 1 ? 2000 : 50 // enough to fill the write buffer some times over, so that compaction is seen
      const spread = []
      const all = await timed(async () => {
        for (let r = 0; r < rounds; r++) spread.push(await timed(() => checkpoint(0, true)))
      })
      return {
        'fill s': fill.ms / 1000,
        'iterate s': entries.ms / 1000,
        '… 1 MiB read-ahead': ahead.ms / 1000,
        '… and values only': values.ms / 1000,
        'load into a Map s': built.ms / 1000,
        'load CPU s': built.cpuMs / 1000,
        'near: ms': median(near.map(t => t.ms)),
        'near: MB': median(near.map(t => t.bytes)) * MB,
        'spread: ms': median(spread.map(t => t.ms)),
        'spread: CPU ms': median(spread.map(t => t.cpuMs)),
        'spread: MB': median(spread.map(t => t.bytes)) * MB,
        'with compaction: MB': (all.bytes * MB) / rounds,
        'disk MB': diskSize(dir) * MB,
      }
    } finally {
      await db.close()
      rmSync(dir, { recursive: true, force: true })
    }
  }

await compare(
  import.meta.url,
  {
    'single nodes': store(0),
    'single, 16 MiB buffer, no compression': store(0, { writeBufferSize: 16 << 20, compression: false }),
    '4 KiB pages': store(4 << 10),
    '16 KiB pages': store(16 << 10),
    '64 KiB pages': store(64 << 10),
    '256 KiB pages': store(256 << 10),
  },
  { rounds: 1 },
)
