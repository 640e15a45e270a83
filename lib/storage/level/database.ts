/**
 * One LevelDB database of the store, as the parts of the store see it, and the few things that all of them do with one.
 *
 * LevelDB syncs only the newest of its write-ahead files: a synced write says nothing of an unsynced one before it, if the file was
 * changed in between. So whatever must be there when a later write is there is itself written with SYNCED.
 */
import { Level } from 'level'
import { ZooKeeperError } from '../../model/errors.js'
import { asStorageError, levelCause, reasonOf } from './fail-stop.js'
import { decodeWords, encodeWords } from './fixed-record.js'
import { type KeyRange, LABEL_KEY } from './keys.js'

export type Database = Level<Buffer, Buffer>
export type Operation =
  | { readonly type: 'put'; readonly key: Buffer; readonly value: Buffer }
  | { readonly type: 'del'; readonly key: Buffer }

export const SYNCED = { sync: true } as const
const LABEL_VERSION = 1
const CLEAR_SLICE = 1000

/**
 * Opens what is there. Only with `create` (a declared first start) may it make a database: left to itself, LevelDB starts a new one
 * over the files of an old one whose CURRENT is gone (D8). Rejects with what LevelDB said: the caller knows what a lock means.
 */
export async function openDatabase(location: string, create: boolean): Promise<Database> {
  const database: Database = new Level<Buffer, Buffer>(location, { keyEncoding: 'buffer', valueEncoding: 'buffer' })
  await database.open({ createIfMissing: create })
  return database
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
    throw new ZooKeeperError('DATA_CORRUPT', `${database.location} comes from another data directory. ${WHAT_TO_DO}`)
  }
}

/**
 * One atomic, synced write. A chained batch: an array costs this thread 5 µs an operation, this 0.3 (measured), and a checkpoint has
 * thousands of them between other people's requests.
 */
export async function writeBatch(database: Database, operations: readonly Operation[]): Promise<void> {
  const batch = database.batch()
  for (const operation of operations) {
    if (operation.type === 'put') batch.put(operation.key, operation.value)
    else batch.del(operation.key)
  }
  await batch.write(SYNCED)
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
