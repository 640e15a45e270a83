/**
 * Question: does size hurt? A tree of a million znodes of 100 B: how soon it is served again, what sending it to a learner does to the leader's memory
 * and to commits meanwhile, and what a checkpoint of a few changes writes. Each figure is printed with its bound.
 *   npm run bench -- million [--nodes 1000000]
 */
import { type ChildProcess, fork } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Level } from 'level'
import type { PeerId, SessionId } from '../lib/model/ids.js'
import type { ReplicaChanges } from '../lib/model/replica-image.js'
import type { Znode } from '../lib/model/znode.js'
import { zxid } from '../lib/model/zxid.js'
import { LevelStorage } from '../lib/storage/level/level-storage.js'
import { freePorts, printTable, quantile, whole } from './harness.js'
import { type BigTree, bigTree, ENSEMBLE, install, pathOf } from './million-data.js'
import type { Ask, MillionConfig, Told } from './million-member.js'

const SMALL = 1000
const CHANGED = 100
const PER_SECOND = 1000
const WARM_UP_MS = 5000
const LOAD_MS = 20_000

type Row = readonly [figure: string, measured: string, bound: string, kept: string]

export async function million(nodes: number): Promise<void> {
  const parent = await mkdtemp(join(tmpdir(), 'vivarium-million-'))
  try {
    const rows = [...(await checkpoints(parent, nodes)), ...(await ensemble(parent))]
    printTable(['', 'measured', 'bound', 'kept'], rows)
  } finally {
    await rm(parent, { recursive: true, force: true })
  }
}

function row(figure: string, value: number, bound: number, unit: string, below: boolean): Row {
  return [
    figure,
    `${whole(value)} ${unit}`,
    `${below ? '<' : '≤'} ${whole(bound)} ${unit}`,
    value <= bound ? 'yes' : 'NO',
  ]
}

/** Leaves the directories of members 1 and 2 below `parent`, each with the big tree. */
async function checkpoints(parent: string, nodes: number): Promise<Row[]> {
  const small = await written(bigTree(SMALL), join(parent, 'small'))
  let tree: BigTree | undefined = bigTree(nodes)
  const big = await written(tree, join(parent, 'big'))
  for (const id of [1, 2]) await install(tree, join(parent, String(id)), id)
  tree = undefined
  const part = (a: number, b: number) => (100 * Math.abs(a - b)) / b
  return [
    row(
      `keys of a checkpoint of ${CHANGED} changes, ${big.keys} instead of ${small.keys}: differ by`,
      part(big.keys, small.keys),
      2,
      '%',
      false,
    ),
    row(
      `its bytes, ${whole(big.bytes)} instead of ${whole(small.bytes)}: differ by`,
      part(big.bytes, small.bytes),
      2,
      '%',
      false,
    ),
    row('keys of a checkpoint of an idle tree', big.idle, 0, 'keys', false),
  ]
}

/** What a checkpoint of some changes gives to LevelDB, and what one of none does. */
async function written(tree: BigTree, dataDir: string) {
  await install(tree, dataDir, 1)
  const storage = new LevelStorage({ dataDir, ensemble: ENSEMBLE, peer: 1 as PeerId })
  const { image } = await storage.open()
  const wanted = new Set(Array.from({ length: CHANGED }, (_, n) => pathOf(n * 7)))
  const nodes = new Map<string, Znode>()
  for (const [path, node] of image.nodes) if (wanted.has(path)) nodes.set(path, { ...node, version: 1 })
  const [before, at] = [zxid(1, 1), zxid(1, 2)]
  const txn = { kind: 'error', code: 'NO_NODE' } as const
  const session = '0100000000000001' as SessionId
  await storage.append([{ zxid: at, previous: before, session, cxid: 1, time: image.time, txn }])
  const changes: ReplicaChanges = { zxid: at, time: image.time, digest: image.digest, nodes, sessions: new Map() }
  const counted = await counting(() => storage.checkpoint(changes))
  const { keys: idle } = await counting(() => storage.checkpoint({ ...changes, nodes: new Map() }))
  await storage.close()
  return { ...counted, idle }
}

