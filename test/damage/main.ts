/**
 * Damages copies of a real three-member data set, one file of one member at a time, and sees that nothing false is ever taken for true (D1, D3, D8, D9).
 *
 *   npm run test:damage -- --images 2000 [--seed S] [--every 40]
 *
 * Each image either opens with exactly what the member held (of history that lies behind the checkpoint, perhaps only the later part), or is found damaged and can be repaired with its epochs kept, or is refused with
 * DATA_CORRUPT, which only a damaged identity or mark allows. Every so many of them (`--every`) are opened for good, with the two other members.
 *
 * Opened in a process of its own, which is not to end: LevelDB ends it by an assertion over some damaged tables, if it gets to see them.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Examiner } from '../../lib/cli/examiner.js'
import { fsck, type Verdict } from '../../lib/cli/fsck.js'
import { recover } from '../../lib/cli/recover.js'
import { applyTxn } from '../../lib/core/operations/apply-txn.js'
import { Replica } from '../../lib/core/replica.js'
import { hasCode, Peer } from '../../lib/index.js'
import { formatDigest, sameDigest } from '../../lib/model/digest.js'
import type { PeerId } from '../../lib/model/ids.js'
import { formatZxid, sameZxid, ZERO } from '../../lib/model/zxid.js'
import { LevelStorage } from '../../lib/storage/level/level-storage.js'
import type { Recovered } from '../../lib/storage/storage.js'
import { SeededRandom } from '../../lib/testing/seeded-random.js'
import { memory, memoryNetwork } from '../../transports/memory/index.js'

const { values } = parseArgs({
  options: {
    images: { type: 'string', default: '2000' },
    seed: { type: 'string', default: '1' },
    every: { type: 'string', default: '40' },
    worker: { type: 'boolean', default: false },
  },
})
const ids = [1, 2, 3]
const members = Object.fromEntries(ids.map(id => [id, `memory://${id}`]))
const random = new SeededRandom(Number(values.seed), 'damage')
const root = values.worker ? '' : await mkdtemp(join(tmpdir(), 'vivarium-damage-'))
const started = performance.now()

/** Three members over the directories 1, 2, 3 in `place`. */
async function openAll(place: string): Promise<Peer[]> {
  const network = memoryNetwork()
  const results = await Promise.allSettled(
    ids.map(id => {
      const transport = memory({ network, name: String(id) })
      return Peer.open({ id, members, transport, dataDir: join(place, String(id)), tickMs: 500 })
    }),
  )
  const opened = results.flatMap(result => (result.status === 'fulfilled' ? [result.value] : []))
  const failed = results.find(result => result.status === 'rejected')
  if (failed === undefined) return opened
  await Promise.all(opened.map(peer => peer.close()))
  throw failed.reason
}

async function serving(peers: readonly Peer[]): Promise<void> {
  await Promise.all(peers.map(peer => peer.serving({ timeout: 20_000 })))
}

/** Everything a replica shows, in a line a znode. */
function contents(peer: Peer): string {
  const lines: string[] = []
  const ahead = ['/']
  for (let path = ahead.pop(); path !== undefined; path = ahead.pop()) {
    const { data, stat } = peer.view.get(path)!
    const numbers = [stat.version, stat.aversion, stat.cversion, stat.czxid, stat.mzxid, stat.pzxid]
    lines.push(`${path} ${data === null ? '-' : Buffer.from(data).toString('hex')} ${numbers.join(' ')}`)
    for (const child of peer.view.children(path)!) ahead.push(path === '/' ? `/${child}` : `${path}/${child}`)
  }
  return lines.sort().join('\n')
}

