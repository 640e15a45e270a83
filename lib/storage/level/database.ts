/**
 * One LevelDB database of the store, as the parts of the store see it, and the few things that all of them do with one.
 *
 * LevelDB syncs only the newest of its write-ahead files: a synced write says nothing of an unsynced one before it, if the file was
 * changed in between. So whatever must be there when a later write is there is itself written by putSynced or writeBatch.
 */
import { open } from 'node:fs/promises'
import path from 'node:path'
import { Level } from 'level'
import { ZooKeeperError } from '../../model/errors.js'
import { asStorageError, levelCause, reasonOf } from './fail-stop.js'
import { decodeWords, encodeWords } from './fixed-record.js'
import { type KeyRange, LABEL_KEY } from './keys.js'
import type { DamagedFile } from './table-check.js'
import { WriteAheadNames, writeAheadFilesOf } from './write-ahead-names.js'

export class Database extends Level<Buffer, Buffer> {
  #names: WriteAheadNames | undefined
  /** The last write; rejected once one has failed. */
  #writing: Promise<void> = Promise.resolve()

  /** Opens it as `openDatabase` says. */
  async begin(create: boolean, writeBufferSize: number): Promise<void> {
    await this.open({ createIfMissing: create, writeBufferSize })
    try {
      this.#names = await WriteAheadNames.open(this.location, writeBufferSize)
    } catch (error) {
      await this.close()
      throw error
    }
  }

  /**
   * Does a synced write of entries that take `room`; on disk when this resolves, also after a power cut. One after another, and none after one that
   * has failed: LevelDB then believes its write-ahead file to be longer than it is, and writes, syncs and confirms what it cannot read again.
   */
  durably(room: number, write: () => Promise<void>): Promise<void> {
    const names = this.#names
    if (names === undefined) throw new Error('the database has not been opened')
    this.#writing = this.#writing.then(() => names.around(room, write))
    return this.#writing
  }
}

export type Operation =
  | { readonly type: 'put'; readonly key: Buffer; readonly value: Buffer }
  | { readonly type: 'del'; readonly key: Buffer }

const SYNCED = { sync: true } as const
const LABEL_VERSION = 1
/** LevelDB's own default. */
const WRITE_BUFFER_BYTES = 4 * 1024 * 1024
const CLEAR_SLICE = 1000
const READ_BYTES = 256 * 1024

/**
 * Opens what is there. Only with `create` (a declared first start) may it make a database: left to itself, LevelDB starts a new one
 * over the files of an old one whose CURRENT is gone (D8). Rejects with what LevelDB said: the caller knows what a lock means.
 */
export async function openDatabase(
  location: string,
  create: boolean,
  writeBufferSize = WRITE_BUFFER_BYTES,
): Promise<Database> {
  await requireReadable(location)
  const database = new Database(location, { keyEncoding: 'buffer', valueEncoding: 'buffer' })
  await database.begin(create, writeBufferSize)
  return database
}

/**
 * A write-ahead file that it cannot read, LevelDB takes for one that ends there: it opens, writes the rest into a table, and deletes the file, which
 * may have been readable the next time. So each is read first, and is in the system's cache when LevelDB reads it.
 */
async function requireReadable(location: string): Promise<void> {
  const buffer = Buffer.allocUnsafe(READ_BYTES)
  for (const name of await unlessGone(writeAheadFilesOf(location), [])) {
    // Gone: another opener is at work here, which LevelDB will tell.
    const file = await unlessGone(open(path.join(location, name), 'r'), undefined)
    try {
      for (let at = 0; file !== undefined; ) {
        const { bytesRead } = await file.read(buffer, 0, buffer.length, at)
        if (bytesRead === 0) break
        at += bytesRead
      }
    } finally {
      await file?.close()
    }
  }
}

async function unlessGone<T, U>(reading: Promise<T>, otherwise: U): Promise<T | U> {
  try {
    return await reading
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return otherwise
  }
}

/** Refuses while anybody has it open. */
export async function destroyDatabase(location: string): Promise<void> {
  // The types of `level` are of what it is in a browser too.
  await (Level as unknown as { destroy(location: string): Promise<void> }).destroy(location)
}