async function counting(work: () => Promise<unknown>): Promise<{ keys: number; bytes: number }> {
  const { put, batch } = Level.prototype
  const count = { keys: 0, bytes: 0 }
  const counted = (key: Buffer, value: Buffer) => {
    count.keys++
    count.bytes += key.length + value.length
  }
  Level.prototype.put = function (this: unknown, key: Buffer, value: Buffer, ...rest: unknown[]) {
    counted(key, value)
    return Reflect.apply(put, this, [key, value, ...rest])
  } as never
  Level.prototype.batch = function (this: unknown) {
    const chained = Reflect.apply(batch as () => { put(key: Buffer, value: Buffer): unknown }, this, [])
    const putOne = chained.put.bind(chained)
    chained.put = (key, value) => {
      counted(key, value)
      return putOne(key, value)
    }
    return chained
  } as never
  try {
    await work()
  } finally {
    Level.prototype.put = put
    Level.prototype.batch = batch
  }
  return count
}

interface Member {
  readonly child: ChildProcess
  readonly startedAt: number
  status: Extract<Told, { kind: 'status' }>
}

async function ensemble(parent: string): Promise<Row[]> {
  const ports = await freePorts(3)
  const members = new Map<number, Member>()
  let changed: (() => void)[] = []
  const start = (id: number) => {
    const config: MillionConfig = { id, dataDir: join(parent, String(id)), ports }
    const extension = extname(import.meta.url)
    const child = fork(
      fileURLToPath(new URL(`./million-member${extension}`, import.meta.url)),
      [JSON.stringify(config)],
      {
        execArgv: extension === '.ts' ? ['--import', 'tsx'] : [],
        serialization: 'advanced',
      },
    )
    const status = { kind: 'status', role: 'looking', serving: false, cpuMs: 0 } as const
    const member: Member = { child, startedAt: performance.now(), status }
    members.set(id, member)
    child.on('message', (told: Told) => {
      if (told.kind !== 'status') return
      member.status = told
      for (const heard of changed.splice(0)) heard()
    })
    child.once('exit', () => members.delete(id))
  }
  const serving = async (id: number): Promise<number> => {
    while (!members.get(id)!.status.serving) await new Promise<void>(resolve => changed.push(resolve))
    return performance.now() - members.get(id)!.startedAt
  }
  const load = (id: number, ms: number) => {
    const { child } = members.get(id)!
    const loaded = new Promise<Extract<Told, { kind: 'loaded' }>>(resolve => {
      const hear = (told: Told) => {
        if (told.kind !== 'loaded') return
        child.off('message', hear)
        resolve(told)
      }
      child.on('message', hear)
    })
    child.send({ kind: 'load', perSecond: PER_SECOND, ms } satisfies Ask)
    return loaded
  }
  try {
    for (const id of [1, 2]) start(id)
    const served = Math.max(...(await Promise.all([1, 2].map(serving))))
    const leader = members.get(1)!.status.role === 'leading' ? 1 : 2
    const { cpuMs } = members.get(leader)!.status

    const before = await load(leader, WARM_UP_MS)
    start(3)
    const [during, snap] = await Promise.all([load(leader, LOAD_MS), serving(3)])
    const gaps = during.answered.map((at, n) => at - (during.answered[n - 1] ?? at))
    const mib = (bytes: number) => bytes / 1024 / 1024
    return [
      row(`served again after start, two at once (${whole(cpuMs)} ms of CPU each)`, served / 1000, 8, 's', false),
      ['learner served by SNAP after', `${whole(snap / 1000)} s`, '', ''],
      row(
        "growth of the leader's RSS during the SNAP",
        mib(Math.max(...during.rss) - Math.max(...before.rss)),
        64,
        'MiB',
        true,
      ),
      row('sets that failed', during.errors, 0, `of ${whole(during.answered.length)}`, false),
      row('commit gap p99.9', quantile(gaps, 0.999), 250, 'ms', false),
      row('commit gap max', Math.max(...gaps), 1000, 'ms', false),
    ]
  } finally {
    const ends = [...members.values()].map(({ child }) => new Promise(resolve => child.once('exit', resolve)))
    for (const { child } of members.values()) child.disconnect()
    changed = []
    await Promise.all(ends)
  }
}
