/**
 * The table in level-storage.ts, enumerated: one life of a store is written down before each of its writes, and then every state of log/ is put
 * beside every state of tree/, the states of the mark taking turns, as crashes, lost writes and mixed-up backups leave them. What opening makes of each
 * is foretold by the rows of the table, from the records as docs/format.md lays them out; each row must be met.
 * crash-table.test.ts goes on from what it finds.
 */
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { expect } from 'chai'
import { decodeGroup } from '../../../../lib/codec/record.js'
import type { ReplicaChanges } from '../../../../lib/model/replica-image.js'
import { ZERO, zxid } from '../../../../lib/model/zxid.js'
import { groupKey } from '../../../../lib/storage/level/keys.js'
import type { Storage } from '../../../../lib/storage/storage.js'
import { changes, proposals, znode } from '../../../compliance/storage-fixtures.js'
import { DataDir, flipped, watchingWrites } from './data-dir.js'

/** More than one slice of a checkpoint: it needs the journal. */
const NODES = 600
const NOTHING = 'missing'
const FOREIGN = "another's"

/** As far as the table needs them; zxids are those of epoch 1, by their counters. */
interface TreeState {
  readonly from: DataDir
  readonly state: 'whole' | typeof NOTHING | typeof FOREIGN
  readonly generation: number
  readonly checkpoint: number
  readonly chainBase: number
  /** There are chunks of a journal; entries of the next generation. */
  readonly journal: boolean
  readonly next: boolean
  /** Chunks that the record names. */
  readonly journalChunks: number
}
interface LogState {
  readonly from: DataDir
  readonly state: 'whole' | 'broken' | typeof NOTHING | typeof FOREIGN
  readonly generation: number
  readonly base: number
  /** By generation, the counters of the entries that are there and intact up to the first that is not. */
  readonly entries: ReadonlyMap<number, readonly number[]>
}
interface MarkState {
  readonly bytes: Buffer
  readonly generation: number
  readonly zxid: number
}
type Foretold = { readonly row: string } & (
  | { readonly refused: RegExp }
  | { readonly checkpoint: number; readonly base: number; readonly last: number }
)

function foretell(tree: TreeState, log: LogState, mark: MarkState): Foretold {
  const states = [log.state, tree.state]
  if (states.includes(NOTHING)) return { row: NOTHING, refused: /is missing or damaged/ }
  if (states.includes(FOREIGN)) return { row: FOREIGN, refused: /comes from another data directory/ }
  const { generation, checkpoint } = tree
  if (log.generation > generation || mark.generation > generation)
    return { row: 'log or mark of a later generation', refused: /an installed snapshot is lost/ }
  const base = log.generation === generation ? log.base : tree.chainBase
  if (base > checkpoint) return { row: 'base behind the checkpoint', refused: /a checkpoint is lost/ }
  const entries = log.entries.get(generation) ?? []
  let begin = base
  let last = base
  for (const entry of entries.filter(each => each > base)) {
    if (entry === last + 1) last = entry
    else if (entry - 1 <= checkpoint) {
      begin = entry - 1
      last = entry
    }
  }
  const required = mark.generation === generation ? Math.max(mark.zxid, checkpoint) : checkpoint
  if (last < required) return { row: 'acknowledged entries are lost', refused: /were acknowledged and are lost/ }
  const row =
    log.generation < generation
      ? 'switched, the log not yet'
      : mark.generation < generation
        ? 'switched, the mark not yet'
        : begin > base
          ? 'history shortened'
          : log.state === 'broken'
            ? 'torn'
            : tree.journalChunks > 0
              ? 'a journal that is named'
              : tree.journal
                ? 'a journal begun'
                : tree.next
                  ? 'a snapshot begun'
                  : 'checkpoint and log'
  return { row, checkpoint, base: begin, last }
}

const rows = [
  'checkpoint and log',
  'torn',
  'history shortened',
  'acknowledged entries are lost',
  'base behind the checkpoint',
  'a journal begun',
  'a journal that is named',
  'a snapshot begun',
  'switched, the log not yet',
  'switched, the mark not yet',
  'log or mark of a later generation',
  NOTHING,
  FOREIGN,
]

