/**
 * The tree as of the last checkpoint, in the database tree/: one entry per znode and session, and one record saying what is valid.
 *
 * Always holds: the checkpoint record names a generation whose entries, with its journal on top, are the whole tree at its zxid. A
 * checkpoint writes its changes to the journal, in chunks, the last of them together with the record (visible), and then carries them
 * over into the entries (idempotent; finished at the next open if need be). Small ones skip the journal: one batch is atomic. A received
 * snapshot is written beside, in the next generation, and becomes valid by the record. Cost follows the change, not the tree (D6, Z27).
 * Every write of a step is synced before the step that relies on it (database.ts says why).
 * Calls are made one at a time (level-storage.ts has the turnstile); readers take a LevelDB snapshot.
 */
import { decodeSnapshotChunk, SnapshotChunkWriter, type SnapshotEntryKind } from '../../codec/snapshot-chunk.js'
import { encodeSession, encodeZnode } from '../../codec/tree-codec.js'
import { ZooKeeperError } from '../../model/errors.js'
import type { SessionId } from '../../model/ids.js'
import type { ReplicaChanges, ReplicaImage } from '../../model/replica-image.js'
import type { SnapshotHeader } from '../storage.js'
import { type CheckpointRecord, checkpointOperation, decodeCheckpoint } from './checkpoint-record.js'
import { clearSlowly, type Database, type Operation, putSynced, WHAT_TO_DO, writeBatch } from './database.js'
import { reasonOf } from './fail-stop.js'
import { CHECKPOINT_KEY, journalKey, journalRange, type KeyRange, nodeKey, sessionKey, treeOutside } from './keys.js'
import { ReceivedTree } from './received-tree.js'
import { type Now, TimeSlice } from './time-slice.js'
import { encodeTreeEntry } from './tree-entry.js'
import { TreePacker } from './tree-packer.js'
import { loadTree, snapshotChunks } from './tree-reader.js'

/** What is encoded or written in one go, so that nobody waits longer than about 2 ms: entries, and bytes of values. */
export const SLICE_ENTRIES = 500
const SLICE_BYTES = 256 * 1024
const PACK_FROM_BYTES = 8 * 1024 * 1024
const NOTHING = new Uint8Array(0)

export interface TreeStoreOptions {
  readonly packBytes?: number | undefined
  readonly now?: Now | undefined
}

export class TreeStore {
  readonly #database: Database
  readonly #packBytes: number
  readonly #now: Now
  #checkpoint: CheckpointRecord
  /** Of znodes that are in no pack, at most. */
  #singleBytes = 0
  #receivedSingleBytes = 0
  /** How much of it is worth a look. */
  #packFrom: number

  private constructor(database: Database, checkpoint: CheckpointRecord, packBytes: number, now: Now) {
    this.#database = database
    this.#checkpoint = checkpoint
    this.#now = now
    this.#packBytes = packBytes
    this.#packFrom = packBytes
  }

  /** `packBytes`: so many bytes of single znodes are worth packing. Without a clock, slices end by count and bytes alone. */
  static async open(
    database: Database,
    { packBytes = PACK_FROM_BYTES, now = () => 0 }: TreeStoreOptions = {},
  ): Promise<TreeStore> {
    try {
      const found = decodeCheckpoint(await database.get(CHECKPOINT_KEY), `${database.location}: the checkpoint record`)
      const store = new TreeStore(database, found, packBytes, now)
      await store.#carryOver()
      // What is left of a checkpoint that did not come to an end.
      await clearSlowly(database, [journalRange], () => false)
      return store
    } catch (error) {
      throw explained(database, error)
    }
  }

  get checkpoint(): CheckpointRecord {
    return this.#checkpoint
  }

