/**
 * Question: does size hurt? A tree of a million znodes of 100 B: how soon it is served again, what it takes in memory, what sending it to a learner does
 * to the leader's memory and to commits until that learner serves, what a checkpoint of a few changes writes, and how long one of all
 * holds the event loop up. Each figure is printed with its bound, if there is one.
 *   npm run bench -- million [--nodes 1000000]
 */
import { type ChildProcess, fork } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { Level } from 'level'
import { EMPTY_DIGEST } from '../lib/model/digest.js'
import type { PeerId, SessionId } from '../lib/model/ids.js'
import type { ReplicaChanges } from '../lib/model/replica-image.js'
import type { Znode } from '../lib/model/znode.js'
import { zxid } from '../lib/model/zxid.js'
import { LevelStorage } from '../lib/storage/level/level-storage.js'
import { freePorts, printTable, quantile, whole } from './harness.js'
import { type BigTree, bigNodes, bigTree, ENSEMBLE, install, pathOf } from './million-data.js'
import type { Ask, Loaded, Memory, MillionConfig, Told } from './million-member.js'

const SMALL = 1000
const CHANGED = 100
const PER_SECOND = 1000
const WARM_UP_MS = 5000
/** The load goes on for so long when the learner serves. */
const BEHIND_MS = 3000

const MEMBERS = [1, 2, 3] as const

type Row = readonly [figure: string, measured: string, bound: string, kept: string]