/** Every znode gets the version of its checkpoint: a tree of two versions is a torn one. */
function allAt(counter: number): ReplicaChanges {
  const nodes = Array.from({ length: NODES }, (_, n) => [`/n${n}`, { ...znode(n), version: counter }] as const)
  return changes(zxid(1, counter), nodes)
}

async function life(data: DataDir, seen: () => Promise<unknown>, atEnd: () => Promise<unknown>): Promise<void> {
  const source = await DataDir.make()
  const chunks: Uint8Array[] = []
  await source.with(async storage => {
    await storage.append(proposals(ZERO, 1, 15))
    await storage.checkpoint(allAt(15))
    const snapshot = await storage.readSnapshot()
    for await (const chunk of snapshot.chunks) chunks.push(chunk)
    await snapshot.close()
  })
  await source.destroy()

  const chapters: ((storage: Storage) => Promise<unknown>)[] = [
    async storage => {
      await storage.append(proposals(ZERO, 1, 2))
      // More than a piece that retention counts in, and the end of one.
      await storage.append(proposals(zxid(1, 2), 1, 18, 60_000))
      await storage.checkpoint(allAt(2))
    },
    async storage => {
      await storage.append(proposals(zxid(1, 20), 1, 2))
      await storage.checkpoint(allAt(21))
    },
    async storage => {
      // Older than the log that it replaces: what was behind it there had never been committed.
      const installer = await storage.installSnapshot({ zxid: zxid(1, 15), time: 1, digest: { high: 0, low: 0 } })
      for (const chunk of chunks) await installer.write(chunk)
      await installer.finish()
    },
    async storage => {
      await storage.append(proposals(zxid(1, 15), 1, 3))
      await storage.checkpoint(allAt(17))
    },
  ]
  for (const chapter of chapters) {
    const storage = data.store({ logBytesKept: 0 })
    await storage.open()
    await watchingWrites({ before: seen }, () => chapter(storage))
    await storage.close()
    await seen()
    await atEnd()
  }
}

describe('every pair of a log and a tree', function () {
  this.timeout(60_000)
  const dirs: DataDir[] = []
  const trees: TreeState[] = []
  const logs: LogState[] = []
  const marks: MarkState[] = []

  before(async () => {
    const data = await DataDir.make()
    dirs.push(data)
    await data.recovered()
    const atEnd = async () => marks.push(markOf(await readFile(data.file('mark'))))
    await atEnd()
    const seen = async () => {
      const copy = await data.copy()
      dirs.push(copy)
      addNew(logs, await logOf(copy))
      addNew(trees, await treeOf(copy))
    }
    await life(data, seen, atEnd)
    const brokenOff = await Promise.all([logs.at(-1)!, logs[2]!].map(log => withoutItsEnd(log)))
    const other = await DataDir.make()
    dirs.push(other)
    await other.recovered()
    for (const state of [NOTHING, FOREIGN] as const) {
      logs.push({ ...logs[0]!, from: other, state })
      trees.push({ ...trees[0]!, from: other, state })
    }
    logs.push(
      ...brokenOff,
      await withAHole(logs.find(({ base, entries }) => base === 0 && entries.get(1)?.at(-1) === 22)!),
    )
  })
  after(async () => {
    for (const data of dirs) await data.destroy()
  })

  async function withoutItsEnd(log: LogState): Promise<LogState> {
    const copy = await log.from.copy()
    dirs.push(copy)
    await copy.raw('log', async database => {
      const [newest] = await database
        .iterator({ gte: Buffer.from('L'), lt: Buffer.from('M'), reverse: true, limit: 1 })
        .all()
      if (newest !== undefined) await database.put(newest[0], flipped(newest[1], newest[1].length - 9))
    })
    return { ...(await logOf(copy)), state: 'broken' }
  }

  /** Without the group of the entries 3 to 20. */
  async function withAHole(log: LogState): Promise<LogState> {
    const copy = await log.from.copy()
    dirs.push(copy)
    await copy.raw('log', database => database.del(groupKey(1, zxid(1, 3))))
    return logOf(copy)
  }

  it('opens as its row of the table says, and every row is met', async () => {
    const met = new Map<string, number>()
    const place = await DataDir.make()
    dirs.push(place)
    await mkdir(place.location)
    const part = async (name: 'log' | 'tree', { from, state }: LogState | TreeState) => {
      await rm(place.file(name), { recursive: true, force: true })
      if (state !== NOTHING) await cp(from.file(name), place.file(name), { recursive: true })
    }
    await cp(trees[0]!.from.file('identity'), place.file('identity'))
    for (const [t, tree] of trees.entries()) {
      for (const [l, log] of logs.entries()) {
        const mark = marks[(t + 3 * l) % marks.length]!
        await part('tree', tree)
        await part('log', log)
        await writeFile(place.file('mark'), mark.bytes)
        const foretold = foretell(tree, log, mark)
        met.set(foretold.row, (met.get(foretold.row) ?? 0) + 1)
        await expectOpening(place, foretold, JSON.stringify({ tree, log, mark: { ...mark, bytes: '' } }))
      }
    }
    expect([...met.keys()]).to.have.members(rows)
  })
})