  /** The whole tree, every checksum verified. */
  async load(): Promise<ReplicaImage> {
    const { generation, packed, zxid, time, digest } = this.#checkpoint
    try {
      const { nodes, sessions, singleBytes } = await loadTree(this.#database, generation, packed, this.#now)
      this.#singleBytes = singleBytes
      return { zxid, time, digest, nodes, sessions }
    } catch (error) {
      throw explained(this.#database, error)
    }
  }

  async write(changes: ReplicaChanges): Promise<void> {
    const { generation, chainBase, number: before, packed } = this.#checkpoint
    const number = before + 1
    const { zxid, time, digest } = changes
    const next = { generation, chainBase, number, journalChunks: 0, zxid, time, digest, packed }

    let journalChunks = 0
    let last: Uint8Array | undefined
    for await (const chunk of slicesOf(changes, new TimeSlice(this.#now))) {
      if (last !== undefined) await putSynced(this.#database, journalKey(number, journalChunks++), asBuffer(last))
      last = chunk
    }
    if (journalChunks === 0) {
      const operations = last === undefined ? [] : this.#operationsOf(last)
      await writeBatch(this.#database, [...operations, checkpointOperation(next)])
      this.#checkpoint = next
      return
    }
    const visible = { ...next, journalChunks: journalChunks + 1 }
    const operations: Operation[] = [
      { type: 'put', key: journalKey(number, journalChunks), value: asBuffer(last!) },
      checkpointOperation(visible),
    ]
    await writeBatch(this.#database, operations)
    this.#checkpoint = visible
    await this.#carryOver()
  }

  /** The snapshot chunks of the last checkpoint, whatever is written meanwhile. */
  freeze(): { readonly header: SnapshotHeader; readonly chunks: AsyncIterable<Uint8Array>; close(): Promise<void> } {
    const { generation, zxid, time, digest } = this.#checkpoint
    const snapshot = this.#database.snapshot()
    const chunks = snapshotChunks(this.#database, generation, snapshot)
    return { header: { zxid, time, digest }, chunks, close: () => snapshot.close() }
  }

  /** Where a snapshot is received. */
  receive(): ReceivedTree {
    return new ReceivedTree(this.#database, this.#checkpoint.generation + 1, this.#now)
  }

  async writeReceived(operations: readonly Operation[]): Promise<void> {
    for (let at = 0; at < operations.length; at += SLICE_ENTRIES) {
      await writeBatch(this.#database, operations.slice(at, at + SLICE_ENTRIES))
    }
  }

  /** What was received, read back and verified, before it counts. */
  async loadReceived({ zxid, time, digest }: SnapshotHeader, received: ReceivedTree): Promise<ReplicaImage> {
    try {
      const { nodes, sessions, singleBytes } = await received.readBack()
      this.#receivedSingleBytes = singleBytes
      return { zxid, time, digest, nodes, sessions }
    } catch (error) {
      throw explained(this.#database, error)
    }
  }

  /** The switch: from here on the received tree is valid, and the log of the generation before is not. */
  async switchOver({ zxid, time, digest }: SnapshotHeader, { packed }: ReceivedTree): Promise<void> {
    const [generation, number] = [this.#checkpoint.generation + 1, this.#checkpoint.number + 1]
    const next = { generation, chainBase: zxid, number, journalChunks: 0, zxid, time, digest, packed }
    await writeBatch(this.#database, [checkpointOperation(next)])
    this.#checkpoint = next
    this.#singleBytes = this.#receivedSingleBytes
  }

  /**
   * Packs what has changed, if that is much: in steps, each in the turn that `inTurn` gives it. The cost is that of the changes, a few times.
   */
  async pack(inTurn: (step: () => Promise<void>) => Promise<void>, stopped: () => boolean): Promise<void> {
    if (this.#singleBytes < this.#packFrom) return
    const packer = new TreePacker(this.#database, this.#checkpoint.generation, this.#packBytes)
    const before = this.#singleBytes
    this.#singleBytes = 0
    while (!packer.done && !stopped()) {
      await inTurn(async () => {
        this.#checkpoint = await packer.step(this.#checkpoint)
      })
    }
    this.#singleBytes += packer.done ? packer.leftBytes : before
    if (packer.done) this.#packFrom = Math.max(this.#packBytes, 2 * packer.leftBytes)
  }

  /** What may be cleared when there is time, but before the next snapshot is received: former trees, snapshots given up. */
  voidRanges(): readonly KeyRange[] {
    return treeOutside(this.#checkpoint.generation)
  }

  async #carryOver(): Promise<void> {
    const { number, journalChunks } = this.#checkpoint
    if (journalChunks === 0) return
    const done: Operation[] = []
    for (let chunk = 0; chunk < journalChunks; chunk++) {
      const key = journalKey(number, chunk)
      const changes = await this.#database.get(key)
      if (changes === undefined)
        throw new ZooKeeperError('DATA_CORRUPT', `chunk ${chunk} of checkpoint ${number} is missing`)
      await writeBatch(this.#database, [...this.#operationsOf(changes)])
      done.push({ type: 'del', key })
    }
    const carried = { ...this.#checkpoint, journalChunks: 0 }
    await writeBatch(this.#database, [...done, checkpointOperation(carried)])
    this.#checkpoint = carried
  }

  #operationsOf(chunk: Uint8Array): readonly Operation[] {
    const { generation, packed } = this.#checkpoint
    return decodeSnapshotChunk(chunk).map(({ kind, key, value }): Operation => {
      const at = kind === 'node' ? nodeKey(generation, key) : sessionKey(generation, key as SessionId)
      // A pack may have the znode: that it is deleted must stand somewhere.
      if (value.length === 0 && !(packed && kind === 'node')) return { type: 'del', key: at }
      const entry = encodeTreeEntry(kind, key, value)
      if (kind === 'node') this.#singleBytes += entry.length
      return { type: 'put', key: at, value: entry }
    })
  }
}

/** Changes as chunks of a snapshot in which an empty value stands for "deleted", with a turn for others between two of them. */
async function* slicesOf(changes: ReplicaChanges, slice: TimeSlice): AsyncGenerator<Uint8Array, void, undefined> {
  const writer = new SnapshotChunkWriter()
  let entries = 0
  let bytes = 0
  let newest = 0
  const add = (kind: SnapshotEntryKind, key: string, value: Uint8Array) => {
    entries++
    newest = value.length
    bytes += newest
    return writer.add(kind, key, value)
  }
  function* encoded() {
    for (const [path, znode] of changes.nodes) {
      yield add('node', path, znode === undefined ? NOTHING : encodeZnode(znode))
    }
    for (const [id, session] of changes.sessions) {
      yield add('session', id, session === undefined ? NOTHING : encodeSession(session))
    }
  }
  for (const full of encoded()) {
    if (full !== undefined) {
      yield full
      slice.begin()
    }
    if (entries >= SLICE_ENTRIES || bytes >= SLICE_BYTES) {
      const chunk = writer.end()
      if (chunk !== undefined) yield chunk
      entries = 0
      bytes = 0
      await slice.next()
    } else if (slice.isOver(newest)) {
      await slice.next()
    }
  }
  const rest = writer.end()
  if (rest !== undefined) yield rest
}

function explained(database: Database, error: unknown): unknown {
  if (!(error instanceof ZooKeeperError) || error.code !== 'DATA_CORRUPT') return error
  return new ZooKeeperError('DATA_CORRUPT', `${database.location} is damaged: ${reasonOf(error)}. ${WHAT_TO_DO}`, {
    cause: error,
  })
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
