/**
 * A stopped peer's directory, locked and not touched: for who looks into it (fsck) or makes something new of it (recover).
 *
 * Always holds: nothing in the directory is written. LevelDB writes when it opens, so databases are opened as copies, in a private folder that is
 * removed at the end, also when the process exits early. Copies, not hard links: over a damaged MANIFEST LevelDB gives a new table the number of
 * an old one, and truncates what is there (seen: 28 of 35 opens over a MANIFEST that was cut). The lock is the
 * one that a peer takes: LevelDB's on a file LOCK, held through a symbolic link to it from an empty database of our own.
 * Before: cli/examination.ts. After: log-examination.ts, tree-examination.ts.
 */
import { rmSync } from 'node:fs'
import {
  access,
  appendFile,
  constants,
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rm,
  symlink,
} from 'node:fs/promises'
import path from 'node:path'
import { ZooKeeperError } from '../../model/errors.js'
import { claim, lockedByOther, unclaim } from './data-directory.js'
import { type Database, openDatabase } from './database.js'
import { asStorageError, levelCause } from './fail-stop.js'
import { takeBackTornEdit } from './table-check.js'

/** Relative to the directory: the lock of a peer, and the databases that one of an earlier release may have open. */
const LOCKED = ['lock', 'log', 'tree']

export class OfflineDirectory {
  readonly location: string
  readonly #scratch: string
  readonly #locks: readonly Database[]
  readonly #removeScratch: () => void
  #copies = 0

  private constructor(location: string, scratch: string, locks: readonly Database[], removeScratch: () => void) {
    this.location = location
    this.#scratch = scratch
    this.#locks = locks
    this.#removeScratch = removeScratch
  }

  /**
   * @param opener what a peer of this process is told that wants it meanwhile
   * @param scratch where copies may lie: needs room for log and tree
   * @param toChange the one thing that may be made here, then, is the lock, if there is none
   * Rejects with DATA_DIR_LOCKED, or STORAGE_FAILED.
   */
  static async take(dataDir: string, opener: string, scratch: string, toChange = false): Promise<OfflineDirectory> {
    const location = await realpath(dataDir)
    claim(location, opener)
    const place = await mkdtemp(path.join(scratch, 'vivarium-'))
    const removeScratch = () => rmSync(place, { recursive: true, force: true })
    process.once('exit', removeScratch)
    const locks: Database[] = []
    const directory = new OfflineDirectory(location, place, locks, removeScratch)
    try {
      if (toChange) {
        await mkdir(path.join(location, 'lock'), { mode: 0o700, recursive: true })
        await appendFile(path.join(location, 'lock', 'LOCK'), '')
      }
      for (const name of LOCKED) {
        const lock = await lockOf(path.join(location, name), path.join(place, `lock ${locks.length}`))
        if (lock !== undefined) locks.push(lock)
      }
      return directory
    } catch (error) {
      await directory.release()
      if (levelCause(error)?.code === 'LEVEL_LOCKED') throw await lockedByOther(location, error)
      throw asStorageError(`locking ${location}`, error)
    }
  }

  /** Of one of its files; undefined if there is none. */
  async read(...names: string[]): Promise<Buffer | undefined> {
    try {
      return await readFile(path.join(this.location, ...names))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
  }

  /** Names in the directory, or in a folder of it that may not be there. */
  async list(...names: string[]): Promise<readonly string[]> {
    try {
      return (await readdir(path.join(this.location, ...names))).sort()
    } catch (error) {
      if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return []
      throw error
    }
  }

  /**
   * A fresh copy of a database, as it is in the directory: the last one may have suffered from being opened. Like a start it takes back a
   * torn edit, if there is one.
   */
  async copyOf(...names: string[]): Promise<{ readonly copy: string; readonly tornEdit: boolean }> {
    const source = path.join(this.location, ...names)
    const copy = path.join(this.#scratch, `copy ${++this.#copies}`)
    await mkdir(copy)
    try {
      for (const entry of await readdir(source, { withFileTypes: true })) {
        if (!entry.isFile() || entry.name === 'LOCK') continue
        // Without a second set of blocks where the file system can do that.
        await copyFile(path.join(source, entry.name), path.join(copy, entry.name), constants.COPYFILE_FICLONE)
      }
      return { copy, tornEdit: await takeBackTornEdit(copy) }
    } catch (error) {
      const where = `a private copy of ${source} in ${path.dirname(this.#scratch)} (TMPDIR names another place)`
      throw new ZooKeeperError('STORAGE_FAILED', `making ${where}: ${(error as Error).message}`, { cause: error })
    }
  }

  async discard(copy: string): Promise<void> {
    await rm(copy, { recursive: true, force: true })
  }

  async release(): Promise<void> {
    try {
      for (const lock of this.#locks) await lock.close()
    } finally {
      process.off('exit', this.#removeScratch)
      this.#removeScratch()
      unclaim(this.location)
    }
  }
}

/** Undefined where there is nothing to lock, or on a read-only file system, where no peer can be at it. */
async function lockOf(database: string, place: string): Promise<Database | undefined> {
  const file = path.join(database, 'LOCK')
  try {
    await access(file, constants.W_OK)
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EROFS'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }
  await mkdir(place)
  await symlink(file, path.join(place, 'LOCK'))
  return openDatabase(place, true)
}
