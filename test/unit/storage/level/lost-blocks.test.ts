/** D1: a damaged block of a table that has only old history in it costs that history; a damaged block with anything else in it is damage. */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { expect } from 'chai'
import { ZERO, zxid } from '../../../../lib/model/zxid.js'
import { checkTables } from '../../../../lib/storage/level/table-check.js'
import { SeededRandom } from '../../../../lib/testing/seeded-random.js'
import { changes, history, plain, proposals, znode } from '../../../compliance/storage-fixtures.js'
import { DataDir, flipped } from './data-dir.js'

const ENTRIES = 200
const CHECKPOINT = 150
const random = new SeededRandom(5, 'lost blocks')
/** Data that cannot be compressed: a few groups fill a block. */
const all = proposals(ZERO, 1, ENTRIES).map(entry => {
  const data = new Uint8Array(700).map(() => random.below(256))
  return entry.txn.kind === 'setData' ? { ...entry, txn: { ...entry.txn, data } } : entry
})

/** The types of `level` are of what it is in a browser too. */
interface ClassicLevel {
  compactRange(from: Buffer, to: Buffer): Promise<void>
}

describe('a damaged block of a table of the log', function () {
  this.timeout(60_000)
  let original: DataDir
  let table: string
  before(async () => {
    original = await DataDir.make()
    await original.with(async storage => {
      await storage.saveEpochs({ accepted: 1, current: 1 })
      for (let at = 0; at < ENTRIES; at += 2) await storage.append(all.slice(at, at + 2))
      await storage.checkpoint(changes(zxid(1, CHECKPOINT), [['/a', znode(1)]]))
    })
    // From the write-ahead file to a table.
    await original.recovered()
    const tables = (await readdir(original.file('log'))).filter(name => name.endsWith('.ldb'))
    expect(tables).to.have.length(1)
    table = tables[0]!
  })
  after(() => original.destroy())

  async function damaged(how: (bytes: Buffer) => Buffer): Promise<DataDir> {
    const data = await original.copy()
    const file = data.file('log', table)
    await writeFile(file, how(await readFile(file)))
    return data
  }
  /** Undefined for DATA_CORRUPT. */
  async function lostUpTo(data: DataDir, what: string): Promise<number | undefined> {
    const { code } = await data.failure()
    if (code !== 'resolved') {
      expect(code, what).to.equal('DATA_CORRUPT')
      return undefined
    }
    return data.with(async (storage, found) => {
      const base = found.history.base.counter
      expect(plain(found.suffix), what).to.deep.equal(plain(all.slice(CHECKPOINT)))
      expect(plain(await history(storage, found.history.base)), what).to.deep.equal(plain(all.slice(base)))
      expect([...found.image.nodes], what).to.have.length(1)
      expect(base, what).to.be.at.most(CHECKPOINT)
      return base
    })
  }

  it('is blanked when only history lies in it, wherever it lies, and nothing else is lost', async () => {
    const { length } = await readFile(original.file('log', table))
    expect(length).to.be.greaterThan(100_000)
    const bases = new Map<number, number | undefined>()
    for (let at = 1000; at < length - 3000; at += 3997) {
      const data = await damaged(bytes => flipped(bytes, at, 1 << (at % 8)))
      bases.set(at, await lostUpTo(data, `byte ${at} of ${length}`))
      await data.destroy()
    }
    const found = [...bases.values()]
    // The first block has the epochs in it; the last quarter what the checkpoint has not.
    expect(found[0]).to.equal(undefined)
    const shortened = found.filter(base => base !== undefined)
    expect(shortened.length / found.length).to.be.within(0.5, 0.8)
    expect(shortened).to.deep.equal([...shortened].sort((a, b) => a - b))
    expect(shortened.at(-1)).to.be.greaterThan(CHECKPOINT - 20)
    expect(found.slice(1 + shortened.length)).to.deep.equal(found.slice(1 + shortened.length).map(() => undefined))
  })

  it('is blanked together with another, and LevelDB can live with it', async () => {
    const data = await damaged(bytes => bytes.fill(0, 8192, 20_480))
    const base = await lostUpTo(data, 'three pages of zeros')
    expect(base).to.be.within(10, 60)
    expect(await checkTables(data.file('log'))).to.deep.equal([])
    await data.raw('log', async database => {
      await (database as unknown as ClassicLevel).compactRange(Buffer.alloc(0), Buffer.from('Z'))
      for await (const [key] of database.iterator()) expect(await database.get(key)).to.not.equal(undefined)
    })
    expect(await lostUpTo(data, 'compacted')).to.equal(base)
    await data.with(storage => storage.append(proposals(zxid(1, ENTRIES), 1, 3)))
    expect((await data.recovered()).suffix).to.have.length(ENTRIES - CHECKPOINT + 3)
    await data.destroy()
  })

  it('D3: stays as it is when anything else is damaged, too', async () => {
    const { length } = await readFile(original.file('log', table))
    const both = (bytes: Buffer) => flipped(flipped(bytes, 30_000), length - 5000)
    const data = await damaged(both)
    const before = await readFile(data.file('log', table))
    expect(await lostUpTo(data, 'both')).to.equal(undefined)
    expect((await readFile(data.file('log', table))).equals(before)).to.equal(true)
    await data.destroy()
  })
})