/** States that differ only in what the table does not look at count once. */
function addNew<State extends LogState | TreeState>(states: State[], state: State): void {
  const told = (one: State) =>
    JSON.stringify({ ...one, from: '', ...('entries' in one ? { entries: [...one.entries] } : {}) })
  if (!states.some(known => told(known) === told(state))) states.push(state)
}

/** Words behind the version byte. */
function wordsOf(bytes: Buffer): number[] {
  return Array.from({ length: (bytes.length - 5) / 4 }, (_, at) => bytes.readUInt32BE(1 + 4 * at))
}

function markOf(bytes: Buffer): MarkState {
  const slots = [0, 512].map(at => wordsOf(bytes.subarray(at, at + 33))).sort((a, b) => b[1]! - a[1]!)
  const [, , generation, , counter] = slots[0]!
  return { bytes, generation: generation!, zxid: counter! }
}

async function logOf(data: DataDir): Promise<LogState> {
  return data.raw('log', async database => {
    const [generation, , base] = wordsOf((await database.get(Buffer.from('B')))!)
    const entries = new Map<number, number[]>()
    for await (const [key, value] of database.iterator({ gte: Buffer.from('L'), lt: Buffer.from('M') })) {
      const list = entries.get(key.readUInt32BE(1)) ?? []
      entries.set(key.readUInt32BE(1), list)
      try {
        list.push(...decodeGroup(value).map(entry => entry.zxid.counter))
      } catch {
        break
      }
    }
    return { from: data, state: 'whole', generation: generation!, base: base!, entries }
  })
}

async function treeOf(data: DataDir): Promise<TreeState> {
  return data.raw('tree', async database => {
    const words = wordsOf((await database.get(Buffer.from('C')))!)
    const generation = words[0]!
    const keys = await database.keys().all()
    const journal = keys.some(key => key[0] === 0x4a)
    const next = keys.some(key => (key[0] === 0x4e || key[0] === 0x50) && key.readUInt32BE(1) > generation)
    const [journalChunks, checkpoint, chainBase] = [words[2]!, words[4]!, words[10]!]
    return { from: data, state: 'whole', generation, checkpoint, chainBase, journal, next, journalChunks }
  })
}

async function expectOpening(place: DataDir, foretold: Foretold, what: string): Promise<void> {
  if ('refused' in foretold) {
    const { code, message } = await place.failure()
    expect(code, what).to.equal('DATA_CORRUPT')
    expect(message, what).to.match(foretold.refused)
    return
  }
  const { image, suffix, history } = await place.recovered()
  const { checkpoint, base, last } = foretold
  expect(image.zxid.counter, what).to.equal(checkpoint)
  const versions = [...image.nodes].map(([, { version }]) => version)
  expect(versions, what).to.have.length(checkpoint === 0 ? 0 : NODES)
  expect(new Set(versions).size, what).to.be.at.most(1)
  if (checkpoint > 0) expect(versions[0], what).to.equal(checkpoint)
  const behind = suffix.map(entry => entry.zxid.counter)
  expect(behind, what).to.deep.equal(Array.from({ length: last - checkpoint }, (_, at) => checkpoint + 1 + at))
  expect(history.base.counter, what).to.equal(base)
}
