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
import { decodeSession, encodeSession, encodeZnode } from '../../codec/tree-codec.js'
import { ZooKeeperError } from '../../model/errors.js'
import type { SessionId } from '../../model/ids.js'
import type { ReplicaChanges, ReplicaImage } from '../../model/replica-image.js'
import type { SessionRecord } from '../../model/session-record.js'
import type { SnapshotHeader } from '../storage.js'
import { type CheckpointRecord, checkpointOperation, decodeCheckpoint } from './checkpoint-record.js'
import {
  clearSlowly,
  type Database,
  type Operation,
  putSynced,
  WHAT_TO_DO,
  writeBatch,
  yieldToOthers,
} from './database.js'
import { reasonOf } from './fail-stop.js'
import {
  CHECKPOINT_KEY,
  journalKey,
  journalRange,
  type KeyRange,
  nodeKey,
  nodesOf,
  sessionKey,
  sessionsOf,
  treeOutside,
} from './keys.js'
import { LoadedNodes } from './loaded-nodes.js'
import { decodeTreeEntry, encodeTreeEntry, keyOfTreeEntry, requireIntactValue, valueOfTreeEntry } from './tree-entry.js'

/** What is encoded or written in one go, so that nobody waits longer than about 2 ms: entries, and bytes of values. */
export const SLICE_ENTRIES = 500
const SLICE_BYTES = 256 * 1024
const LOAD_ENTRIES = 1000
const NOTHING = new Uint8Array(0)
const READING = { highWaterMarkBytes: 1 << 20, fillCache: false } as const

export class TreeStore {
  readonly #database: Database
  #checkpoint: CheckpointRecord

  private constructor(database: Database, checkpoint: CheckpointRecord) {
    this.#database = database
    this.#checkpoint = checkpoint
  }

