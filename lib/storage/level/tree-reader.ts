/**
 * Reads the tree of one generation: packs of many znodes, and single znodes, which stand before what a pack says of the same path. Whole, for
 * a replica to live on; or as snapshot chunks, packs as they are where nothing has changed since.
 *
 * Always holds: every byte's checksum has been verified when it is handed out (D9); paths in chunks rise, none comes twice.
 * Before: tree-store.ts. docs/format.md "Tree store".
 */
import { SnapshotChunkReader, SnapshotChunkWriter } from '../../codec/snapshot-chunk.js'
import { decodeSession } from '../../codec/tree-codec.js'
import type { SessionRecord } from '../../model/session-record.js'
import type { Database } from './database.js'
import { nodesOf, packsOf, pathInKey, sessionsOf } from './keys.js'
import { LoadedNodes } from './loaded-nodes.js'
import { type Now, TimeSlice } from './time-slice.js'
import { decodeTreeEntry, keyOfTreeEntry, requireIntactValue, valueOfTreeEntry } from './tree-entry.js'
import { entriesOf, requireOwnKey, type SingleNode, SingleNodes, type TreeSnapshot, valuesOf } from './tree-slices.js'

export interface LoadedTree {
  readonly nodes: LoadedNodes
  readonly sessions: readonly SessionRecord[]
  /** Of the znodes that are in no pack. */
  readonly singleBytes: number
}

export async function loadTree(database: Database, generation: number, packed: boolean, now: Now): Promise<LoadedTree> {
  const nodes = new LoadedNodes()
  const turn = new TimeSlice(now)
  /** What packs have older news of. */
  const hidden = new Set<string>()
  let singleBytes = 0
  for await (const slice of valuesOf(database, nodesOf(generation))) {
    for (const entry of slice) {
      const valueAt = valueOfTreeEntry('node', entry)
      const path = keyOfTreeEntry(entry, valueAt)
      singleBytes += entry.length
      if (entry.length > valueAt) nodes.add(path, entry, valueAt, entry.length, false)
      if (packed) hidden.add(path)
      if (turn.isOver(entry.length)) await turn.next()
    }
    turn.begin()
  }
  if (packed) await loadPacks(database, generation, nodes, hidden, turn)
  nodes.end()
  return { nodes, sessions: await loadSessions(database, generation), singleBytes }
}

async function loadPacks(
  database: Database,
  generation: number,
  nodes: LoadedNodes,
  hidden: ReadonlySet<string>,
  turn: TimeSlice,
): Promise<void> {
  for await (const slice of entriesOf(database, packsOf(generation))) {
    for (const [key, value] of slice) {
      const reader = new SnapshotChunkReader(value)
      let first = true
      while (reader.next()) {
        if (first) requireOwnKey(pathInKey(key), reader.keyBytes())
        first = false
        const path = reader.key()
        if (hidden.size > 0 && hidden.has(path)) continue
        // The checksum of the whole pack says all that one more would.
        nodes.add(path, reader.frame, reader.valueStart, reader.valueEnd, true)
        if (turn.isOver(reader.valueEnd - reader.valueStart)) await turn.next()
      }
    }
  }
}

export async function loadSessions(database: Database, generation: number): Promise<SessionRecord[]> {
  const sessions: SessionRecord[] = []
  for await (const slice of valuesOf(database, sessionsOf(generation))) {
    for (const entry of slice) sessions.push(decodeSession(decodeTreeEntry('session', entry).value))
  }
  return sessions
}

/** In the order of keys: znodes by the bytes of their path, then sessions. */
export async function* snapshotChunks(
  database: Database,
  generation: number,
  snapshot: TreeSnapshot,
): AsyncGenerator<Uint8Array, void, undefined> {
  const writer = new SnapshotChunkWriter()
  const add = ({ path, value }: SingleNode) => (value.length === 0 ? undefined : writer.addBytes('node', path, value))
  const singles = new SingleNodes(database, nodesOf(generation), snapshot)
  try {
    await singles.advance()
    for await (const { first, next, bytes } of packs(database, generation, snapshot)) {
      for (
        let single = singles.current;
        single !== undefined && isBefore(single.path, first);
        single = singles.current
      ) {
        const full = add(single)
        if (full !== undefined) yield full
        const reading = singles.advance()
        if (reading !== true) await reading
      }
      const reader = new SnapshotChunkReader(bytes)
      if (!isWithin(singles.current, next)) {
        const rest = writer.end()
        if (rest !== undefined) yield rest
        yield bytes
        continue
      }
      while (reader.next()) {
        const path = reader.keyBytes()
        let order = -1
        for (let single = singles.current; single !== undefined; single = singles.current) {
          order = Buffer.compare(path, single.path)
          if (order < 0) break
          const full = add(single)
          if (full !== undefined) yield full
          const reading = singles.advance()
          if (reading !== true) await reading
          if (order === 0) break
        }
        const full = order === 0 ? undefined : writer.addBytes('node', path, reader.value())
        if (full !== undefined) yield full
      }
    }
    for (let single = singles.current; single !== undefined; single = singles.current) {
      const full = add(single)
      if (full !== undefined) yield full
      const reading = singles.advance()
      if (reading !== true) await reading
    }
  } finally {
    await singles.close()
  }
  for await (const slice of valuesOf(database, sessionsOf(generation), snapshot)) {
    for (const entry of slice) {
      const { key, value } = decodeTreeEntry('session', entry)
      requireIntactValue('session', key, value)
      const full = writer.add('session', key, value)
      if (full !== undefined) yield full
    }
  }
  const rest = writer.end()
  if (rest !== undefined) yield rest
}

interface PackInPlace {
  readonly first: Buffer
  /** Where the one behind it begins: what is before that belongs to this one. */
  readonly next: Buffer | undefined
  readonly bytes: Buffer
}

async function* packs(
  database: Database,
  generation: number,
  snapshot: TreeSnapshot,
): AsyncGenerator<PackInPlace, void, undefined> {
  let before: { readonly first: Buffer; readonly bytes: Buffer } | undefined
  for await (const slice of entriesOf(database, packsOf(generation), snapshot)) {
    for (const [key, bytes] of slice) {
      const first = pathInKey(key)
      if (before !== undefined) yield { ...before, next: first }
      before = { first, bytes }
    }
  }
  if (before !== undefined) yield { ...before, next: undefined }
}

function isBefore(path: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(path, other) < 0
}

function isWithin(single: SingleNode | undefined, next: Buffer | undefined): boolean {
  return single !== undefined && (next === undefined || isBefore(single.path, next))
}