export function openFailure(location: string, error: unknown): ZooKeeperError {
  const why = levelCause(error)?.message ?? String((error as Error).cause ?? error)
  if (!/does not exist|no such file|corrupt/i.test(why)) return asStorageError(`cannot open ${location}`, error)
  return new ZooKeeperError(
    'DATA_CORRUPT',
    `${location} is missing or damaged (${why}), though this directory has been in use. ${WHAT_TO_DO}`,
    { cause: error },
  )
}

/** Found before LevelDB has seen them. */
export function damagedFiles([first, ...others]: readonly DamagedFile[]): ZooKeeperError {
  const more = others.length === 0 ? '' : `, and so are ${others.length} other files`
  return new ZooKeeperError(
    'DATA_CORRUPT',
    `${first?.file} is missing or damaged (${first?.why})${more}, though this directory has been in use. ${WHAT_TO_DO}`,
  )
}

/** Directories were mixed up: whose the identity and the epochs are is in doubt, too. */
export class ForeignDatabase extends ZooKeeperError {}

export const WHAT_TO_DO =
  'A peer must not go on without what it has acknowledged. If a majority of the other peers is well, move the data directory away and ' +
  'start this peer with an empty one: it receives everything from the leader. If not, keep the directory: it may hold the only copy.'

/** The label says whose database this is, so that a file of another directory, or an emptied one, is recognised (D8). */
export function labelOf(incarnation: string, name: 'log' | 'tree'): Operation {
  const digits = Buffer.from(incarnation, 'hex')
  const words = [0, 4, 8, 12].map(at => digits.readUInt32BE(at))
  return { type: 'put', key: LABEL_KEY, value: encodeWords(LABEL_VERSION, [...words, name === 'log' ? 1 : 2]) }
}

export async function requireLabel(database: Database, incarnation: string, name: 'log' | 'tree'): Promise<void> {
  const found = await database.get(LABEL_KEY)
  const what = `${database.location}: its label`
  try {
    decodeWords(found, LABEL_VERSION, 5, what)
  } catch (error) {
    throw new ZooKeeperError((error as ZooKeeperError).code, `${reasonOf(error)}. ${WHAT_TO_DO}`, {
      cause: error,
    })
  }
  const wanted = labelOf(incarnation, name)
  if (wanted.type === 'put' && !wanted.value.equals(found as Buffer)) {
    throw new ForeignDatabase('DATA_CORRUPT', `${database.location} comes from another data directory. ${WHAT_TO_DO}`)
  }
}

/** One synced write of one entry. */
export function putSynced(database: Database, key: Buffer, value: Buffer): Promise<void> {
  const room = WriteAheadNames.roomOf(key.length + value.length)
  return database.durably(room, () => database.put(key, value, SYNCED))
}

/**
 * One atomic, synced write. A chained batch: an array costs this thread 5 µs an operation, this 0.3 (measured), and a checkpoint has
 * thousands of them between other people's requests.
 */
export async function writeBatch(database: Database, operations: readonly Operation[]): Promise<void> {
  const batch = database.batch()
  let room = 0
  for (const operation of operations) {
    if (operation.type === 'put') batch.put(operation.key, operation.value)
    else batch.del(operation.key)
    room += WriteAheadNames.roomOf(operation.key.length + (operation.type === 'put' ? operation.value.length : 0))
  }
  await database.durably(room, () => batch.write(SYNCED))
}

/** Deletes in slices, so that nothing else waits long; `stopped` ends it between two of them. */
export async function clearSlowly(
  database: Database,
  ranges: readonly KeyRange[],
  stopped: () => boolean,
): Promise<void> {
  for (const range of ranges) {
    const keys = database.keys({ ...range, fillCache: false })
    try {
      while (!stopped()) {
        const slice = await keys.nextv(CLEAR_SLICE)
        if (slice.length === 0) break
        await writeBatch(
          database,
          slice.map((key): Operation => ({ type: 'del', key })),
        )
      }
    } finally {
      await keys.close()
    }
  }
}

/** A turn of the event loop for everybody else. */
export function yieldToOthers(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}
