/**
 * Who has a data directory: the lock of a LevelDB database that holds nothing, `lock/`. Node has no locks of its own, and LevelDB's works between
 * processes, within one, and is gone with its process.
 *
 * Why not the lock of log/ itself: LevelDB takes it in the same call that reads the database, and what it reads must have been verified before
 * (table-check.ts), by somebody who knows that nobody is writing it.
 * Before: data-directory.ts, level-storage.ts (beginRepair).
 */
import { rm } from 'node:fs/promises'
import path from 'node:path'
import { Level } from 'level'
import { levelCause } from './fail-stop.js'

export interface DirectoryLock {
  release(): Promise<void>
}

/** Rejects as LevelDB does, with LEVEL_LOCKED, while another has it. */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  const location = path.join(directory, 'lock')
  try {
    return await openLock(location)
  } catch (error) {
    if (isLocked(error)) throw error
    // A power cut may leave half of it, a disk may damage it: nothing is lost with it. The file that is locked stays, so there is one lock always.
    await rm(path.join(location, 'CURRENT'), { force: true })
    return openLock(location)
  }
}

export function isLocked(error: unknown): boolean {
  return levelCause(error)?.code === 'LEVEL_LOCKED'
}

async function openLock(location: string): Promise<DirectoryLock> {
  const database = new Level(location)
  await database.open({ createIfMissing: true, writeBufferSize: 64 * 1024, cacheSize: 0 })
  return { release: () => database.close() }
}
