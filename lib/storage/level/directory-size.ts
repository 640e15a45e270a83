/**
 * What the files of a directory take, for those who ask how much a peer has on its disk. LevelDB makes and deletes files all the time: what goes
 * while it is counted counts nothing. Used by level-storage.ts.
 */
import { readdir, stat } from 'node:fs/promises'
import path from 'node:path'

export async function directorySize(directory: string): Promise<number> {
  const names = await unlessGone(readdir(directory))
  const sizes = await Promise.all((names ?? []).map(name => unlessGone(stat(path.join(directory, name)))))
  return sizes.reduce((sum, stats) => sum + (stats?.size ?? 0), 0)
}

async function unlessGone<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return undefined
    throw error
  }
}
