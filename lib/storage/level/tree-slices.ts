/**
 * The entries of the tree in LevelDB, in slices: the next is being read while one is used, and whoever works on one lets others have their
 * turn in between. Used by tree-reader.ts and tree-packer.ts.
 */
import { ZooKeeperError } from '../../model/errors.js'
import type { Database } from './database.js'
import type { KeyRange } from './keys.js'
import { pathOfTreeEntry, requireIntactValue, valueOfTreeEntry } from './tree-entry.js'

const SLICE_ENTRIES = 1000
const READING = { highWaterMarkBytes: 1 << 20, fillCache: false } as const

export type TreeSnapshot = ReturnType<Database['snapshot']>

/** `snapshot`: what is written meanwhile is not seen. */
export async function* valuesOf(
  database: Database,
  range: KeyRange,
  snapshot?: TreeSnapshot,
): AsyncGenerator<readonly Buffer[], void, undefined> {
  const values = database.values({ ...range, ...READING, ...(snapshot === undefined ? {} : { snapshot }) })
  yield* slicesOf(values)
}

export async function* entriesOf(
  database: Database,
  range: KeyRange,
  snapshot?: TreeSnapshot,
): AsyncGenerator<readonly (readonly [key: Buffer, value: Buffer])[], void, undefined> {
  const entries = database.iterator({ ...range, ...READING, ...(snapshot === undefined ? {} : { snapshot }) })
  yield* slicesOf(entries as unknown as Slices<readonly [Buffer, Buffer]>)
}

interface Slices<T> {
  nextv(size: number): Promise<T[]>
  close(): Promise<void>
}

async function* slicesOf<T>(values: Slices<T>): AsyncGenerator<readonly T[], void, undefined> {
  try {
    for (let reading = values.nextv(SLICE_ENTRIES); ; ) {
      const slice = await reading
      if (slice.length === 0) return
      reading = values.nextv(SLICE_ENTRIES)
      // Should the reader stop here, its failure (the iterator is closed) is nobody's business.
      reading.catch(() => {})
      yield slice
    }
  } finally {
    await values.close()
  }
}

/** A znode under a key of its own: it stands before what a pack says of the path. */
export interface SingleNode {
  /** In UTF-8. */
  readonly path: Buffer
  /** Empty: the znode is deleted. Its checksum has been verified. */
  readonly value: Buffer
}

/** Throws DATA_CORRUPT or DATA_TOO_NEW. */
export function singleNode(entry: Buffer): SingleNode {
  const valueAt = valueOfTreeEntry('node', entry)
  const path = pathOfTreeEntry(entry, valueAt)
  const value = entry.subarray(valueAt)
  if (value.length > 0) requireIntactValue('node', path.toString(), value)
  return { path, value }
}

/** The single znodes of a range one by one, in the order of their paths. */
export class SingleNodes {
  readonly #slices: AsyncGenerator<readonly Buffer[], void, undefined>
  #slice: readonly Buffer[] = []
  #at = 0
  /** The one that is next; undefined at the end, and before the first `advance`. */
  current: SingleNode | undefined

  constructor(database: Database, range: KeyRange, snapshot: TreeSnapshot) {
    this.#slices = valuesOf(database, range, snapshot)
  }

  /** True when `current` is set; a promise when it has to be read first. No promise a znode. */
  advance(): boolean | Promise<boolean> {
    if (this.#at === this.#slice.length) return this.#read()
    this.current = singleNode(this.#slice[this.#at++]!)
    return true
  }

  async #read(): Promise<boolean> {
    const { value } = await this.#slices.next()
    this.current = undefined
    if (value === undefined) return false
    this.#slice = value
    this.#at = 0
    return this.advance()
  }

  async close(): Promise<void> {
    await this.#slices.return()
  }
}

/** A pack must be under the path that it begins with. */
export function requireOwnKey(path: Uint8Array, first: Uint8Array): void {
  if (Buffer.compare(path, first) === 0) return
  throw new ZooKeeperError('DATA_CORRUPT', 'a pack of the tree is under another key than its own')
}
