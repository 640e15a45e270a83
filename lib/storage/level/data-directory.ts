/**
 * The directory of one peer: identity, mark, the databases log/ and tree/, and who has it open. docs/format.md "Directory".
 *
 * Always holds: where the identity file is, everything else has been made and synced, so whatever is missing then is damage (D8). A first
 * start is declared by an empty directory; until its last step (the identity) it can be begun again. One owner (directory-lock.ts), who is also
 * seen by a second open in this process, since the path is made canonical first; the file `owner`, and within this process `openers`,
 * only tell who it is. No database is opened before its owner has verified its files.
 */
import { chmod, mkdir, readdir, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { ZooKeeperError } from '../../model/errors.js'
import type { StorageIdentity } from '../storage.js'
import { type CheckpointRecord, decodeCheckpoint } from './checkpoint-record.js'
import { type Database, damagedFiles, destroyDatabase, openDatabase, openFailure, requireLabel } from './database.js'
import { type DirectoryLock, isLocked, lockDirectory } from './directory-lock.js'
import { syncDirectory, writeAtomically, writeDurably } from './durable-file.js'
import { asStorageError, levelCause } from './fail-stop.js'
import { decodeIdentity, encodeIdentity } from './identity.js'
import { CHECKPOINT_KEY } from './keys.js'
import { blankHistory } from './lost-blocks.js'
import { checkTables, takeBackTornEdit } from './table-check.js'

const PRIVATE = 0o700
/** Left by a first start that has not come to its end. */
const FIRST_START = 'first-start'
/** There while its contents are being replaced: replacement.ts. */
export const RECOVERING = 'recovering'

/** Who has which directory open in this process, or is opening it: before there is a file that could tell. */
const openers = new Map<string, string>()

export class DataDirectory {
  readonly location: string
  readonly log: Database
  /** Undefined at a first start: `complete` is its last step. */
  readonly identity: StorageIdentity | undefined

  readonly #lock: DirectoryLock
  readonly #writeBufferBytes: number | undefined

  private constructor(
    location: string,
    lock: DirectoryLock,
    log: Database,
    identity: StorageIdentity | undefined,
    writeBufferBytes: number | undefined,
  ) {
    this.#lock = lock
    this.#writeBufferBytes = writeBufferBytes
    this.location = location
    this.log = log
    this.identity = identity
  }

  /** Takes the directory; `opener` is what a second opener will be told. Rejects with DATA_DIR_LOCKED, DATA_CORRUPT or DATA_TOO_NEW. */
  static async take(dataDir: string, opener: string, writeBufferBytes?: number): Promise<DataDirectory> {
    const location = await makeDirectory(dataDir)
    claim(location, opener)
    try {
      return await DataDirectory.#take(location, opener, writeBufferBytes)
    } catch (error) {
      unclaim(location)
      throw error
    }
  }

  static async #take(location: string, opener: string, writeBufferBytes: number | undefined): Promise<DataDirectory> {
    if (!(await has(location, 'identity'))) await declareFirstStart(location)
    const lock = await takeLock(location)
    try {
      await writeFile(path.join(location, 'owner'), JSON.stringify({ pid: process.pid, opener }), { mode: 0o600 })
      // Read only now that nobody else can be writing it: the first start of another may have come to its end since.
      const file = path.join(location, 'identity')
      const identity = (await has(location, 'identity')) ? decodeIdentity(await readFile(file), file) : undefined
      if (identity !== undefined) await requireIntactFiles(location, identity)
      const log = await openLog(location, identity === undefined, writeBufferBytes)
      return new DataDirectory(location, lock, log, identity, writeBufferBytes)
    } catch (error) {
      await lock.release()
      throw error
    }
  }

  file(name: 'mark' | 'tree'): string {
    return path.join(this.location, name)
  }

  async openTree(): Promise<Database> {
    try {
      return await openOrBeginAgain(this.location, 'tree', this.identity === undefined, this.#writeBufferBytes)
    } catch (error) {
      throw openFailure(this.file('tree'), error)
    }
  }

  /** The last step of the first start. */
  async complete(identity: StorageIdentity): Promise<void> {
    await syncDirectory(this.location)
    await writeAtomically(path.join(this.location, 'identity'), encodeIdentity(identity))
  }

  /** No first start is under way any more. */
  async settle(): Promise<void> {
    if (await has(this.location, FIRST_START)) await rm(path.join(this.location, FIRST_START))
  }

  async release(): Promise<void> {
    try {
      await rm(path.join(this.location, 'owner'), { force: true })
    } finally {
      await this.log
        .close()
        .finally(() => this.#lock.release())
        .finally(() => unclaim(this.location))
    }
  }
}

/** For whoever takes the directory: within this process LevelDB's lock, which is the process's, tells nothing. Throws DATA_DIR_LOCKED. */
export function claim(location: string, opener: string): void {
  const other = openers.get(location)
  if (other !== undefined) throw locked(location, inThisProcess(other))
  openers.set(location, opener)
}

export function unclaim(location: string): void {
  openers.delete(location)
}

async function makeDirectory(dataDir: string): Promise<string> {
  const made = await mkdir(dataDir, { recursive: true, mode: PRIVATE })
  if (made !== undefined) await syncDirectory(path.dirname(path.resolve(made)))
  const location = await realpath(dataDir)
  // Sessions' passwords are in there. Windows has no such bits.
  if (process.platform !== 'win32' && ((await stat(location)).mode & 0o077) !== 0) await chmod(location, PRIVATE)
  return location
}

async function declareFirstStart(location: string): Promise<void> {
  const entries = await readdir(location)
  if (entries.includes(FIRST_START)) return
  if (entries.includes(RECOVERING)) {
    throw new ZooKeeperError(
      'DATA_CORRUPT',
      `${location}: a recovery was begun and has not come to its end. Give the same command again: vivarium recover`,
    )
  }
  const foreign = entries.filter(name => name !== 'lost+found' && name !== 'owner')
  if (foreign.length > 0) {
    throw new ZooKeeperError(
      'DATA_CORRUPT',
      `${location} has no identity file but is not empty (${foreign.slice(0, 5).join(', ')}). If it is the data directory of a peer, restore ` +
        'that file from a backup of this very directory, or move the directory away and start with an empty one; if not, choose another.',
    )
  }
  await writeDurably(path.join(location, FIRST_START), Buffer.alloc(0))
  await syncDirectory(location)
}

/** Rejects with DATA_DIR_LOCKED, and says who has it. */
export async function takeLock(location: string): Promise<DirectoryLock> {
  try {
    return await lockDirectory(location)
  } catch (error) {
    if (!isLocked(error)) throw asStorageError(`cannot lock ${location}`, error)
    throw await lockedByOther(location, error)
  }
}

async function requireIntactFiles(location: string, { incarnation }: StorageIdentity): Promise<void> {
  const [log, tree] = ['log', 'tree'].map(name => path.join(location, name)) as [string, string]
  for (const database of [log, tree]) await takeBackTornEdit(database)
  const [inLog, inTree] = await Promise.all([checkTables(log), checkTables(tree)])
  const damaged = [...inLog, ...inTree]
  if (damaged.length === 0) return
  if (inTree.length > 0) throw damagedFiles(damaged)
  const checkpoint = await checkpointIn(tree, incarnation).catch(() => undefined)
  // What is wrong with the tree is told when only the tree is wrong.
  if (checkpoint === undefined || !(await blankHistory(inLog, checkpoint))) throw damagedFiles(damaged)
}

async function checkpointIn(tree: string, incarnation: string): Promise<CheckpointRecord> {
  const database = await openDatabase(tree, false)
  try {
    await requireLabel(database, incarnation, 'tree')
    return decodeCheckpoint(await database.get(CHECKPOINT_KEY), 'the checkpoint record')
  } finally {
    await database.close()
  }
}

async function openLog(location: string, create: boolean, writeBufferBytes: number | undefined): Promise<Database> {
  try {
    return await openOrBeginAgain(location, 'log', create, writeBufferBytes)
  } catch (error) {
    // Who only looks into it (offline-directory.ts) makes no lock/ where there is none.
    if (isLocked(error)) throw await lockedByOther(location, error)
    throw openFailure(path.join(location, 'log'), error)
  }
}

export async function lockedByOther(location: string, cause: unknown): Promise<ZooKeeperError> {
  return locked(location, await ownerOf(location), cause)
}

function locked(location: string, owner: string, cause?: unknown): ZooKeeperError {
  return new ZooKeeperError('DATA_DIR_LOCKED', `${location} is open already ${owner}`, { cause })
}

function inThisProcess(opener: string): string {
  return `in this process (pid ${process.pid}), by ${opener}`
}

/** LevelDB does not sync the first MANIFEST of a database, so a power cut during the first start may leave one that it refuses. */
async function openOrBeginAgain(
  directory: string,
  name: 'log' | 'tree',
  create: boolean,
  writeBufferBytes: number | undefined,
): Promise<Database> {
  const location = path.join(directory, name)
  try {
    return await openDatabase(location, create, writeBufferBytes)
  } catch (error) {
    const begun = create && levelCause(error)?.code === 'LEVEL_CORRUPTION' && !(await has(directory, 'identity'))
    if (!begun) throw error
    await destroyDatabase(location)
    return openDatabase(location, create, writeBufferBytes)
  }
}

async function ownerOf(location: string): Promise<string> {
  try {
    const { pid, opener } = JSON.parse(await readFile(path.join(location, 'owner'), 'utf8')) as {
      pid: number
      opener: string
    }
    return pid === process.pid ? inThisProcess(opener) : `in the process with pid ${pid}`
  } catch {
    // It is about to write that file, or about to leave.
    return 'in another process'
  }
}

async function has(location: string, name: string): Promise<boolean> {
  return (await readdir(location)).includes(name)
}
