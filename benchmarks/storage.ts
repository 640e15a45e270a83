/**
 * Questions: how many entries a second does the log take, in groups of 1, 64 and 512 records of about 256 B, encoding included? How long
 * does a tree of a million znodes take to write, to load, to change a little?
 *   node --import=tsx benchmarks/storage.ts [znodes]      (in a temporary directory; default 1000000)
 */
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { OPEN_ACL_UNSAFE } from '../lib/model/acl.js'
import { EMPTY_DIGEST } from '../lib/model/digest.js'
import type { PeerId, SessionId } from '../lib/model/ids.js'
import type { Proposal } from '../lib/model/proposal.js'
import type { Znode } from '../lib/model/znode.js'
import { ZERO, type Zxid, zxid } from '../lib/model/zxid.js'
import { LevelStorage } from '../lib/storage/level/level-storage.js'

const NODES = Number(process.argv[2] ?? 1_000_000)
const SECONDS = 3
const session = '0100000000000001' as SessionId
const parent = await mkdtemp(path.join(tmpdir(), 'vivarium-benchmark-'))

function open(name: string) {
  return new LevelStorage({ dataDir: path.join(parent, name), ensemble: 'benchmark', peer: 1 as PeerId })
}

function proposal(counter: number): Proposal {
  const previous = counter === 1 ? ZERO : zxid(1, counter - 1)
  const data = new Uint8Array(180)
  const txn = { kind: 'setData', path: '/app/config', data, version: counter & 0xffff, replaces: previous } as const
  return { zxid: zxid(1, counter), previous, session, cxid: counter, time: 1.7e12, txn }
}

async function appends(size: number): Promise<void> {
  const storage = open(`append-${size}`)
  await storage.open()
  let counter = 0
  let bytes = 0
  const cpu = process.cpuUsage()
  const begin = performance.now()
  while (performance.now() - begin < SECONDS * 1000) {
    const group = Array.from({ length: size }, () => proposal(++counter))
    await storage.append(group)
    bytes = group[0]!.record!.length
  }
  const ms = performance.now() - begin
  const { user, system } = process.cpuUsage(cpu)
  const rate = Math.round((counter / ms) * 1000)
  console.log(
    `append, groups of ${size} × ${bytes} B: ${rate} entries/s, ${((user + system) / counter).toFixed(1)} µs CPU each`,
  )
  await storage.close()
}

function znode(n: number, version: number): Znode {
  const at: Zxid = zxid(1, version)
  const data = new Uint8Array(100).fill(n)
  const fixed = { acl: OPEN_ACL_UNSAFE, cversion: 0, aversion: 0, owner: undefined, ctime: 1.7e12, mtime: 1.7e12 }
  return { ...fixed, data, czxid: at, mzxid: at, pzxid: at, version }
}
const pathOf = (n: number) => `/app/dir-${1000 + Math.floor(n / 1000)}/node-${1_000_000 + n}`

async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const written = await bytesWritten()
  const cpu = process.cpuUsage()
  const begin = performance.now()
  let longest = 0
  let last = begin
  const turns = setInterval(() => {
    const now = performance.now()
    longest = Math.max(longest, now - last)
    last = now
  }, 1)
  const result = await work()
  clearInterval(turns)
  const ms = performance.now() - begin
  const { user, system } = process.cpuUsage(cpu)
  const cpuMs = ((user + system) / 1000).toFixed(0)
  const megabytes = ((await bytesWritten()) - written) / 1e6
  console.log(
    `${what}: ${ms.toFixed(0)} ms, ${cpuMs} ms CPU, ${megabytes.toFixed(2)} MB written, longest turn ${longest.toFixed(1)} ms`,
  )
  return result
}

/** By the whole process, as Linux counts it; 0 elsewhere. */
async function bytesWritten(): Promise<number> {
  const io = await readFile('/proc/self/io', 'utf8').catch(() => '')
  return Number(/wchar: (\d+)/.exec(io)?.[1] ?? 0)
}

async function tree(count: number): Promise<void> {
  let storage = open(`tree-${count}`)
  await storage.open()
  const checkpoint = (version: number, nodes: Iterable<readonly [string, Znode]>) => {
    const header = { zxid: zxid(1, version), time: 1.7e12, digest: EMPTY_DIGEST }
    return storage.checkpoint({ ...header, nodes: new Map(nodes), sessions: new Map() })
  }
  let counter = 0
  const append = () => storage.append([proposal(++counter)])
  for (let at = 0; at < count; at += 100_000) {
    await append()
    const some = Array.from(
      { length: Math.min(100_000, count - at) },
      (_, n) => [pathOf(at + n), znode(at + n, 1)] as const,
    )
    await timed(`checkpoint of ${some.length} new znodes`, () => checkpoint(counter, some))
  }
  for (let run = 0; run < 3; run++) {
    await append()
    const some = Array.from({ length: 100 }, (_, n) => {
      const which = Math.floor((n * count) / 100) + run
      return [pathOf(which), znode(which, counter)] as const
    })
    await timed(`checkpoint of 100 changed of ${count} znodes`, () => checkpoint(counter, some))
  }
  await storage.close()
  storage = open(`tree-${count}`)
  const { image } = await timed(`open with ${count} znodes`, () => storage.open())
  let loaded = 0
  for (const _ of image.nodes) loaded++
  const reader = await storage.readSnapshot()
  const target = open(`copy-${count}`)
  await target.open()
  const installer = await target.installSnapshot(reader)
  await timed(`snapshot of ${loaded} znodes from store to store`, async () => {
    for await (const chunk of reader.chunks) await installer.write(chunk)
  })
  await timed('switch, with reading back', () => installer.finish())
  await reader.close()
  await target.close()
  await storage.close()
  const files = await readdir(path.join(parent, `tree-${count}`, 'tree'))
  const sizes = await Promise.all(
    files.map(async file => (await stat(path.join(parent, `tree-${count}`, 'tree', file))).size),
  )
  console.log(`tree on disk: ${(sizes.reduce((a, b) => a + b, 0) / 1e6).toFixed(0)} MB`)
}

try {
  for (const size of [1, 64, 512]) await appends(size)
  await tree(1000)
  await tree(NODES)
} finally {
  await rm(parent, { recursive: true, force: true })
}
