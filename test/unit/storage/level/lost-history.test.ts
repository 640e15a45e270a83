/** D1: damage in the log behind the checkpoint costs history, and nothing else; above the checkpoint it is damage as ever. */
import { expect } from 'chai'
import { Level } from 'level'
import { encodeGroup } from '../../../../lib/codec/record.js'
import { ZERO, type Zxid, zxid } from '../../../../lib/model/zxid.js'
import { groupKey } from '../../../../lib/storage/level/keys.js'
import type { LostHistory } from '../../../../lib/storage/storage.js'
import { changes, codeOf, history, plain, proposals } from '../../../compliance/storage-fixtures.js'
import { DataDir, flipped, type Pass, watchingWrites } from './data-dir.js'

const all = proposals(ZERO, 1, 12)
const groups = [all.slice(0, 4), all.slice(4, 8), all.slice(8)]
const keyOf = (group: number) => groupKey(1, groups[group]![0]!.zxid)

describe('history behind the checkpoint', () => {
  let data: DataDir
  beforeEach(async () => {
    data = await DataDir.make()
  })
  afterEach(() => data.destroy())

  async function fill(checkpoint: number): Promise<void> {
    await data.with(async storage => {
      for (const group of groups) await storage.append(group)
      await storage.checkpoint(changes(zxid(1, checkpoint), []))
    })
  }
  const change = (group: number, how: (value: Buffer) => Buffer | undefined) =>
    data.raw('log', async log => {
      const value = how((await log.get(keyOf(group)))!)
      if (value === undefined) await log.del(keyOf(group))
      else await log.put(keyOf(group), value)
    })
  const damages: Record<string, (value: Buffer) => Buffer | undefined> = {
    'with a flipped bit': value => flipped(value, value.length >> 1, 16),
    empty: () => Buffer.alloc(0),
    missing: () => undefined,
    'that is another group': () => Buffer.from(encodeGroup(groups[0]!.slice(1))),
  }

  for (const [what, damage] of Object.entries(damages)) {
    for (const [checkpoint, group, base] of [
      [12, 0, 4],
      [10, 1, 8],
      [8, 1, 8],
    ] as const) {
      it(`is let go up to a group ${what}, when the checkpoint is at ${checkpoint} (group ${group})`, async () => {
        await fill(checkpoint)
        await change(group, damage)
        await data.with(async (storage, found) => {
          expect(found.history).to.deep.equal({
            base: zxid(1, base),
            ranges: [{ epoch: 1, first: base + 1, last: 12 }],
          })
          expect(found.lostHistory?.base).to.deep.equal(zxid(1, base))
          expect(found.lostHistory?.reason).to.be.a('string').and.not.equal('')
          expect(plain(found.suffix)).to.deep.equal(plain(all.slice(checkpoint)))
          expect(plain(await history(storage, zxid(1, base)))).to.deep.equal(plain(all.slice(base)))
          expect(await codeOf(history(storage, ZERO))).to.equal('HISTORY_PURGED')
          expect(await codeOf(history(storage, zxid(1, base - 1)))).to.equal('HISTORY_PURGED')
          await storage.append(proposals(zxid(1, 12), 1, 1))
        })
        const again = await data.recovered()
        expect(again.lostHistory).to.equal(undefined)
        expect(again.history.base).to.deep.equal(zxid(1, base))
      })
    }

    for (const [checkpoint, group] of [
      [7, 1],
      [8, 2],
      [11, 2],
      [12, 2],
    ] as const) {
      it(`D3: is damage where a group ${what} has, or may have, what the checkpoint at ${checkpoint} has not`, async () => {
        await fill(checkpoint)
        await change(group, damage)
        const { code, message } = await data.failure()
        expect(code).to.equal('DATA_CORRUPT')
        expect(message).to.match(/were acknowledged and are lost or unreadable/)
      })
    }
  }

  it('is let go up to the last of several damaged groups', async () => {
    await fill(10)
    for (const group of [0, 1]) await change(group, value => flipped(value, 20))
    const { history: found, lostHistory } = await data.recovered()
    expect(found.base).to.deep.equal(zxid(1, 8))
    expect(lostHistory?.base).to.deep.equal(zxid(1, 8))
  })

  it('Z19: that was cut once does not come back for another', async () => {
    const branch = proposals(zxid(1, 6), 2, 4)
    let old: Buffer | undefined
    await data.with(async storage => {
      for (const group of groups) await storage.append(group)
    })
    await data.raw('log', async log => {
      old = await log.get(keyOf(2))
    })
    await data.with(async storage => {
      await storage.truncate(zxid(1, 6))
      await storage.append(branch)
      await storage.checkpoint(changes(zxid(2, 3), []))
    })
    // As a lost deletion would bring it back.
    await data.raw('log', log => log.put(keyOf(2), old!))
    expect((await data.failure()).code).to.equal('DATA_CORRUPT')
  })

  it('is given up in one step, wherever it is killed', async () => {
    await fill(10)
    await change(0, () => Buffer.from('nonsense'))
    const copies: DataDir[] = []
    await watchingWrites({ before: async () => copies.push(await data.copy()) }, () => data.recovered())
    expect(copies).to.have.length(1)
    const found = await copies[0]!.recovered()
    expect(found.lostHistory?.base).to.deep.equal(zxid(1, 4))
    await copies[0]!.destroy()
  })

  describe('when it is read', () => {
    /** The value of one group has rotted since the start: LevelDB would say nothing. */
    async function rotten<T>(group: number, work: () => Promise<T>): Promise<T> {
      const { iterator } = Level.prototype
      Level.prototype.iterator = function (this: unknown, ...args: unknown[]) {
        const found = (iterator as Pass).apply(this, args)
        const rot = ([key, value]: [Buffer, Buffer]) => [key, key.equals(keyOf(group)) ? flipped(value, 30) : value]
        const nextv = found.nextv.bind(found)
        found.nextv = (async (size: number) => (await nextv(size)).map(rot)) as never
        const next = found.next.bind(found)
        found.next = (async () => {
          const entry = await next()
          return entry === undefined ? undefined : rot(entry)
        }) as never
        return found
      } as never
      try {
        return await work()
      } finally {
        Level.prototype.iterator = iterator
      }
    }

    it('is let go up to what has rotted; the reader is told so, and the store goes on', async () => {
      await fill(10)
      const storage = data.store()
      await storage.open()
      const lost: LostHistory[] = []
      storage.onHistoryLost(each => lost.push(each))
      await rotten(1, async () => {
        const readers = [ZERO, zxid(1, 4), zxid(1, 5)].map(after => codeOf(history(storage, after)))
        expect(await Promise.all(readers)).to.deep.equal(Array(3).fill('HISTORY_PURGED'))
      })
      expect(lost.map(({ base }) => base)).to.deep.equal([zxid(1, 8)])
      expect(lost[0]!.reason).to.match(/checksum/)
      expect(plain(await history(storage, zxid(1, 8)))).to.deep.equal(plain(all.slice(8)))
      expect(await codeOf(history(storage, zxid(1, 7)))).to.equal('HISTORY_PURGED')
      await storage.append(proposals(zxid(1, 12), 1, 2))
      await storage.checkpoint(changes(zxid(1, 14), []))
      await storage.close()
      const found = await data.recovered()
      expect(found.lostHistory).to.equal(undefined)
      expect(found.history.base).to.deep.equal(zxid(1, 8))
    })

    it('from its end on, is read past what has rotted before', async () => {
      await fill(10)
      const storage = data.store()
      await storage.open()
      await rotten(1, async () => {
        expect(plain(await history(storage, zxid(1, 8)))).to.deep.equal(plain(all.slice(8)))
      })
    })

    it('D9: is damage ahead of the checkpoint, and stops the store', async () => {
      await fill(7)
      const storage = data.store()
      await storage.open()
      const after: Zxid = zxid(1, 4)
      expect(await rotten(1, () => codeOf(history(storage, after)))).to.equal('DATA_CORRUPT')
      expect(await codeOf(storage.append(proposals(zxid(1, 12), 1, 1)))).to.equal('STORAGE_FAILED')
    })
  })
})
