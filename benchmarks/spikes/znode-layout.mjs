// Question: how should a million znodes with 100 B of data lie in memory? First how the data is kept, then what else costs:
// the three zxids and two times of a stat, and children sets made for leaves too.
//   node --expose-gc benchmarks/spikes/znode-layout.mjs      (about 5 minutes; one round: bytes repeat, times vary by ± 15 %)
import { compare, nanoseconds, settle } from './spike.mjs'
import {
  buffers,
  copied,
  eagerNode,
  Place,
  places,
  plainNode,
  slabs,
  stampedNode,
  strings,
  uint8,
} from './znode-shapes.mjs'

const NODES = 1_000_000
const SIZE = 100

const layout =
  (keep, { put, give }, makeNode = plainNode) =>
  () => {
    const packet = Buffer.alloc(256, 97) // what came in: the path, then the data; nothing of it may stay referenced
    const tree = new Map()
    settle()
    const empty = process.memoryUsage()
    const cpu = process.cpuUsage()
    const start = performance.now()
    let parent
    for (let i = 0; i < NODES; i++) {
      if (i % 1000 === 0) {
        parent = makeNode(keep(packet.subarray(0, 0)), i)
        tree.set(`/app/dir-${1000 + i / 1000}`, parent)
      }
      const length = packet.latin1Write(`/app/dir-${1000 + Math.floor(i / 1000)}/node-${1_000_000 + i}`, 0)
      const name = packet.latin1Slice(0, length)
      packet.writeUInt32LE(i, 100)
      parent.children ??= new Set()
      parent.children.add(packet.latin1Slice(14, length))
      tree.set(name, makeNode(keep(packet.subarray(100, 100 + SIZE)), i))
    }
    const built = performance.now() - start
    const used = process.cpuUsage(cpu)
    settle()
    const full = process.memoryUsage()
    const gcStart = performance.now()
    globalThis.gc()
    const gc = performance.now() - gcStart

    const paths = Array.from({ length: 4096 }, (_, k) => {
      const i = (k * 65_537) % NODES
      return `/app/dir-${1000 + Math.floor(i / 1000)}/node-${1_000_000 + i}`
    }).map(text => Buffer.from(text).latin1Slice())
    const reply = Buffer.alloc(4096)
    const got = nanoseconds(i => put(tree.get(paths[i & 4095]).data, reply))
    const given = nanoseconds(i => give(tree.get(paths[i & 4095]).data)[0])

    const names = [...tree.keys()]
    const churn = performance.now()
    for (let k = 0; k < 8 * NODES; k++) {
      // eight sets a znode, at random: what do half-dead slabs keep?
      packet.writeUInt32LE(k, 100)
      tree.get(names[(Math.random() * names.length) | 0]).data = keep(packet.subarray(100, 100 + SIZE))
    }
    const churned = performance.now() - churn
    settle()
    const after = process.memoryUsage()
    const MB = 1 / 1e6
    const grown = key => (full[key] - empty[key]) * MB
    return {
      'build s': built / 1000,
      'build CPU s': (used.user + used.system) / 1e6,
      'heap MB': grown('heapUsed'),
      'external MB': grown('external'),
      'RSS MB': grown('rss'),
      'heap + external B a znode': ((grown('heapUsed') + grown('external')) * 1e6) / NODES,
      'full GC ms': gc,
      'get + copy to reply ns': got.wall,
      'CPU ns': got.cpu,
      'get + own Buffer ns': given.wall,
      '8 M sets s': churned / 1000,
      'after: heap + external MB': (after.heapUsed - empty.heapUsed + after.external - empty.external) * MB,
      'after: RSS MB': (after.rss - empty.rss) * MB,
    }
  }

const latin1 = source => source.latin1Slice()
await compare(
  import.meta.url,
  {
    'no data': layout(() => undefined, { put: () => 0, give: () => '0' }),
    'latin1 string': layout(latin1, strings),
    'Buffer.from (8 KiB pool)': layout(source => Buffer.from(source), buffers),
    'Buffer.allocUnsafeSlow each': layout(copied, buffers),
    'new Uint8Array each': layout(source => new Uint8Array(source), buffers),
    'Uint8Array on 64 KiB slabs': layout(slabs(1 << 16, uint8), buffers),
    'Uint8Array on 1 MiB slabs': layout(slabs(1 << 20, uint8), buffers),
    '{slab, at, length}, 64 KiB': layout(
      slabs(1 << 16, (slab, at, n) => new Place(slab, at, n)),
      places,
    ),
    'string, zxid + time in one stamp': layout(latin1, strings, stampedNode),
    'string, a Set in each leaf': layout(latin1, strings, eagerNode),
  },
  { rounds: 1 },
)