export async function million(nodes: number): Promise<void> {
  const before = loadavg()[0]!
  const parent = await mkdtemp(join(tmpdir(), 'vivarium-million-'))
  try {
    const rows = [
      ...(await checkpoints(parent, nodes)),
      ...(await wholeCheckpoint(parent, nodes)),
      ...(await ensemble(parent)),
    ]
    console.log(`load average before and behind: ${before.toFixed(1)}, ${loadavg()[0]!.toFixed(1)}`)
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

/** Leaves the directories of the members below `parent`, each with the big tree. */
async function checkpoints(parent: string, nodes: number): Promise<Row[]> {
  const small = await written(bigTree(SMALL), join(parent, 'small'))
  let tree: BigTree | undefined = bigTree(nodes)
  const big = await written(tree, join(parent, 'big'))
  for (const id of MEMBERS) await install(tree, join(parent, String(id)), id)
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

/** How long a checkpoint of every znode, and then packing them, holds the event loop up. */
async function wholeCheckpoint(parent: string, nodes: number): Promise<Row[]> {
  const storage = new LevelStorage({
    dataDir: join(parent, 'whole'),
    ensemble: ENSEMBLE,
    peer: 1 as PeerId,
    now: () => performance.now(),
  })
  await storage.open()
  const at = zxid(1, 1)
  const txn = { kind: 'error', code: 'NO_NODE' } as const
  await storage.append([
    { zxid: at, previous: zxid(0, 0), session: '0100000000000001' as SessionId, cxid: 1, time: 1, txn },
  ])
  const changes: ReplicaChanges = {
    zxid: at,
    time: 1,
    digest: EMPTY_DIGEST,
    nodes: bigNodes(nodes),
    sessions: new Map(),
  }
  const written = await blocked(() => storage.checkpoint(changes))
  const packed = await blocked(idle)
  await storage.close()
  const said = ({ ms, cpuMs }: Blocked) => `${(ms / 1000).toFixed(1)} s, ${(cpuMs / 1000).toFixed(1)} s of CPU`
  return [
    note(`event loop held up by a checkpoint of all (${said(written)}): longest`, `${written.longest.toFixed(1)} ms`),
    note('the same, 999 of 1,000 turns', `${written.most.toFixed(1)} ms`),
    note(`event loop held up by packing behind it (${said(packed)}): longest`, `${packed.longest.toFixed(1)} ms`),
  ]
}

interface Blocked {
  readonly longest: number
  readonly most: number
  readonly ms: number
  readonly cpuMs: number
}

async function blocked(work: () => Promise<unknown>): Promise<Blocked> {
  globalThis.gc?.()
  const delays = monitorEventLoopDelay({ resolution: 1 })
  const [start, cpu] = [performance.now(), process.cpuUsage()]
  delays.enable()
  await work()
  delays.disable()
  const { user, system } = process.cpuUsage(cpu)
  const ms = performance.now() - start
  return { longest: delays.max / 1e6, most: delays.percentile(99.9) / 1e6, ms, cpuMs: (user + system) / 1000 }
}

/** What is done in the background has come to an end: this process is at rest. */
async function idle(): Promise<void> {
  for (let resting = 0; resting < 3; ) {
    const cpu = process.cpuUsage()
    await new Promise(resolve => setTimeout(resolve, 250))
    const { user, system } = process.cpuUsage(cpu)
    resting = user + system < 25_000 ? resting + 1 : 0
  }
}

function note(figure: string, value: string): Row {
  return [figure, value, '', '']
}

interface Member {
  readonly child: ChildProcess
  readonly startedAt: number
  status: Extract<Told, { kind: 'status' }>
}

class Members {
  readonly #parent: string
  readonly #ports: readonly number[]
  readonly #members = new Map<number, Member>()
  #changed: (() => void)[] = []

  constructor(parent: string, ports: readonly number[]) {
    this.#parent = parent
    this.#ports = ports
  }

  start(id: number): void {
    const config: MillionConfig = { id, dataDir: this.dataDir(id), ports: this.#ports }
    const extension = extname(import.meta.url)
    const file = fileURLToPath(new URL(`./million-member${extension}`, import.meta.url))
    const child = fork(file, [JSON.stringify(config)], {
      execArgv: ['--expose-gc', ...(extension === '.ts' ? ['--import', 'tsx'] : [])],
      serialization: 'advanced',
    })
    const status = { kind: 'status', role: 'looking', serving: false, cpuMs: 0 } as const
    const member: Member = { child, startedAt: performance.now(), status }
    this.#members.set(id, member)
    child.on('message', (told: Told) => {
      if (told.kind !== 'status') return
      member.status = told
      for (const heard of this.#changed.splice(0)) heard()
    })
    child.once('exit', () => this.#members.delete(id))
  }

  dataDir(id: number): string {
    return join(this.#parent, String(id))
  }

  status(id: number): Member['status'] {
    return this.#members.get(id)!.status
  }

  leader(): number {
    return [...this.#members.keys()].find(id => this.status(id).role === 'leading')!
  }

  /** Milliseconds since it was started, and its CPU time. */
  async serving(id: number): Promise<{ readonly ms: number; readonly cpuMs: number }> {
    while (!this.status(id).serving) await new Promise<void>(resolve => this.#changed.push(resolve))
    return { ms: performance.now() - this.#members.get(id)!.startedAt, cpuMs: this.status(id).cpuMs }
  }

  tell(id: number, ask: Ask): void {
    this.#members.get(id)!.child.send(ask)
  }

  ask<K extends Told['kind']>(id: number, ask: Ask, answer: K): Promise<Extract<Told, { kind: K }>> {
    const { child } = this.#members.get(id)!
    const answered = new Promise<Extract<Told, { kind: K }>>(resolve => {
      const hear = (told: Told) => {
        if (told.kind !== answer) return
        child.off('message', hear)
        resolve(told as Extract<Told, { kind: K }>)
      }
      child.on('message', hear)
    })
    child.send(ask)
    return answered
  }

  async stop(id: number): Promise<void> {
    const member = this.#members.get(id)
    if (member === undefined) return
    const gone = new Promise(resolve => member.child.once('exit', resolve))
    member.child.disconnect()
    await gone
  }

  async stopAll(): Promise<void> {
    this.#changed = []
    await Promise.all([...this.#members.keys()].map(id => this.stop(id)))
  }
}

async function ensemble(parent: string): Promise<Row[]> {
  const members = new Members(parent, await freePorts(MEMBERS.length))
  const seconds = (ms: number) => (ms / 1000).toFixed(1)
  const mib = (bytes: number) => bytes / 1024 / 1024
  try {
    for (const id of MEMBERS) members.start(id)
    const cold = await Promise.all(MEMBERS.map(id => members.serving(id)))
    const coldCpu = cold.map(({ cpuMs }) => seconds(cpuMs)).join(', ')

    const leader = members.leader()
    const other = MEMBERS.find(id => id !== leader)!
    const memory: Memory = await members.ask(other, { kind: 'settle' }, 'settled')
    await members.stop(other)
    members.start(other)
    const again = await members.serving(other)

    await members.stop(other)
    await rm(members.dataDir(other), { recursive: true })
    const rest = await members.ask(leader, { kind: 'settle' }, 'settled')
    let snap = { ms: 0, cpuMs: 0 }
    const start = performance.now()
    const busy = await loadFor(members, leader, async () => {
      await sleep(WARM_UP_MS)
      members.start(other)
      snap = await members.serving(other)
      await sleep(BEHIND_MS)
    })
    const lasted = performance.now() - start
    const behind = await members.ask(leader, { kind: 'settle' }, 'settled')
    // The same load for as long, without a learner.
    const calm = await loadFor(members, leader, () => sleep(lasted))
    const gaps = (loaded: Loaded) => loaded.answered.map((at, n) => at - (loaded.answered[n - 1] ?? at))
    const offered = `${whole(busy.begun)} sets`
    return [
      row(
        `served again, three members at once (CPU ${coldCpu} s): the last after`,
        Math.max(...cold.map(({ ms }) => ms)) / 1000,
        8,
        's',
        false,
      ),
      note('the first two after', `${seconds(cold.map(({ ms }) => ms).sort((a, b) => a - b)[1]!)} s`),
      row(
        `served again, one member of a running ensemble (CPU ${seconds(again.cpuMs)} s)`,
        again.ms / 1000,
        8,
        's',
        false,
      ),
      note(
        'memory of a member, at rest',
        `RSS ${whole(mib(memory.rss))}, heap ${whole(mib(memory.heap))}, external ${whole(mib(memory.external))} MiB`,
      ),
      note(`an empty learner serves by SNAP (CPU ${seconds(snap.cpuMs)} s) after`, `${seconds(snap.ms)} s`),
      row("leader's RSS until then, above that at rest: grows by", mib(busy.rssMax - rest.rss), 64, 'MiB', true),
      note('the same by the same load without a learner', `${whole(mib(calm.rssMax - behind.rss))} MiB`),
      note('what is left of it when all is at rest again', `${whole(mib(behind.rss - rest.rss))} MiB`),
      row(`sets that failed, of ${offered}`, busy.errors, 0, 'sets', false),
      row(
        `commit gap until then, p99.9 (${quantile(gaps(calm), 0.999).toFixed(0)} without a learner)`,
        quantile(gaps(busy), 0.999),
        250,
        'ms',
        false,
      ),
      row(
        `commit gap until then, max (${Math.max(...gaps(calm)).toFixed(0)} without a learner)`,
        Math.max(...gaps(busy)),
        1000,
        'ms',
        false,
      ),
      note(
        "leader's event loop held up, longest",
        `${busy.blockedMax.toFixed(0)} ms (${calm.blockedMax.toFixed(0)} without a learner)`,
      ),
    ]
  } finally {
    await members.stopAll()
  }
}

async function loadFor(members: Members, id: number, work: () => Promise<void>): Promise<Loaded> {
  const loaded = members.ask(id, { kind: 'load', perSecond: PER_SECOND }, 'loaded')
  await work()
  members.tell(id, { kind: 'end' })
  return loaded
}

function sleep(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}