/** Checkpoints, restarts and tables on disk: all that a member can have. */
async function makeDataSet(place: string): Promise<string> {
  await mkdir(place)
  let all = ''
  for (let round = 0; round < 4; round++) {
    const peers = await openAll(place)
    await serving(peers)
    const zk = await peers[round % 3]!.client({ sessionTimeoutMs: 10_000 })
    const writes: Promise<unknown>[] = []
    if (round === 0) {
      // Znodes that ZooKeeper's digest leaves out; their statistics change with every round.
      await zk.create('/shop')
      await zk.create('/zookeeper/quota/shop/zookeeper_limits', new Uint8Array(), { parents: true })
      await zk.create('/zookeeper/quota/shop/zookeeper_stats')
    }
    for (let n = 0; n < 20; n++) writes.push(zk.create(`/shop/r${round}-${n}`))
    for (let n = 0; n < 150; n++) {
      const data = new Uint8Array(random.below(400)).map(() => random.below(256))
      writes.push(zk.create(`/r${round}-${n}`, data))
      if (round > 0 && n % 3 === 0) writes.push(zk.set(`/r${round - 1}-${n}`, data))
      if (round > 0 && n % 10 === 9) writes.push(zk.delete(`/r${round - 1}-${n}`))
    }
    await Promise.all(writes)
    await zk.close()
    while (new Set(peers.map(peer => peer.status.applied)).size > 1)
      await new Promise(resolve => setTimeout(resolve, 5))
    all = contents(peers[0]!)
    await Promise.all(peers.map(peer => peer.close()))
    if (round === 1) for (const id of ids) await checkpoint(join(place, String(id)), id)
  }
  return all
}

/** As a running member does when its log has grown. */
async function checkpoint(directory: string, id: number): Promise<void> {
  const storage = store(directory, id)
  const replica = replay(await storage.open())
  await storage.checkpoint(replica.captureChanges())
  await storage.close()
}

function store(dataDir: string, id: number): LevelStorage {
  return new LevelStorage({ dataDir, ensemble: 'vivarium', peer: id as PeerId })
}

/** Throws when the tree is not the one its digest was made of, as a starting peer does. */
function replay({ image, suffix }: Recovered): Replica {
  const replica = Replica.from(image)
  if (!sameZxid(image.zxid, ZERO) && !sameDigest(replica.digest, image.digest)) throw new NotWhole()
  for (const proposal of suffix) applyTxn(replica, proposal)
  return replica
}
class NotWhole extends Error {}

interface Held {
  readonly text: string
  /** A line for each transaction of the log. */
  readonly history: readonly string[]
  /** The digest after each transaction of the log. */
  readonly states: Readonly<Record<string, string>>
  readonly epochs: Recovered['epochs']
}

/** All that a store holds: state by digest, each znode, each session, and the whole history. */
async function held(storage: LevelStorage, recovered: Recovered): Promise<Held> {
  const plain = (value: unknown) =>
    JSON.stringify(value, (_, each) => (each instanceof Uint8Array ? Buffer.from(each).toString('hex') : each))
  // Listed first: the replica takes them.
  const nodes = [...recovered.image.nodes].map(([path, znode]) => `${path} ${plain(znode)}`)
  const replica = replay(recovered)
  const lines = [`${formatZxid(replica.zxid)} ${replica.digest.high} ${replica.digest.low}`]
  lines.push(...nodes)
  for (const session of recovered.image.sessions) lines.push(plain(session))
  const states: Record<string, string> = {}
  const past = Replica.empty()
  const history: string[] = []
  for await (const batch of storage.readHistory(recovered.history.base)) {
    for (const proposal of batch) {
      history.push(plain({ ...proposal, record: undefined }))
      if (recovered.lostHistory !== undefined) continue
      applyTxn(past, proposal)
      states[formatZxid(past.zxid)] = formatDigest(past.digest)
    }
  }
  return { text: lines.join('\n'), history, states, epochs: recovered.epochs }
}

const kinds = ['flip', 'cut', 'zeroed page', 'missing'] as const

async function filesOf(directory: string): Promise<string[]> {
  const found: string[] = []
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const file = join(directory, entry.name)
    if (entry.isDirectory()) found.push(...(await filesOf(file)))
    else found.push(file)
  }
  return found.sort()
}

