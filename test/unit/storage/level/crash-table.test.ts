/** Each row of the table in level-storage.ts as two databases that a crash, or a lost write, could leave. */
import { cp, rm } from 'node:fs/promises'
import { expect } from 'chai'
import { Level } from 'level'
import { encodeZnode } from '../../../../lib/codec/tree-codec.js'
import { ZERO, zxid } from '../../../../lib/model/zxid.js'
import { journalKey, nodeKey } from '../../../../lib/storage/level/keys.js'
import { encodeTreeEntry } from '../../../../lib/storage/level/tree-entry.js'
import type { Recovered, Storage } from '../../../../lib/storage/storage.js'
import { changes, codeOf, history, proposals, sessionRecord, znode } from '../../../compliance/storage-fixtures.js'
import { DataDir, flipped, type Pass, watchingWrites } from './data-dir.js'

const COUNT = 2600

describe('crash table', () => {
  const dirs: DataDir[] = []
  async function make() {
    const data = await DataDir.make()
    dirs.push(data)
    return data
  }
  async function copyOf(data: DataDir) {
    const copy = await data.copy()
    dirs.push(copy)
    return copy
  }
  afterEach(async () => {
    for (const data of dirs.splice(0)) await data.destroy()
  })

  /** Every znode gets the version of the checkpoint: a tree of two versions is a torn one. */
  const allNodes = (version: number, count = COUNT) =>
    changes(
      zxid(1, version),
      Array.from({ length: count }, (_, n) => [`/n${n}`, { ...znode(n, 100), version }] as const),
      [[sessionRecord(version).session, sessionRecord(version)]],
    )
  const versionsOf = ({ image }: Recovered) => [...new Set([...image.nodes].map(([, node]) => node.version))]

  async function withCheckpoint(data: DataDir) {
    await data.with(async storage => {
      await storage.append(proposals(ZERO, 1, 5))
      await storage.checkpoint(allNodes(3))
    })
  }

  /** A copy of the directory before each write that `work` makes to a database, as a killed process would leave it. */
  async function killedBeforeEachWrite(data: DataDir, work: (storage: Storage) => Promise<unknown>) {
    const copies: DataDir[] = []
    const before = async () => copies.push(await copyOf(data))
    await data.with(storage => watchingWrites({ before }, () => work(storage)))
    return copies
  }

  it('Z27, D6: a checkpoint is there whole or not at all, wherever it is killed', async () => {
    const data = await make()
    await withCheckpoint(data)
    const copies = await killedBeforeEachWrite(data, storage => storage.checkpoint(allNodes(5)))
    expect(copies.length).to.be.at.least(12)
    const seen: number[] = []
    for (const copy of copies) {
      const found = await copy.recovered()
      const [version, ...others] = versionsOf(found)
      expect(others).to.deep.equal([])
      expect(found.image.zxid).to.deep.equal(zxid(1, version!))
      expect([...found.image.nodes]).to.have.length(COUNT)
      expect(found.image.sessions).to.have.length(version === 3 ? 1 : 2)
      expect(found.suffix).to.have.length(5 - version!)
      seen.push(version!)
      // And goes on from there.
      await copy.with(storage => storage.checkpoint(changes(zxid(1, 5), [['/n0', undefined]])))
      expect([...(await copy.recovered()).image.nodes]).to.have.length(COUNT - 1)
    }
    expect(seen).to.deep.equal([...seen].sort())
    expect(new Set(seen).size).to.equal(2)
  })

  it('Z27, D6: a snapshot is switched to whole or not at all, wherever it is killed; the old log never comes back', async () => {
    const source = await make()
    await withCheckpoint(source)
    const chunks: Uint8Array[] = []
    const header = await source.with(async storage => {
      const snapshot = await storage.readSnapshot()
      for await (const chunk of snapshot.chunks) chunks.push(chunk)
      await snapshot.close()
      return { zxid: snapshot.zxid, time: snapshot.time, digest: snapshot.digest }
    })
    const data = await make()
    await data.with(async storage => {
      // Entries 4 and 5 of this log would chain to the snapshot at 3.
      await storage.append(proposals(ZERO, 1, 5))
      await storage.checkpoint({ ...allNodes(2, 40), nodes: new Map([['/own', { ...znode(1), version: 2 }]]) })
    })
    const copies = await killedBeforeEachWrite(data, async storage => {
      const installer = await storage.installSnapshot(header)
      for (const chunk of chunks) await installer.write(chunk)
      await installer.finish()
    })
    // The pack, the switch, the base of the log, what is void.
    expect(copies.length).to.be.at.least(4)
    const seen: number[] = []
    for (const copy of copies) {
      const found = await copy.recovered()
      const [version, ...others] = versionsOf(found)
      expect(others).to.deep.equal([])
      expect([...found.image.nodes]).to.have.length(version === 2 ? 1 : COUNT)
      expect(found.suffix).to.have.length(version === 2 ? 3 : 0)
      expect(found.history.base).to.deep.equal(version === 2 ? ZERO : zxid(1, 3))
      seen.push(version!)
      await copy.with(async storage => {
        const installer = await storage.installSnapshot(header)
        for (const chunk of chunks) await installer.write(chunk)
        expect([...(await installer.finish()).nodes]).to.have.length(COUNT)
      })
    }
    expect(seen).to.deep.equal([...seen].sort())
    expect(new Set(seen)).to.deep.equal(new Set([2, 3]))
    const after = await data.recovered()
    expect(after.suffix).to.deep.equal([])
  })

  it('a log that ends before the checkpoint is damage', async () => {
    const data = await make()
    await data.with(storage => storage.append(proposals(ZERO, 1, 2)))
    const early = await copyOf(data)
    await data.with(async storage => {
      await storage.append(proposals(zxid(1, 2), 1, 3))
      await storage.checkpoint(allNodes(4, 1))
    })
    await rm(data.file('log'), { recursive: true })
    await cp(early.file('log'), data.file('log'), { recursive: true })
    await cp(early.file('mark'), data.file('mark'))
    expect((await data.failure()).message).to.match(/behind 0x100000002, at least up to 0x100000004, were acknowledged/)
  })

  it('a tree from before what the log let go is damage', async () => {
    const data = await make()
    await data.recovered()
    const early = await copyOf(data)
    const storage = data.store({ logBytesKept: 0 })
    await storage.open()
    for (let at = 0; at < 40; at++) await storage.append(proposals(at === 0 ? ZERO : zxid(1, at), 1, 1, 60_000))
    const { base } = await storage.checkpoint(allNodes(40, 1))
    expect(base.counter).to.be.greaterThan(0)
    await storage.close()
    await rm(data.file('tree'), { recursive: true })
    await cp(early.file('tree'), data.file('tree'), { recursive: true })
    expect((await data.failure()).message).to.match(/a checkpoint is lost: the tree is at 0x0/)
  })

  it('a tree from before an installed snapshot is damage', async () => {
    const data = await make()
    await withCheckpoint(data)
    const early = await copyOf(data)
    await data.with(async storage => {
      const installer = await storage.installSnapshot({ zxid: zxid(1, 5), time: 1, digest: { high: 0, low: 0 } })
      await installer.finish()
    })
    await rm(data.file('tree'), { recursive: true })
    await cp(early.file('tree'), data.file('tree'), { recursive: true })
    expect((await data.failure()).message).to.match(/an installed snapshot is lost/)
  })

  it('a mark from before an installed snapshot is void', async () => {
    const data = await make()
    await withCheckpoint(data)
    const early = await copyOf(data)
    await data.with(async storage => {
      const installer = await storage.installSnapshot({ zxid: zxid(1, 3), time: 1, digest: { high: 0, low: 0 } })
      await installer.finish()
    })
    await cp(early.file('mark'), data.file('mark'))
    expect((await data.recovered()).history).to.deep.equal({ base: zxid(1, 3), ranges: [] })
  })

  it('a purge that was killed before it deleted has purged', async () => {
    const data = await make()
    const storage = data.store({ logBytesKept: 0 })
    await storage.open()
    for (let at = 0; at < 40; at++) await storage.append(proposals(at === 0 ? ZERO : zxid(1, at), 1, 1, 60_000))
    await storage.close()
    const writes: DataDir[] = []
    const again = data.store({ logBytesKept: 0 })
    await again.open()
    await watchingWrites({ before: async () => writes.push(await copyOf(data)) }, async () => {
      await again.checkpoint(allNodes(40, 1))
      await again.close()
    })
    expect(writes.length).to.be.at.least(2)
    for (const copy of writes) {
      await copy.with(async (opened, found) => {
        expect(found.suffix.length + found.image.zxid.counter).to.equal(40)
        expect(await history(opened, found.history.base)).to.have.length(40 - found.history.base.counter)
      })
    }
  })

  describe('D9: in the tree', () => {
    it('a flipped bit in any byte of an entry is found, in its value and in its key', async () => {
      const data = await make()
      await withCheckpoint(data)
      const key = nodeKey(1, '/n7')
      const entry = encodeTreeEntry('node', '/n7', encodeZnode(znode(7)))
      for (let at = 0; at < entry.length; at += 3) {
        await data.raw('tree', tree => tree.put(key, flipped(entry, at, 1 << (at % 8))))
        const { code, message } = await data.failure()
        expect(code, `byte ${at}`).to.equal('DATA_CORRUPT')
        expect(message).to.match(/tree is damaged/)
      }
      await data.raw('tree', tree => tree.put(key, entry))
      expect((await data.failure()).code).to.equal('resolved')
    })

    it('a chunk of a checkpoint that is missing is found', async () => {
      const data = await make()
      await withCheckpoint(data)
      const copies = await killedBeforeEachWrite(data, storage => storage.checkpoint(allNodes(5)))
      // Killed right before the last write: the record names a journal.
      const killed = copies.at(-1)!
      await killed.raw('tree', tree => tree.del(journalKey(2, 1)))
      expect((await killed.failure()).message).to.match(/chunk 1 of checkpoint 2 is missing/)
    })

    it('a damaged entry stops a snapshot that is being read', async () => {
      const data = await make()
      await withCheckpoint(data)
      await data.with(async storage => {
        const { values } = Level.prototype
        Level.prototype.values = function (this: unknown, ...args: unknown[]) {
          const iterator = (values as Pass).apply(this, args)
          const nextv = iterator.nextv.bind(iterator)
          iterator.nextv = (async (size: number) =>
            (await nextv(size)).map((value: unknown) =>
              flipped(value as Buffer, (value as Buffer).length - 9),
            )) as never
          return iterator
        } as never
        try {
          const { chunks } = await storage.readSnapshot()
          const reading = (async () => {
            for await (const _ of chunks);
          })()
          expect(await codeOf(reading)).to.equal('DATA_CORRUPT')
        } finally {
          Level.prototype.values = values
        }
      })
    })
  })
})
