/**
 * All that can be known of a stopped peer's directory without changing it: what fsck reports and recover decides by.
 *
 * Before: fsck.ts, recover.ts. After: examiner.ts for the databases, storage/level for the files.
 */
import { join, relative } from 'node:path'
import { hasCode, ZooKeeperError } from '../model/errors.js'
import { sameZxid, ZERO, type Zxid } from '../model/zxid.js'
import { RECOVERING } from '../storage/level/data-directory.js'
import { decodeMark } from '../storage/level/durable-mark.js'
import { reasonOf } from '../storage/level/fail-stop.js'
import { decodeIdentity } from '../storage/level/identity.js'
import type { OfflineDirectory } from '../storage/level/offline-directory.js'
import { checkTables, type DamagedFile } from '../storage/level/table-check.js'
import type { StorageIdentity } from '../storage/storage.js'
import type { ExaminedLog, ExaminedTree, Examiner, Unreadable } from './examiner.js'

export type FileFault = { readonly fault: string; readonly tooNew?: true }
export type Mark = NonNullable<ReturnType<typeof decodeMark>>

/** A log and the tree that belongs to it. */
export interface DataSet {
  /** Where in the directory. */
  readonly log: readonly string[]
  readonly tree: readonly string[]
  readonly examinedLog: ExaminedLog | Unreadable
  readonly examinedTree: ExaminedTree | Unreadable
  /** LevelDB's files that are not as it wrote them, whatever can be read all the same: a start takes no database with one. */
  readonly damagedFiles: readonly DamagedFile[]
  /** Databases whose last MANIFEST record is ahead of its table's name: a start takes it back, and so does what is examined here. */
  readonly tornEdits: readonly string[]
  /** Undefined when no state at all is whole. */
  readonly lastIntact: LastIntact | undefined
}

/** The last transaction whose state can be shown as a whole. */
export interface LastIntact {
  readonly zxid: Zxid
  /** Where its state begins: with the tree, or with nothing, and the whole log from the first transaction on. */
  readonly from: 'checkpoint' | 'empty tree'
}

export interface Examination {
  readonly names: readonly string[]
  readonly identity: StorageIdentity | FileFault
  readonly owner: string | undefined
  readonly mark: Mark | FileFault
  readonly data: DataSet
  /** Present while the member is being repaired; `data` is what it has got since then. */
  readonly damaged: { readonly reason: string | undefined; readonly ready: boolean; readonly data: DataSet } | undefined
}

/** Rejects with BAD_ARGUMENTS for what is no data directory. */
export async function examine(directory: OfflineDirectory, examiner: Examiner): Promise<Examination> {
  const names = await directory.list()
  if (!['identity', 'log', 'tree', 'mark', 'first-start', RECOVERING].some(name => names.includes(name))) {
    throw new ZooKeeperError('BAD_ARGUMENTS', `${directory.location} is not the data directory of a peer`)
  }
  const identity = await fileOf(directory, 'identity', bytes => decodeIdentity(bytes, 'identity'))
  const incarnation = 'fault' in identity ? undefined : identity.incarnation
  const mark = await fileOf(directory, 'mark', bytes => decodeMark(bytes) ?? { fault: 'both halves are damaged' })
  const data = await examineSet(directory, examiner, { log: ['log'], tree: ['tree'] }, incarnation)
  const common = { names, identity, owner: (await directory.read('owner'))?.toString('utf8'), mark, data }
  if (!names.includes('damaged')) return { ...common, damaged: undefined }
  const aside = await directory.list('damaged')
  const ready = aside.includes('ready')
  // Not yet ready: what has not been moved is still in its place.
  const placeOf = (name: string) => (ready || aside.includes(name) ? ['damaged', name] : [name])
  const places = { log: placeOf('log'), tree: placeOf('tree') }
  const reason = (await directory.read('damaged', 'reason'))?.toString('utf8')
  const set = await examineSet(directory, examiner, places, incarnation)
  return { ...common, damaged: { reason, ready, data: set } }
}

async function examineSet(
  directory: OfflineDirectory,
  examiner: Examiner,
  { log, tree }: Pick<DataSet, 'log' | 'tree'>,
  incarnation: string | undefined,
): Promise<DataSet> {
  const files: LevelFiles = { damaged: [], tornEdits: [] }
  const examinedTree = await withCopy(directory, tree, files, copy =>
    examiner.examine({ name: 'tree', copy, incarnation }),
  )
  const says = 'checkpoint' in examinedTree ? examinedTree.checkpoint : undefined
  const examinedLog = await withCopy(directory, log, files, copy =>
    examiner.examine({ name: 'log', copy, incarnation, tree: says }),
  )
  const { damaged: damagedFiles, tornEdits } = files
  const lastIntact = lastIntactOf(examinedLog, examinedTree)
  return { log, tree, examinedLog, examinedTree, damagedFiles, tornEdits, lastIntact }
}

interface LevelFiles {
  readonly damaged: DamagedFile[]
  readonly tornEdits: string[]
}

async function withCopy<T>(
  directory: OfflineDirectory,
  place: readonly string[],
  files: LevelFiles,
  work: (copy: string) => Promise<T>,
): Promise<T | Unreadable> {
  const names = await directory.list(...place)
  if (names.length === 0) return { unreadable: 'missing' }
  if (!names.includes('CURRENT')) return { unreadable: 'its file CURRENT is missing' }
  const { copy, tornEdit } = await directory.copyOf(...place)
  try {
    const damaged = await checkTables(copy)
    files.damaged.push(...damaged.map(({ file, why }) => ({ file: join(...place, relative(copy, file)), why })))
    if (tornEdit) files.tornEdits.push(place.join('/'))
    return await work(copy)
  } finally {
    await directory.discard(copy)
  }
}

function lastIntactOf(log: ExaminedLog | Unreadable, tree: ExaminedTree | Unreadable): LastIntact | undefined {
  const ownLog = 'unreadable' in log || log.label === "another directory's" ? undefined : log
  if ('checkpoint' in tree && tree.whole && tree.label !== "another directory's") {
    // Whatever is broken before the checkpoint: the tree has it.
    const run = ownLog?.runs.find(({ hasCheckpoint }) => hasCheckpoint)
    return { zxid: run?.to ?? tree.checkpoint!.zxid, from: 'checkpoint' }
  }
  const first = ownLog?.runs[0]
  if (first === undefined || !sameZxid(first.from, ZERO) || sameZxid(first.to, ZERO)) return undefined
  return { zxid: first.to, from: 'empty tree' }
}

async function fileOf<T>(
  directory: OfflineDirectory,
  name: string,
  decode: (bytes: Buffer) => T | FileFault,
): Promise<T | FileFault> {
  const bytes = await directory.read(name)
  if (bytes === undefined) return { fault: 'missing' }
  try {
    return decode(bytes)
  } catch (error) {
    if (!(error instanceof ZooKeeperError)) throw error
    return { fault: reasonOf(error), ...(hasCode(error, 'DATA_TOO_NEW') ? { tooNew: true } : {}) }
  }
}
