/**
 * store-1 … store-6: what LevelDB does by itself to a damaged or failing disk, on its real files, and what the store over it makes of that. Where it can
 * be seen from outside, LevelDB is first seen to do it.
 */
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { expect } from 'chai'
import { Level } from 'level'
import { ZERO, zxid } from '../../../lib/model/zxid.js'
import { groupKey } from '../../../lib/storage/level/keys.js'
import { SeededRandom } from '../../../lib/testing/seeded-random.js'
import { changes, codeOf, history, plain, proposals, znode } from '../../compliance/storage-fixtures.js'
import { DataDir, flipped, type Pass } from '../../unit/storage/level/data-dir.js'

/** On Node LevelDB is `classic-level`, which can do more than `level` promises everywhere. */
interface Compactable {
  compactRange(start: Buffer, end: Buffer): Promise<void>
}

/** Groups of one entry, each in its own record of LevelDB's write-ahead file. */
const GROUPS = 400
const all = proposals(ZERO, 1, GROUPS, 200)

describe('what LevelDB would let pass', () => {
  let data: DataDir
  beforeEach(async () => {
    data = await DataDir.make()
  })
  afterEach(() => data.destroy())

  async function fill(): Promise<void> {
    await data.with(async storage => {
      for (const entry of all) await storage.append([entry])
    })
  }

  async function fileOf(directory: DataDir, name: 'log' | 'tree', what: RegExp): Promise<string> {
    const found = (await readdir(directory.file(name))).filter(file => what.test(file)).sort()
    return directory.file(name, found.at(-1)!)
  }

  /** Which of the groups LevelDB finds, asked over a copy: it writes when it opens. */
  async function foundByLevel(directory: DataDir): Promise<boolean[]> {
    const copy = await directory.copy()
    try {
      return await copy.raw('log', async log =>
        (await log.getMany(all.map(({ zxid }) => groupKey(1, zxid)))).map(value => value !== undefined),
      )
    } finally {
      await copy.destroy()
    }
  }

  async function refused(): Promise<void> {
    const { code, message } = await data.failure()
    expect(code).to.equal('DATA_CORRUPT')
    expect(message).to.match(/entries behind .* are lost or unreadable/)
  }

  it('store-1: a flipped bit in the middle of the write-ahead file is damage (D1, D3)', async () => {
    await fill()
    const file = await fileOf(data, 'log', /\.log$/)
    const bytes = await readFile(file)
    await writeFile(file, flipped(bytes, bytes.length >> 1))
    const found = await foundByLevel(data)
    const [first, last] = [found.indexOf(false), found.lastIndexOf(false)]
    expect(first, 'entries are missing').to.be.greaterThan(0)
    expect(found.slice(last + 1), 'and those behind are there').to.include(true)
    await refused()
  })

  it('store-2: damage to the last acknowledged entry is damage, not a torn tail (D1, D3)', async () => {
    await fill()
    const file = await fileOf(data, 'log', /\.log$/)
    const bytes = await readFile(file)
    const last = bytes.lastIndexOf(groupKey(1, zxid(1, GROUPS)))
    await writeFile(file, flipped(bytes, last + 20))
    expect((await foundByLevel(data)).lastIndexOf(true), 'all but the last').to.equal(GROUPS - 2)
    await refused()
  })

  it('store-3: a log that is missing or empty is damage, not a new one (D3, D8)', async () => {
    await fill()
    for (const lose of [(file: string) => writeFile(file, ''), (file: string) => rm(file)]) {
      const copy = await data.copy()
      await lose(await fileOf(copy, 'log', /\.log$/))
      expect(await foundByLevel(copy)).to.not.include(true)
      for (let attempt = 1; attempt <= 2; attempt++) expect((await copy.failure()).code).to.equal('DATA_CORRUPT')
      await copy.destroy()
    }
  })

  it('store-4: a value that a table gives back wrong is damage (D9)', async () => {
    const random = new SeededRandom(1, 'noise')
    const noise = Uint8Array.from({ length: 500 }, () => random.below(256))
    const nodes = Array.from({ length: 40 }, (_, n) => [`/n${n}`, { ...znode(n), data: noise }] as const)
    await data.with(async storage => {
      await storage.append(all)
      await storage.checkpoint(changes(zxid(1, 100), nodes))
    })
    await data.raw('tree', tree =>
      (tree as unknown as Compactable).compactRange(Buffer.alloc(0), Buffer.alloc(64, 255)),
    )
    const file = await fileOf(data, 'tree', /\.ldb$/)
    const bytes = await readFile(file)
    const at = bytes.indexOf(noise)
    expect(at, 'the data of one of them').to.be.greaterThan(0)
    const before = await data.raw('tree', tree => tree.values().all())
    await writeFile(file, flipped(bytes, at + 200))
    const copy = await data.copy()
    const after = await copy.raw('tree', tree => tree.values().all())
    await copy.destroy()
    expect(after).to.have.length(before.length)
    expect(after, 'another value, and no error').to.not.deep.equal(before)
    expect((await data.failure()).code).to.equal('DATA_CORRUPT')
  })

  /** One put fails, before or after it has reached the disk; LevelDB itself takes the next. */
  async function failOnce(stored: boolean): Promise<void> {
    const storage = data.store()
    await storage.open()
    await storage.append(all.slice(0, 4))
    const put = Level.prototype.put
    Level.prototype.put = async function (this: unknown, ...args: unknown[]) {
      Level.prototype.put = put
      if (stored) await (put as Pass).apply(this, args)
      throw new Error('ENOSPC: no space left on device')
    } as never
    const failing = storage.append(all.slice(4, 8))
    expect(await codeOf(failing)).to.equal('STORAGE_FAILED')
    await failing.catch(error => expect(error.outcome).to.equal('unknown'))
    expect(Level.prototype.put, 'the next put would not fail').to.equal(put)
    const later = [storage.append(all.slice(8, 12)), storage.saveEpochs({ accepted: 1, current: 0 })]
    expect(await Promise.all(later.map(codeOf))).to.deep.equal(later.map(() => 'STORAGE_FAILED'))
    expect(await codeOf(history(storage))).to.equal('STORAGE_FAILED')
    await storage.close()
  }

  it('store-5: behind a write that failed nothing is written, so there is no hole (D2)', async () => {
    await failOnce(false)
    await data.with(async (storage, { suffix }) => {
      expect(plain(suffix)).to.deep.equal(plain(all.slice(0, 4)))
      await storage.append(all.slice(4, 8))
    })
    expect(plain((await data.recovered()).suffix)).to.deep.equal(plain(all.slice(0, 8)))
  })

  it('store-6: what a failed sync has left behind is found and counts (D2, D4)', async () => {
    await failOnce(true)
    await data.with(async (storage, { suffix }) => {
      expect(plain(suffix)).to.deep.equal(plain(all.slice(0, 8)))
      await storage.append(all.slice(8, 12))
    })
    expect(plain((await data.recovered()).suffix)).to.deep.equal(plain(all.slice(0, 12)))
  })
})
