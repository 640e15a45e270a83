/**
 * What a tree database holds, judged entry by entry, as far as it can be read: where opening stops at the first fault, this goes on.
 *
 * Only reads; on a copy, since LevelDB writes when it opens. The state is that of the checkpoint record: packs and entries of its generation, with
 * the journal it names on top. Whether that is whole is shown by its digest, which the caller computes from `image`.
 * Before: cli/examiner.ts. docs/format.md "Tree store".
 */
import { decodeSnapshotChunk, type SnapshotEntryKind } from '../../codec/snapshot-chunk.js'
import { decodeSession, decodeZnode, SharedParts } from '../../codec/tree-codec.js'
import type { SessionId } from '../../model/ids.js'
import type { ReplicaImage } from '../../model/replica-image.js'
import type { SessionRecord } from '../../model/session-record.js'
import type { Znode } from '../../model/znode.js'
import { type CheckpointRecord, decodeCheckpoint } from './checkpoint-record.js'
import type { Database } from './database.js'
import { type FaultList, Faults } from './examination-faults.js'
import {
  CHECKPOINT_KEY,
  journalKey,
  journalRange,
  type KeyRange,
  nodeKey,
  nodesOf,
  packsOf,
  pathInKey,
  sessionKey,
  sessionsOf,
  treeOutside,
} from './keys.js'
import { decodeTreeEntry } from './tree-entry.js'

const ENTRIES_PER_READ = 1000

export interface TreeExamination {
  readonly checkpoint?: CheckpointRecord
  readonly znodes: number
  readonly sessions: number
  /** Chunks of changes that the record names and that are there. */
  readonly journalChunks: number
  /** Entries that count for nothing: of other generations, of a checkpoint that did not come to its end. */
  readonly leftovers: number
  readonly faults: FaultList
}

export async function examineTree(
  database: Database,
): Promise<{ examination: TreeExamination; image: ReplicaImage | undefined }> {
  const faults = new Faults()
  const nodes = new Map<string, Znode>()
  const sessions = new Map<SessionId, SessionRecord>()
  const found = { znodes: 0, sessions: 0, journalChunks: 0, leftovers: 0 }
  const checkpoint = await faults.during('the checkpoint record', async () =>
    decodeCheckpoint(await database.get(CHECKPOINT_KEY), 'the checkpoint record'),
  )
  if (checkpoint === undefined) return { examination: { ...found, faults }, image: undefined }

  const shared = new SharedParts()
  const put = (kind: SnapshotEntryKind, key: string, value: Uint8Array): void => {
    if (kind === 'node') nodes.set(key, decodeZnode(value, shared))
    else sessions.set(key as SessionId, decodeSession(value))
  }
  const { generation, number, packed } = checkpoint
  // Packs first: a single znode stands before what a pack says of it.
  if (packed) {
    await faults.during('the packs', async () => {
      for await (const [key, value] of entriesOf(database, packsOf(generation))) {
        faults.check(`the pack of ${JSON.stringify(pathInKey(key).toString())}`, () => {
          const entries = decodeSnapshotChunk(value)
          if (entries[0]?.key !== pathInKey(key).toString()) throw new Error('under the key of another')
          for (const { kind, key: path, value: znode } of entries) {
            if (kind !== 'node' || nodes.has(path)) throw new Error(`${path} does not belong there`)
            put('node', path, znode)
          }
        })
      }
    })
  }
  const parts = [
    ['node', nodesOf(generation), nodeKey],
    ['session', sessionsOf(generation), sessionKey],
  ] as const
  for (const [kind, range, keyOf] of parts) {
    await faults.during(`the ${kind}s`, async () => {
      for await (const [key, value] of entriesOf(database, range)) {
        faults.check(nameOf(kind, key), () => {
          const entry = decodeTreeEntry(kind, value)
          if (!keyOf(generation, entry.key as string & SessionId).equals(key))
            throw new Error('under the key of another')
          if (packed && kind === 'node' && entry.value.length === 0) nodes.delete(entry.key)
          else put(kind, entry.key, entry.value)
        })
      }
    })
  }
  for (let chunk = 0; chunk < checkpoint.journalChunks; chunk++) {
    await faults.during(`chunk ${chunk} of checkpoint ${number}`, async () => {
      const changes = await database.get(journalKey(number, chunk))
      if (changes === undefined) throw new Error('missing')
      for (const { kind, key, value } of decodeSnapshotChunk(changes)) {
        if (value.length > 0) put(kind, key, value)
        else if (kind === 'node') nodes.delete(key)
        else sessions.delete(key as SessionId)
      }
      found.journalChunks++
    })
  }
  await faults.during('what is left over', async () => {
    for (const range of [journalRange, ...treeOutside(generation)]) {
      for await (const _ of entriesOf(database, range)) found.leftovers++
    }
    found.leftovers -= found.journalChunks
  })
  const { zxid, time, digest } = checkpoint
  const counted = { ...found, znodes: nodes.size, sessions: sessions.size }
  return {
    examination: { ...counted, checkpoint, faults },
    image: { zxid, time, digest, nodes, sessions: sessions.values() },
  }
}

/** As far as LevelDB gives them. */
export async function* entriesOf(database: Database, range: KeyRange): AsyncGenerator<readonly [Buffer, Buffer]> {
  const entries = database.iterator({ ...range, highWaterMarkBytes: 1 << 20, fillCache: false })
  try {
    for (;;) {
      const slice = await entries.nextv(ENTRIES_PER_READ)
      if (slice.length === 0) return
      yield* slice
    }
  } finally {
    await entries.close()
  }
}

function nameOf(kind: SnapshotEntryKind, key: Buffer): string {
  return kind === 'node' ? `znode ${JSON.stringify(key.toString('utf8', 5))}` : `session 0x${key.toString('hex', 5)}`
}
