/**
 * Verifies the files of a LevelDB database that nobody has open: CURRENT, the MANIFEST, and every byte of every table that counts.
 *
 * LevelDB looks at no checksum of a table: it returns what a flipped bit has made of a value, and over some damaged tables it ends the process by an
 * assertion, be it in the background. So each start reads all tables before LevelDB does. A million znodes of 100 B are 150 MB; of these 2 GB are
 * verified in a second of this thread, and what was read is in the system's cache for LevelDB. That it was closed well is no reason to skip
 * it: disks rot at rest. Write-ahead files have checksums that LevelDB does look at; what it drops of them the log and the tree notice (D1, D9).
 * Before: data-directory.ts, while it holds the lock. docs/format.md "LevelDB's own files".
 */
import { open, readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { Malformed } from './byte-reader.js'
import { type ManifestHistory, readManifest, type TableRecord } from './manifest.js'
import { type DamagedBlock, damagedBlocks } from './table-file.js'

export interface DamagedFile {
  /** With the directory in front. */
  readonly file: string
  readonly why: string
  /** Of a table that is all there: its blocks of entries that are damaged, when nothing else of it is. */
  readonly blocks?: readonly DamagedBlock[]
}

/** One is read while another is verified. */
const READERS = 2

/** What is damaged in the database at `location`; it changes nothing. @example await checkTables('/var/lib/vivarium/log') // [] */
export async function checkTables(location: string): Promise<readonly DamagedFile[]> {
  const damaged: DamagedFile[] = []
  const manifest = await readCurrent(location, damaged)
  if (manifest === undefined) return damaged
  const ahead = [...manifest.history.now.tables].reverse()
  const reader = async () => {
    let buffer: Buffer = Buffer.alloc(0)
    for (let table = ahead.pop(); table !== undefined; table = ahead.pop()) {
      const file = path.join(location, tableName(table))
      if (buffer.length < table.bytes) buffer = Buffer.allocUnsafeSlow(table.bytes)
      await finding(damaged, file, async () => {
        const blocks = damagedBlocks(await readTable(file, table, buffer))
        if (blocks.length === 0) return
        const why = `the block at byte ${blocks[0]!.offset} does not have its checksum`
        damaged.push({ file, why, blocks })
      })
    }
  }
  await Promise.all(Array.from({ length: READERS }, reader))
  return damaged.sort((a, b) => (a.file < b.file ? -1 : 1))
}

/**
 * LevelDB writes to its MANIFEST that there is a new table, and only then syncs the directory: where the sync of a file does not keep the file's name
 * (POSIX promises no more), a power cut may leave the record without the table. The state before that record is then all there, for LevelDB deletes what is
 * old only after that sync, so the record is taken back. That a table was lost otherwise is no such case: what the record replaced is gone then, too.
 * Says whether there was such a record.
 */
export async function takeBackTornEdit(location: string): Promise<boolean> {
  const manifest = await readCurrent(location, [])
  const before = manifest?.history.before
  if (manifest === undefined || before === undefined) return false
  const names = new Set(await readdir(location))
  const isThere = (table: TableRecord): boolean => names.has(tableName(table))
  if (manifest.history.now.tables.every(isThere)) return false
  if (!before.tables.every(isThere) || !names.has(`${numbered(before.logNumber)}.log`)) return false
  const handle = await open(manifest.file, 'r+')
  try {
    await handle.truncate(before.end)
    await handle.sync()
    return true
  } finally {
    await handle.close()
  }
}

interface CurrentManifest {
  readonly file: string
  readonly history: ManifestHistory
}

async function readCurrent(location: string, damaged: DamagedFile[]): Promise<CurrentManifest | undefined> {
  const current = path.join(location, 'CURRENT')
  const name = await finding(damaged, current, async () => {
    const [, named] = /^(MANIFEST-\d+)\n$/.exec(await readFile(current, 'latin1')) ?? []
    if (named === undefined) throw new Malformed('it names no MANIFEST')
    return named
  })
  if (name === undefined) return undefined
  const file = path.join(location, name)
  return finding(damaged, file, async () => ({ file, history: readManifest(await readFile(file)) }))
}

function tableName({ number }: TableRecord): string {
  return `${numbered(number)}.ldb`
}

function numbered(file: number): string {
  return String(file).padStart(6, '0')
}

async function readTable(file: string, { bytes }: TableRecord, buffer: Buffer): Promise<Buffer> {
  const handle = await open(file, 'r')
  try {
    const { size } = await handle.stat()
    if (size !== bytes) throw new Malformed(`it has ${size} bytes, not ${bytes}`)
    for (let at = 0; at < bytes; ) {
      const { bytesRead } = await handle.read(buffer, at, bytes - at, at)
      if (bytesRead === 0) throw new Malformed(`it ends after ${at} bytes`)
      at += bytesRead
    }
    return buffer.subarray(0, bytes)
  } finally {
    await handle.close()
  }
}

/** Undefined, and one finding more, when the file is damaged or missing. */
async function finding<T>(damaged: DamagedFile[], file: string, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    if (!missing && !(error instanceof Malformed)) throw error
    damaged.push({ file, why: missing ? 'it is missing' : (error as Malformed).message })
    return undefined
  }
}
