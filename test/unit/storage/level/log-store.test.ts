import { readFile, writeFile } from 'node:fs/promises'
import { expect } from 'chai'
import { Level } from 'level'
import { encodeGroup } from '../../../../lib/codec/record.js'
import { ZERO, zxid } from '../../../../lib/model/zxid.js'
import { encodeWords } from '../../../../lib/storage/level/fixed-record.js'
import { EPOCHS_KEY, groupKey } from '../../../../lib/storage/level/keys.js'
import { changes, codeOf, history, plain, proposals } from '../../../compliance/storage-fixtures.js'
import { DataDir, flipped, type Pass } from './data-dir.js'

const all = proposals(ZERO, 1, 12)
const groups = [all.slice(0, 4), all.slice(4, 8), all.slice(8)]
const keyOf = (group: number) => groupKey(1, groups[group]![0]!.zxid)

describe('log store', () => {
  let data: DataDir
  beforeEach(async () => {
    data = await DataDir.make()
  })
  afterEach(() => data.destroy())

  /** Three groups of four; the mark is at `marked` of them. */
  async function fill(marked: number) {
    await data.with(async storage => {
      for (const group of groups.slice(0, marked)) await storage.append(group)
    })
    const mark = await readFile(data.file('mark'))
    await data.with(async storage => {
      for (const group of groups.slice(marked)) await storage.append(group)
    })
    await writeFile(data.file('mark'), mark)
  }
  const change = (group: number, how: (value: Buffer) => Buffer | undefined) =>
    data.raw('log', async log => {
      const value = how((await log.get(keyOf(group)))!)
      if (value === undefined) await log.del(keyOf(group))
      else await log.put(keyOf(group), value)
    })
  const damages: [string, (value: Buffer) => Buffer | undefined][] = [
    ['with a flipped bit', value => flipped(value, value.length >> 1, 16)],
    ['cut short', value => value.subarray(0, value.length - 9)],
    ['empty', () => Buffer.alloc(0)],
    ['missing', () => undefined],
    ['that is another group', () => Buffer.from(encodeGroup(groups[0]!.slice(1)))],
  ]

  for (const [what, damage] of damages) {
    for (const group of [0, 1, 2]) {
      it(`D1: calls a group ${what} at or below the mark damage (group ${group})`, async () => {
        await fill(3)
        await change(group, damage)
        const { code, message } = await data.failure()
        expect(code).to.equal('DATA_CORRUPT')
        expect(message)
          .to.include('0x10000000c')
          .and.match(/entries behind .* are lost or unreadable.*start this peer with an empty one/)
        expect(message).to.include(group === 0 ? 'behind 0x0,' : `behind 0x10000000${group * 4},`)
      })
    }

    it(`D3: cuts a group ${what} above the mark, and all behind it`, async () => {
      await fill(1)
      await change(1, damage)
      const { suffix, history: found } = await data.recovered()
      expect(plain(suffix)).to.deep.equal(plain(groups[0]!))
      expect(found.ranges).to.deep.equal([{ epoch: 1, first: 1, last: 4 }])
      await data.with(async storage => {
        const branch = proposals(zxid(1, 4), 2, 2)
        await storage.append(branch)
        expect(plain(await history(storage))).to.deep.equal(plain([...groups[0]!, ...branch]))
      })
      expect((await data.recovered()).suffix.map(p => p.zxid.epoch)).to.deep.equal([1, 1, 1, 1, 2, 2])
    })
  }

  it('D1: keeps intact entries above the mark', async () => {
    await fill(1)
    expect(plain((await data.recovered()).suffix)).to.deep.equal(plain(all))
  })

  it('D3: calls what is broken before the checkpoint damage, whatever the mark says', async () => {
    await fill(0)
    const mark = await readFile(data.file('mark'))
    await data.with(storage => storage.checkpoint(changes(zxid(1, 12), [])))
    await writeFile(data.file('mark'), mark)
    expect((await data.failure()).code).to.equal('resolved')
    await writeFile(data.file('mark'), mark)
    await change(2, () => undefined)
    expect((await data.failure()).code).to.equal('DATA_CORRUPT')
  })

  it('takes a group of a later version for newer, not for torn', async () => {
    await fill(1)
    await change(2, value => encodeWords(2, [value.length]))
    expect((await data.failure()).code).to.equal('DATA_TOO_NEW')
    await change(2, () => Buffer.from(encodeGroup(groups[2]!)))
    expect((await data.recovered()).suffix).to.have.length(12)
  })

  it('Z3: does not start with epochs older than they were', async () => {
    await data.with(storage => storage.saveEpochs({ accepted: 2, current: 1 }))
    const older = await data.raw('log', async log => (await log.get(EPOCHS_KEY))!)
    await data.with(storage => storage.saveEpochs({ accepted: 3, current: 3 }))
    for (const wrong of [older, flipped(older, 3), Buffer.alloc(0)]) {
      await data.raw('log', log => log.put(EPOCHS_KEY, wrong))
      expect((await data.failure()).code).to.equal('DATA_CORRUPT')
    }
    await data.raw('log', log => log.del(EPOCHS_KEY))
    expect((await data.failure()).message).to.match(/epochs is missing/)
  })

  it('D9: gives no wrong entry to a reader, and stops', async () => {
    const storage = data.store()
    await storage.open()
    for (const group of groups) await storage.append(group)
    const { iterator } = Level.prototype
    Level.prototype.iterator = function (this: unknown, ...args: unknown[]) {
      const found = (iterator as Pass).apply(this, args)
      const nextv = found.nextv.bind(found)
      found.nextv = (async (size: number) =>
        (await nextv(size)).map(([key, value]: [Buffer, Buffer]) => [key, flipped(value, 30)])) as never
      return found
    } as never
    try {
      expect(await codeOf(history(storage))).to.equal('DATA_CORRUPT')
    } finally {
      Level.prototype.iterator = iterator
    }
    expect(await codeOf(history(storage))).to.equal('STORAGE_FAILED')
    expect(await codeOf(storage.append(proposals(zxid(1, 12), 1, 1)))).to.equal('STORAGE_FAILED')
  })

  it('D2, D4: does nothing more after a write that failed, and finds at the next open what is there', async () => {
    for (const stored of [false, true]) {
      const copy = await DataDir.make()
      const storage = copy.store()
      await storage.open()
      await storage.append(groups[0]!)
      const put = Level.prototype.put
      Level.prototype.put = async function (this: unknown, ...args: unknown[]) {
        if (stored) await (put as Pass).apply(this, args)
        throw new Error('ENOSPC: no space left on device')
      } as never
      try {
        const failing = storage.append(groups[1]!)
        expect(await codeOf(failing)).to.equal('STORAGE_FAILED')
        await failing.catch(error => expect(error.outcome).to.equal('unknown'))
      } finally {
        Level.prototype.put = put
      }
      const refused = [
        storage.append(groups[1]!),
        storage.truncate(zxid(1, 4)),
        storage.saveEpochs({ accepted: 1, current: 0 }),
        storage.checkpoint(changes(zxid(1, 4), [])),
        storage.installSnapshot({ zxid: ZERO, time: 0, digest: { high: 0, low: 0 } }),
        history(storage),
      ]
      expect(await Promise.all(refused.map(codeOf))).to.deep.equal(refused.map(() => 'STORAGE_FAILED'))
      await storage.close()
      expect((await copy.recovered()).suffix).to.have.length(stored ? 8 : 4)
      await copy.destroy()
    }
  })

  it('has each write on disk when it says so: a copy of the directory at any moment opens with it', async () => {
    const storage = data.store()
    await storage.open()
    const copies: [DataDir, number, { accepted: number; current: number }][] = []
    const take = async (entries: number, epoch: number) => {
      copies.push([await data.copy(), entries, { accepted: epoch, current: epoch }])
    }
    await storage.append(groups[0]!)
    await take(4, 0)
    await storage.saveEpochs({ accepted: 1, current: 1 })
    await take(4, 1)
    await storage.append(groups[1]!)
    await storage.append(groups[2]!)
    await take(12, 1)
    await storage.truncate(zxid(1, 6))
    await take(6, 1)
    await storage.truncate(ZERO)
    await take(0, 1)
    await storage.append(groups[0]!)
    await take(4, 1)
    for (const [copy, entries, epochs] of copies) {
      const found = await copy.recovered()
      expect(plain(found.suffix)).to.deep.equal(plain(all.slice(0, entries)))
      expect(found.epochs).to.deep.equal(epochs)
      await copy.destroy()
    }
  })
})
