/**
 * A snapshot as it comes in, chunk by chunk: what of it goes to the disk, and the tree that it makes in memory. A chunk is kept as it came, as
 * a pack, and decoded once; reading back compares bytes.
 *
 * Always holds: only bytes whose checksum has been verified get this far. Chunks in any other than the promised order are taken, too,
 * znode by znode, and then read back like a tree at a start.
 * Before: level-storage.ts, tree-store.ts. docs/format.md "Snapshot switch".
 */
import { crc32 } from '../../codec/checksum.js'
import { SnapshotChunkReader, SnapshotChunkWriter } from '../../codec/snapshot-chunk.js'
import { ZooKeeperError } from '../../model/errors.js'
import type { SessionId } from '../../model/ids.js'
import type { Database, Operation } from './database.js'
import { nodeKeyOf, packKey, packsOf, sessionKey } from './keys.js'
import { LoadedNodes } from './loaded-nodes.js'
import { type Now, TimeSlice } from './time-slice.js'
import { encodeTreeEntry, requireIntactValue } from './tree-entry.js'
import { type LoadedTree, loadSessions, loadTree } from './tree-reader.js'
import { valuesOf } from './tree-slices.js'

export class ReceivedTree {
  readonly #database: Database
  readonly #generation: number
  readonly #now: Now
  readonly #nodes = new LoadedNodes()
  readonly #packs: number[] = []
  #sessions = 0
  #last: Buffer | undefined
  #inOrder = true

  constructor(database: Database, generation: number, now: Now) {
    this.#database = database
    this.#now = now
    this.#generation = generation
  }

  get packed(): boolean {
    return this.#packs.length > 0
  }

  /** What is to be written. Throws if the chunk is damaged: that is the sender's trouble, not this store's. */
  async take(chunk: Uint8Array): Promise<readonly Operation[]> {
    const turn = new TimeSlice(this.#now)
    const generation = this.#generation
    const reader = new SnapshotChunkReader(chunk)
    const operations: Operation[] = []
    let first: Buffer | undefined
    let last = this.#last
    while (reader.next()) {
      const key = reader.key()
      if (reader.kind === 'session') {
        requireIntactValue('session', key, reader.value())
        const entry = encodeTreeEntry('session', key, reader.value())
        operations.push({ type: 'put', key: sessionKey(generation, key as SessionId), value: entry })
        continue
      }
      const path = reader.keyBytes()
      if (last !== undefined && Buffer.compare(last, path) >= 0) this.#inOrder = false
      first ??= path
      last = path
      if (this.#inOrder) this.#nodes.add(key, reader.frame, reader.valueStart, reader.valueEnd, true)
      if (turn.isOver(reader.valueEnd - reader.valueStart)) await turn.next()
    }
    if (first === undefined) return operations
    this.#last = Buffer.from(last!)
    if (!this.#inOrder) return [...operations, ...singly(generation, chunk)]
    const pack = operations.length === 0 ? asBuffer(chunk) : nodesIn(chunk)
    this.#packs.push(crc32(pack))
    this.#sessions += operations.length
    operations.push({ type: 'put', key: packKey(generation, first), value: pack })
    return operations
  }

  /** The tree, when the disk has it: every byte of it is there as it came. Throws DATA_CORRUPT. */
  async readBack(): Promise<LoadedTree> {
    if (!this.#inOrder) return loadTree(this.#database, this.#generation, this.packed, this.#now)
    let at = 0
    for await (const slice of valuesOf(this.#database, packsOf(this.#generation))) {
      for (const pack of slice) if (crc32(pack) !== this.#packs[at++]) throw notAsWritten()
    }
    const sessions = await loadSessions(this.#database, this.#generation)
    if (at !== this.#packs.length || sessions.length < this.#sessions) throw notAsWritten()
    this.#nodes.end()
    return { nodes: this.#nodes, sessions, singleBytes: 0 }
  }
}

/** Znode by znode. */
function singly(generation: number, chunk: Uint8Array): Operation[] {
  const reader = new SnapshotChunkReader(chunk)
  const operations: Operation[] = []
  while (reader.next()) {
    if (reader.kind !== 'node') continue
    const [key, value] = [reader.key(), reader.value()]
    requireIntactValue('node', key, value)
    const entry = encodeTreeEntry('node', key, value)
    operations.push({ type: 'put', key: nodeKeyOf(generation, reader.keyBytes()), value: entry })
  }
  return operations
}

/** The chunk without its sessions. */
function nodesIn(chunk: Uint8Array): Buffer {
  const writer = new SnapshotChunkWriter(Number.POSITIVE_INFINITY)
  const reader = new SnapshotChunkReader(chunk)
  while (reader.next()) if (reader.kind === 'node') writer.addBytes('node', reader.keyBytes(), reader.value())
  return asBuffer(writer.end()!)
}

function notAsWritten(): ZooKeeperError {
  return new ZooKeeperError('DATA_CORRUPT', 'a received snapshot is not on disk as it was written')
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