/** Says what was done to which file. */
async function damage(directory: string): Promise<{ readonly file: string; readonly what: string }> {
  const all = await filesOf(directory)
  const data = all.filter(file => /(\.log|\.ldb|MANIFEST-\d+|CURRENT|identity|mark)$/.test(file))
  // The large files have most of the pages; the small ones most of the meaning.
  const file = random.pick(random.chance(0.9) ? data : all)
  const { size } = await stat(file)
  const what = size === 0 ? 'missing' : random.pick(kinds)
  if (what === 'missing') await rm(file)
  else if (what === 'cut') await truncate(file, random.below(size))
  else {
    const bytes = await readFile(file)
    const at = random.below(size)
    if (what === 'flip') bytes[at]! ^= 1 << random.below(8)
    else bytes.fill(0, at & ~4095, Math.min(size, (at & ~4095) + 4096))
    await writeFile(file, bytes)
  }
  return { file: relative(directory, file), what }
}

const counts = new Map<string, number>()
const wrong: string[] = []
const count = (what: string): void => void counts.set(what, (counts.get(what) ?? 0) + 1)
const mayRefuse = (file: string): boolean => ['identity', 'mark'].includes(basename(file))

/** What fsck says must be what the store then does, and what recover makes of it a state that there was. */
async function judge(directory: string, id: number, file: string, original: Held): Promise<string> {
  const { verdict, lines } = await fsck(directory, examiner)
  let made = ''
  if (random.chance(0.2)) {
    const copy = `${directory} to recover`
    await cp(directory, copy, { recursive: true })
    made = await recovered(copy, id, lines, original)
    if (made.includes('RECOVERED')) return made
  }
  const result = await open(directory, id, file, original)
  const expected: Record<string, readonly Verdict[]> = {
    intact: ['sound', 'mendable'],
    'history shortened': ['mendable'],
    'damage found': ['mendable'],
    refused: ['damaged'],
  }
  const agreed = expected[result]?.includes(verdict) !== false
  return agreed ? `${result}${made}` : `FSCK SAYS ${lines.at(-1)}; the store: ${result}`
}

async function recovered(directory: string, id: number, lines: readonly string[], original: Held): Promise<string> {
  const said = lines.find(line => line.startsWith('last intact: '))
  const acceptLossAfter = /0x[0-9a-f]+/.exec(said ?? '')?.[0] ?? '0x0'
  const options = { acceptLossAfter, ensemble: 'recovered', yes: true }
  try {
    for await (const _ of recover(directory, options, examiner));
  } catch (error) {
    const hopeless = said?.includes('nothing') || lines.some(line => /^identity: .*(damaged|missing)/.test(line))
    return hopeless ? ', nothing to recover' : `NOT RECOVERED, ${said}: ${String(error)}`
  }
  const storage = new LevelStorage({ dataDir: directory, ensemble: 'recovered', peer: id as PeerId })
  const { zxid, digest } = replay(await storage.open())
  await storage.close()
  const at = formatZxid(zxid)
  const same = at === acceptLossAfter && original.states[at] === formatDigest(digest)
  return same ? ', recovered' : `RECOVERED SOMETHING ELSE, ${said}: ${at}`
}

/** At the level of the store: what it says of the damaged directory. */
async function open(directory: string, id: number, file: string, original: Held): Promise<string> {
  const storage = store(directory, id)
  try {
    try {
      const opened = await storage.open()
      const found = await held(storage, opened)
      const kept = original.history.slice(opened.lostHistory === undefined ? 0 : -found.history.length)
      const same =
        found.text === original.text &&
        JSON.stringify([found.epochs, found.history]) === JSON.stringify([original.epochs, kept])
      if (!same) return 'SILENT DIFFERENCE'
      return opened.lostHistory === undefined ? 'intact' : 'history shortened'
    } catch (error) {
      if (!hasCode(error, 'DATA_CORRUPT') && !(error instanceof NotWhole)) return `UNEXPECTED ${String(error)}`
      const { epochs, damage } = await storage.beginRepair(error)
      if (damage === undefined) return 'NOT MARKED AS DAMAGED'
      const kept = epochs.accepted >= original.epochs.accepted && epochs.current >= original.epochs.current
      return kept ? 'damage found' : 'EPOCHS LOST'
    }
  } catch (error) {
    if (!hasCode(error, 'DATA_CORRUPT')) return `UNEXPECTED ${String(error)}`
    return mayRefuse(file) ? 'refused' : `REFUSED ${String(error)}`
  } finally {
    await storage.close()
  }
}

