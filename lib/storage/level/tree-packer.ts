/**
 * Packs single znodes, and packs that have been outdated by them, into packs again: a value of 64 KiB is read in a fraction of the time that its
 * 400 znodes take one by one. A checkpoint writes single znodes only, so its cost follows the change; packing rewrites a pack when a
 * quarter of it has changed, so its cost follows the change, too, a few times over.
 *
 * Always holds: a step replaces a range of paths by one synced batch, so the tree is the same before, after and in a crash; it runs in the
 * turn of calls on the tree, so no checkpoint writes what a step is about to delete.
 * Before: level-storage.ts, in the background behind a checkpoint. docs/format.md "Packs".
 */
import { SnapshotChunkReader, SnapshotChunkWriter } from '../../codec/snapshot-chunk.js'
import { type CheckpointRecord, checkpointOperation } from './checkpoint-record.js'
import { type Database, type Operation, writeBatch } from './database.js'
import { nodeKeyOf, nodesOf, packKey, packsOf, pathInKey } from './keys.js'
import { type SingleNode, singleNode } from './tree-slices.js'

const PACK_BYTES = 64 * 1024
/** What a step takes of the single znodes, so that nobody waits longer than about 4 ms. */
const STEP_ENTRIES = 500
const STEP_BYTES = 128 * 1024
/** A pack is made anew when the single znodes in its range are this part of it, by number or by weight. */
const WORTH = 4
/** Fewer than this in a range without a pack stay single. */
const LONE_BYTES = 16 * 1024

interface Pack {
  readonly first: Buffer
  readonly bytes: Buffer
}

export class TreePacker {
  readonly #database: Database
  readonly #generation: number
  readonly #loneBytes: number
  /** Where the next step begins: a path; undefined at the end. */
  #from: Buffer | undefined = Buffer.alloc(0)
  /** What has been looked at and left single. */
  leftBytes = 0

  /** Packs `generation`. Fewer than `loneBytes` of single znodes where no pack is stay single. */
  constructor(database: Database, generation: number, loneBytes: number) {
    this.#database = database
    this.#generation = generation
    this.#loneBytes = Math.min(loneBytes, LONE_BYTES)
  }

  get done(): boolean {
    return this.#from === undefined
  }

  /** One range. Resolves with the checkpoint record as it is now. */
  async step(record: CheckpointRecord): Promise<CheckpointRecord> {
    const generation = this.#generation
    const from = this.#from
    if (from === undefined || record.generation !== generation) {
      this.#from = undefined
      return record
    }
    const head = await this.#singles(from, undefined, 1)
    const first = head[0]?.path
    if (first === undefined) {
      this.#from = undefined
      return record
    }
    const [pack, next] = record.packed ? await this.#around(first) : []
    const singles = await this.#singles(first, next, STEP_ENTRIES)
    const taken = within(singles, STEP_BYTES)
    const whole = taken.length === singles.length && singles.length < STEP_ENTRIES
    const bytes = taken.reduce((sum, { path, value }) => sum + path.length + value.length, 0)
    const worth = !whole || (pack === undefined ? bytes >= this.#loneBytes : isWorth(pack, taken.length, bytes))
    if (whole) this.#from = next
    else this.#from = after(taken.at(-1)!.path)
    if (!worth) {
      this.leftBytes += bytes
      return record
    }
    const operations: Operation[] = taken.map(({ path }) => ({ type: 'del', key: nodeKeyOf(generation, path) }))
    if (pack !== undefined) operations.push({ type: 'del', key: packKey(generation, pack.first) })
    for (const chunk of merged(pack, taken)) {
      const reader = new SnapshotChunkReader(chunk)
      reader.next()
      operations.push({ type: 'put', key: packKey(generation, reader.keyBytes()), value: asBuffer(chunk) })
    }
    const packed = record.packed ? record : { ...record, packed: true }
    if (packed !== record) operations.push(checkpointOperation(packed))
    await writeBatch(this.#database, operations)
    return packed
  }

  /** Those from `from` up to and without `to`. */
  async #singles(from: Buffer, to: Buffer | undefined, limit: number): Promise<readonly SingleNode[]> {
    const generation = this.#generation
    const gte = nodeKeyOf(generation, from)
    const lt = to === undefined ? nodesOf(generation).lt : nodeKeyOf(generation, to)
    const entries = await this.#database.values({ gte, lt, limit, fillCache: false }).all()
    return entries.map(singleNode)
  }

  /** The pack in whose range the path is, if any, and where the next one begins. */
  async #around(path: Buffer): Promise<[pack: Pack | undefined, next: Buffer | undefined]> {
    const generation = this.#generation
    const { gte, lt } = packsOf(generation)
    const key = packKey(generation, path)
    const before = this.#database.iterator({ gte, lte: key, reverse: true, limit: 1, fillCache: false })
    const behind = this.#database.keys({ gt: key, lt, limit: 1, fillCache: false })
    const [[found], [next]] = await Promise.all([before.all(), behind.all()])
    const pack = found === undefined ? undefined : { first: pathInKey(found[0]), bytes: found[1] }
    return [pack, next === undefined ? undefined : pathInKey(next)]
  }
}

function isWorth(pack: Pack, entries: number, bytes: number): boolean {
  return bytes * WORTH >= pack.bytes.length || entries * WORTH >= new SnapshotChunkReader(pack.bytes).count
}

/** Pack and single znodes in one. */
function* merged(pack: Pack | undefined, singles: readonly SingleNode[]): Generator<Uint8Array, void, undefined> {
  const writer = new SnapshotChunkWriter(PACK_BYTES)
  const add = (path: Uint8Array, value: Uint8Array) =>
    value.length === 0 ? undefined : writer.addBytes('node', path, value)
  let at = 0
  if (pack !== undefined) {
    const reader = new SnapshotChunkReader(pack.bytes)
    while (reader.next()) {
      const path = reader.keyBytes()
      let order = -1
      for (; at < singles.length; at++) {
        order = Buffer.compare(path, singles[at]!.path)
        if (order <= 0) break
        const full = add(singles[at]!.path, singles[at]!.value)
        if (full !== undefined) yield full
      }
      if (order === 0) {
        const full = add(path, singles[at++]!.value)
        if (full !== undefined) yield full
        continue
      }
      const full = add(path, reader.value())
      if (full !== undefined) yield full
    }
  }
  for (; at < singles.length; at++) {
    const full = add(singles[at]!.path, singles[at]!.value)
    if (full !== undefined) yield full
  }
  const rest = writer.end()
  if (rest !== undefined) yield rest
}

function within(singles: readonly SingleNode[], bytesMax: number): readonly SingleNode[] {
  let bytes = 0
  const end = singles.findIndex(({ path, value }) => {
    bytes += path.length + value.length
    return bytes > bytesMax
  })
  return end <= 0 ? (end === 0 ? singles.slice(0, 1) : singles) : singles.slice(0, end)
}

/** The path that comes next. */
function after(path: Buffer): Buffer {
  return Buffer.concat([path, Buffer.from([0])])
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
