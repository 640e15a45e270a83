/** A data directory that tests open, damage and copy. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Level } from 'level'
import type { PeerId } from '../../../../lib/model/ids.js'
import { LevelStorage, type LevelStorageOptions } from '../../../../lib/storage/level/level-storage.js'
import type { Recovered } from '../../../../lib/storage/storage.js'
import { codeOf } from '../../../compliance/storage-fixtures.js'

type Raw = Level<Buffer, Buffer>

export class DataDir {
  readonly location: string
  readonly #open: LevelStorage[] = []

  constructor(location: string) {
    this.location = location
  }

  static async make(): Promise<DataDir> {
    return new DataDir(path.join(await mkdtemp(path.join(tmpdir(), 'vivarium-data-')), 'data'))
  }

  file(...names: string[]): string {
    return path.join(this.location, ...names)
  }

  store(options: Partial<LevelStorageOptions> = {}): LevelStorage {
    const store = new LevelStorage({ dataDir: this.location, ensemble: 'test', peer: 1 as PeerId, ...options })
    this.#open.push(store)
    return store
  }

  /** Opens, does the work, closes. */
  async with<T>(work: (store: LevelStorage, recovered: Recovered) => Promise<T>): Promise<T> {
    const store = this.store()
    try {
      return await work(store, await store.open())
    } finally {
      await store.close()
    }
  }

  recovered(): Promise<Recovered> {
    return this.with(async (_, recovered) => recovered)
  }

  /** How opening ends: its error, or undefined. */
  async failure(): Promise<{ readonly code: string; readonly message: string }> {
    const store = this.store()
    const opening = store.open()
    const code = await codeOf(opening)
    const message = await opening.then(
      () => '',
      error => (error as Error).message,
    )
    await store.close()
    return { code, message }
  }

  /** LevelDB itself, while no store has it. */
  async raw<T>(name: 'log' | 'tree', work: (database: Raw) => Promise<T>): Promise<T> {
    const database = new Level<Buffer, Buffer>(this.file(name), { keyEncoding: 'buffer', valueEncoding: 'buffer' })
    await database.open()
    try {
      return await work(database)
    } finally {
      await database.close()
    }
  }

  /**
   * What a killed process would leave now. LevelDB's own thread writes and removes files whenever it likes, so the directory is read until two
   * readings agree: between them it was at rest.
   */
  async copy(): Promise<DataDir> {
    const copy = await DataDir.make()
    let before: Files | undefined
    let files = await readFiles(this.location)
    while (before === undefined || !sameFiles(before, files)) {
      before = files
      files = await readFiles(this.location)
    }
    await mkdir(copy.location)
    for (const [name, bytes] of files) {
      await mkdir(path.dirname(copy.file(name)), { recursive: true })
      await writeFile(copy.file(name), bytes)
    }
    return copy
  }

  async destroy(): Promise<void> {
    for (const store of this.#open) await store.close().catch(() => {})
    await rm(path.dirname(this.location), { recursive: true, force: true })
  }
}

type Files = ReadonlyMap<string, Buffer>

/** By name; a file that goes away meanwhile is left out. */
async function readFiles(location: string): Promise<Files> {
  const files = new Map<string, Buffer>()
  for (const entry of await readdir(location, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const place = path.join(entry.parentPath, entry.name)
    const bytes = await readFile(place).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
    })
    if (bytes !== undefined) files.set(path.relative(location, place), bytes)
  }
  return files
}

function sameFiles(a: Files, b: Files): boolean {
  return a.size === b.size && [...a].every(([name, bytes]) => b.get(name)?.equals(bytes) === true)
}

/** A method that a test puts something in front of: whatever it gets, it passes on. */
// biome-ignore lint/suspicious/noExplicitAny: the results differ, and the test knows which it has
export type Pass = (...args: unknown[]) => any

export function flipped(bytes: Uint8Array, at: number, bit = 1): Buffer {
  const copy = Buffer.from(bytes)
  copy[at] = copy[at]! ^ bit
  return copy
}

export interface WriteHooks {
  before?(operations: readonly { readonly key: Buffer; readonly value?: Buffer }[]): Promise<unknown> | undefined
  after?(): Promise<unknown>
}

/** Every put and batch of every LevelDB database, while `work` goes on. */
export async function watchingWrites<T>({ before, after }: WriteHooks, work: () => Promise<T>): Promise<T> {
  const { put, batch } = Level.prototype
  Level.prototype.put = async function (this: unknown, key: Buffer, value: Buffer, ...rest: unknown[]) {
    await before?.([{ key, value }])
    await (put as Pass).call(this, key, value, ...rest)
    await after?.()
  } as never
  Level.prototype.batch = function (this: unknown) {
    const chained = (batch as Pass).call(this)
    const operations: { key: Buffer; value?: Buffer }[] = []
    const { put, del, write } = chained
    chained.put = (key: Buffer, value: Buffer) => {
      operations.push({ key, value })
      return put.call(chained, key, value)
    }
    chained.del = (key: Buffer) => {
      operations.push({ key })
      return del.call(chained, key)
    }
    chained.write = async (...options: unknown[]) => {
      await before?.(operations)
      await write.apply(chained, options)
      await after?.()
    }
    return chained
  } as never
  try {
    return await work()
  } finally {
    Level.prototype.put = put
    Level.prototype.batch = batch
  }
}