  static async open(database: Database): Promise<TreeStore> {
    try {
      const found = decodeCheckpoint(await database.get(CHECKPOINT_KEY), `${database.location}: the checkpoint record`)
      const store = new TreeStore(database, found)
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
    return this.#load(this.#checkpoint.generation, this.#checkpoint)
  }

  async write(changes: ReplicaChanges): Promise<void> {
    const { generation, chainBase, number: before } = this.#checkpoint
    const number = before + 1
    const { zxid, time, digest } = changes
    const next = { generation, chainBase, number, journalChunks: 0, zxid, time, digest }

    let journalChunks = 0
    let last: Uint8Array | undefined
    for await (const chunk of slicesOf(changes)) {
      if (last !== undefined) await putSynced(this.#database, journalKey(number, journalChunks++), asBuffer(last))
      last = chunk
    }
    if (journalChunks === 0) {
      const operations = last === undefined ? [] : operationsOf(generation, last)
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
    const slices = (range: KeyRange) => this.#slices(range, { snapshot })
    async function* chunks() {
      const writer = new SnapshotChunkWriter()
      for (const [kind, range] of [
        ['node', nodesOf(generation)],
        ['session', sessionsOf(generation)],
      ] as const) {
        for await (const slice of slices(range)) {
          for (const entry of slice) {
            const { key, value } = decodeTreeEntry(kind, entry)
            requireIntactValue(kind, key, value)
            const full = writer.add(kind, key, value)
            if (full !== undefined) yield full
          }
        }
      }
      const rest = writer.end()
      if (rest !== undefined) yield rest
    }
    return { header: { zxid, time, digest }, chunks: chunks(), close: () => snapshot.close() }
  }

  /** Where a snapshot is received. */
  get nextGeneration(): number {
    return this.#checkpoint.generation + 1
  }

  /**
   * One chunk of a snapshot as writes to the generation that is not yet valid. Throws if the chunk or a value in it is damaged: that is the
   * sender's trouble, not this store's.
   */
  received(chunk: Uint8Array): readonly Operation[] {
    for (const { kind, key, value } of decodeSnapshotChunk(chunk)) requireIntactValue(kind, key, value)
    return operationsOf(this.nextGeneration, chunk)
  }

  async writeReceived(operations: readonly Operation[]): Promise<void> {
    for (let at = 0; at < operations.length; at += SLICE_ENTRIES) {
      await writeBatch(this.#database, operations.slice(at, at + SLICE_ENTRIES))
    }
  }

  /** What was received, read back and verified, before it counts. */
  loadReceived(header: SnapshotHeader): Promise<ReplicaImage> {
    return this.#load(this.nextGeneration, header)
  }

  /** The switch: from here on the received tree is valid, and the log of the generation before is not. */
  async switchOver({ zxid, time, digest }: SnapshotHeader): Promise<void> {
    const number = this.#checkpoint.number + 1
    const next = { generation: this.nextGeneration, chainBase: zxid, number, journalChunks: 0, zxid, time, digest }
    await writeBatch(this.#database, [checkpointOperation(next)])
    this.#checkpoint = next
  }

  /** What may be cleared when there is time, but before the next snapshot is received: former trees, snapshots given up. */
  voidRanges(): readonly KeyRange[] {
    return treeOutside(this.#checkpoint.generation)
  }

  async #carryOver(): Promise<void> {
    const { generation, number, journalChunks } = this.#checkpoint
    if (journalChunks === 0) return
    const done: Operation[] = []
    for (let chunk = 0; chunk < journalChunks; chunk++) {
      const key = journalKey(number, chunk)
      const changes = await this.#database.get(key)
      if (changes === undefined)
        throw new ZooKeeperError('DATA_CORRUPT', `chunk ${chunk} of checkpoint ${number} is missing`)
      await writeBatch(this.#database, [...operationsOf(generation, changes)])
      done.push({ type: 'del', key })
    }
    const carried = { ...this.#checkpoint, journalChunks: 0 }
    await writeBatch(this.#database, [...done, checkpointOperation(carried)])
    this.#checkpoint = carried
  }

  async #load(generation: number, { zxid, time, digest }: SnapshotHeader): Promise<ReplicaImage> {
    const nodes = new LoadedNodes()
    const sessions: SessionRecord[] = []
    try {
      for await (const slice of this.#slices(nodesOf(generation))) {
        for (const entry of slice) {
          const valueAt = valueOfTreeEntry('node', entry)
          nodes.add(keyOfTreeEntry(entry, valueAt), entry, valueAt, entry.length, false)
        }
      }
      nodes.end()
      for await (const slice of this.#slices(sessionsOf(generation))) {
        for (const entry of slice) sessions.push(decodeSession(decodeTreeEntry('session', entry).value))
      }
    } catch (error) {
      throw explained(this.#database, error)
    }
    return { zxid, time, digest, nodes, sessions }
  }

  /** Values in slices; the next is being read while one is used. */
  async *#slices(
    range: KeyRange,
    options: Pick<Parameters<Database['values']>[0] & object, 'snapshot'> = {},
  ): AsyncGenerator<readonly Buffer[], void, undefined> {
    const values = this.#database.values({ ...range, ...READING, ...options })
    try {
      for (let reading = values.nextv(LOAD_ENTRIES); ; ) {
        const slice = await reading
        if (slice.length === 0) return
        reading = values.nextv(LOAD_ENTRIES)
        // Should the reader stop here, its failure (the iterator is closed) is nobody's business.
        reading.catch(() => {})
        yield slice
      }
    } finally {
      await values.close()
    }
  }
}

/** Changes as chunks of a snapshot in which an empty value stands for "deleted", with a turn for others between two of them. */
async function* slicesOf(changes: ReplicaChanges): AsyncGenerator<Uint8Array, void, undefined> {
  const writer = new SnapshotChunkWriter()
  let entries = 0
  let bytes = 0
  const add = (kind: SnapshotEntryKind, key: string, value: Uint8Array) => {
    entries++
    bytes += value.length
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
    if (full !== undefined) yield full
    if (entries >= SLICE_ENTRIES || bytes >= SLICE_BYTES) {
      const chunk = writer.end()
      if (chunk !== undefined) yield chunk
      entries = 0
      bytes = 0
      await yieldToOthers()
    }
  }
  const rest = writer.end()
  if (rest !== undefined) yield rest
}

function operationsOf(generation: number, chunk: Uint8Array): readonly Operation[] {
  return decodeSnapshotChunk(chunk).map(({ kind, key, value }): Operation => {
    const at = kind === 'node' ? nodeKey(generation, key) : sessionKey(generation, key as SessionId)
    if (value.length === 0) return { type: 'del', key: at }
    return { type: 'put', key: at, value: encodeTreeEntry(kind, key, value) }
  })
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