/** With the two other members: all serve, and all hold what was there. */
async function live(place: string, file: string, all: string): Promise<string> {
  let peers: Peer[]
  try {
    peers = await openAll(place)
  } catch (error) {
    return hasCode(error, 'DATA_CORRUPT') && mayRefuse(file) ? 'refused, live' : `UNEXPECTED, live: ${String(error)}`
  }
  try {
    const repaired = peers.some(peer => peer.status.state === 'repairing')
    await serving(peers)
    while (new Set(peers.map(peer => peer.status.applied)).size > 1)
      await new Promise(resolve => setTimeout(resolve, 5))
    if (peers.some(peer => contents(peer) !== all)) return 'SILENT DIFFERENCE, live'
    return repaired ? 'repaired, live' : 'intact, live'
  } catch (error) {
    return `UNEXPECTED, live: ${String(error)}`
  } finally {
    await Promise.all(peers.map(peer => peer.close()))
  }
}

interface Task {
  readonly place: string
  readonly id: number
  readonly file: string
  readonly original: Held
  /** The contents that all must show, for an image that is opened with the others. */
  readonly all: string | undefined
}

let worker: ChildProcess | undefined

/** In the worker, which may not survive it. */
async function inWorker(task: Task): Promise<string> {
  worker ??= fork(fileURLToPath(import.meta.url), ['--worker'], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const mine = worker
  const ended = once(mine, 'exit').then(([code, signal]) => `aborted (${signal ?? code})`)
  const answered = once(mine, 'message').then(([answer]) => String(answer))
  mine.send(task)
  const result = await Promise.race([answered, ended])
  mine.removeAllListeners()
  if (result.startsWith('aborted')) worker = undefined
  return result
}

async function work(): Promise<void> {
  try {
    const set = join(root, 'set')
    const all = await makeDataSet(set)
    const originals = new Map<number, Held>()
    for (const id of ids) {
      const directory = join(root, `original ${id}`)
      await cp(join(set, String(id)), directory, { recursive: true })
      const storage = store(directory, id)
      originals.set(id, await held(storage, await storage.open()))
      await storage.close()
    }
    const images = Number(values.images)
    for (let image = 1; image <= images; image++) {
      const id = random.pick(ids)
      const alive = image % Number(values.every) === 0
      const place = join(root, 'image')
      if (alive) await cp(set, place, { recursive: true })
      else await cp(join(set, String(id)), join(place, String(id)), { recursive: true })
      const directory = join(place, String(id))
      const { file, what } = await damage(directory)
      const task = { place, id, file, original: originals.get(id)!, all: alive ? all : undefined }
      const result = await inWorker(task)
      count(result)
      if (/[A-Z]{4}/.test(result)) wrong.push(`image ${image}: member ${id}, ${file} ${what}: ${result}`)
      await rm(place, { recursive: true })
    }
  } finally {
    worker?.disconnect()
    await rm(root, { recursive: true, force: true })
  }
  console.log([...counts].map(([result, times]) => `${result.slice(0, 60)} ${times}`).join(', '))
  for (const line of wrong.slice(0, 20)) console.log(line)
  console.log(`${((performance.now() - started) / 1000).toFixed(1)} s, seed ${values.seed}, ${wrong.length} wrong`)
  process.exitCode = wrong.length === 0 ? 0 : 1
}

const examiner = new Examiner()
if (values.worker) {
  process.once('disconnect', () => examiner.close())
  process.on('message', async ({ place, id, file, original, all }: Task) => {
    const directory = join(place, String(id))
    process.send!(all === undefined ? await judge(directory, id, file, original) : await live(place, file, all))
  })
} else await work()
