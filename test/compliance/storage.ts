/**
 * What every store must do, as lib/storage/storage.ts says it: one suite, run over each implementation with a factory that opens
 * the same medium again and again.
 */
import { expect } from 'chai'
import type { SessionId } from '../../lib/model/ids.js'
import type { Proposal } from '../../lib/model/proposal.js'
import { ZERO, zxid } from '../../lib/model/zxid.js'
import type { LogRetention } from '../../lib/storage/log-retention.js'
import type { Storage } from '../../lib/storage/storage.js'
import {
  changes,
  codeOf,
  contents,
  digestOf,
  history,
  plain,
  proposal,
  proposals,
  sessionRecord,
  znode,
} from './storage-fixtures.js'

export interface StorageMedium {
  /** A store, not yet opened, over what earlier stores of this medium have left. The one before is closed. */
  store(): Storage
  destroy(): Promise<void>
}

export type MediumFactory = (options?: LogRetention) => Promise<StorageMedium>

export function storageCompliance(name: string, makeMedium: MediumFactory): void {
  describe(`${name} as a storage`, () => {
    let medium: StorageMedium
    let storage: Storage

    async function begin(options?: LogRetention) {
      medium = await makeMedium(options)
      storage = medium.store()
      return storage.open()
    }
    async function reopen() {
      await storage.close()
      storage = medium.store()
      return storage.open()
    }
    afterEach(async () => {
      await storage.close()
      await medium.destroy()
    })

    it('is empty when new, and keeps its incarnation', async () => {
      const first = await begin()
      expect(contents(first.image)).to.deep.equal({
        zxid: ZERO,
        time: 0,
        digest: { high: 0, low: 0 },
        nodes: [],
        sessions: [],
      })
      expect(first.suffix).to.deep.equal([])
      expect(first.epochs).to.deep.equal({ accepted: 0, current: 0 })
      expect(first.history).to.deep.equal({ base: ZERO, ranges: [] })
      expect(first.identity.incarnation).to.match(/^[0-9a-f]{32}$/)
      expect((await reopen()).identity).to.deep.equal(first.identity)
    })

    describe('its log', () => {
      it('has every appended entry again after reopening, in groups of any size', async () => {
        await begin()
        const all = proposals(ZERO, 1, 40)
        await storage.append(all.slice(0, 1))
        await storage.append(all.slice(1, 33))
        await storage.append(all.slice(33))
        const found = await reopen()
        expect(plain(found.suffix)).to.deep.equal(plain(all))
        expect(found.history).to.deep.equal({ base: ZERO, ranges: [{ epoch: 1, first: 1, last: 40 }] })
      })

      it('says each epoch as a range', async () => {
        await begin()
        const one = proposals(ZERO, 1, 3)
        const three = proposals(zxid(1, 3), 3, 2)
        await storage.append([...one, ...three])
        expect((await reopen()).history.ranges).to.deep.equal([
          { epoch: 1, first: 1, last: 3 },
          { epoch: 3, first: 1, last: 2 },
        ])
      })

      it('Z14: refuses a gap', async () => {
        await begin()
        await storage.append(proposals(ZERO, 1, 2))
        expect(await codeOf(storage.append([proposal(zxid(1, 4), zxid(1, 3))]))).to.equal('InvariantViolation')
        expect(
          await codeOf(storage.append([proposal(zxid(1, 4), zxid(1, 2)), proposal(zxid(1, 6), zxid(1, 5))])),
        ).to.equal('InvariantViolation')
        expect((await reopen()).suffix).to.have.length(2)
      })

      for (const cut of [0, 1, 4, 5, 7, 9, 10]) {
        it(`Z19: has exactly the entries up to the cut at ${cut} of 10, also in the middle of a group`, async () => {
          await begin()
          const all = proposals(ZERO, 1, 10)
          for (const group of [all.slice(0, 4), all.slice(4, 9), all.slice(9)]) await storage.append(group)
          const after = cut === 0 ? ZERO : zxid(1, cut)
          await storage.truncate(after)
          expect(plain(await history(storage))).to.deep.equal(plain(all.slice(0, cut)))
          const branch = proposals(after, 2, 3)
          await storage.append(branch)
          expect(plain(await history(storage))).to.deep.equal(plain([...all.slice(0, cut), ...branch]))
          expect(plain((await reopen()).suffix)).to.deep.equal(plain([...all.slice(0, cut), ...branch]))
        })
      }

      it('keeps a cut across reopening without a later append', async () => {
        await begin()
        await storage.append(proposals(ZERO, 1, 10))
        await storage.truncate(zxid(1, 6))
        expect((await reopen()).suffix.map(p => p.zxid.counter)).to.deep.equal([1, 2, 3, 4, 5, 6])
      })

      it('reads history behind any entry, in batches of bounded size', async () => {
        await begin()
        const all = proposals(ZERO, 1, 2500)
        for (let at = 0; at < all.length; at += 130) await storage.append(all.slice(at, at + 130))
        for (const after of [0, 1, 129, 130, 131, 1999, 2500]) {
          const read = await history(storage, after === 0 ? ZERO : zxid(1, after))
          expect(read.map(p => p.zxid.counter)).to.deep.equal(all.slice(after).map(p => p.zxid.counter))
        }
        for await (const batch of storage.readHistory(ZERO)) expect(batch.length).to.be.within(1, 1000)
      })

      it('bounds a batch of history by bytes, but gives an entry that is larger alone', async () => {
        await begin()
        const large = proposals(ZERO, 1, 8, 100_000)
        await storage.append(large)
        await storage.append(proposals(zxid(1, 8), 1, 2, 700_000))
        const sizes: number[] = []
        for await (const batch of storage.readHistory(ZERO)) sizes.push(batch.length)
        expect(sizes).to.deep.equal([2, 2, 2, 2, 1, 1])
      })

      it('never shows a gap to a reader that is overtaken by a cut', async () => {
        await begin()
        await storage.append(proposals(ZERO, 1, 1500))
        await storage.append(proposals(zxid(1, 1500), 1, 1500))
        const reader = storage.readHistory(ZERO)[Symbol.asyncIterator]()
        const first = (await reader.next()).value
        expect(first.length).to.equal(1000)
        await storage.truncate(zxid(1, 500))
        await storage.append(proposals(zxid(1, 500), 2, 10))
        expect(await codeOf(reader.next() as Promise<unknown>)).to.equal('HISTORY_CONFLICT')
      })
    })

    describe('its epochs', () => {
      it('Z3: are there again after reopening', async () => {
        await begin()
        await storage.saveEpochs({ accepted: 3, current: 2 })
        await storage.saveEpochs({ accepted: 4, current: 4 })
        expect((await reopen()).epochs).to.deep.equal({ accepted: 4, current: 4 })
      })

      it('Z29: say of an origin that it is one, until they are saved without', async () => {
        await begin()
        await storage.saveEpochs({ accepted: 3, current: 0, origin: true })
        await storage.saveEpochs({ accepted: 4, current: 0, origin: true })
        expect((await reopen()).epochs).to.deep.equal({ accepted: 4, current: 0, origin: true })
        await storage.saveEpochs({ accepted: 4, current: 4 })
        expect((await reopen()).epochs).to.deep.equal({ accepted: 4, current: 4 })
      })

      it('Z3: never decrease, and current never passes accepted', async () => {
        await begin()
        await storage.saveEpochs({ accepted: 3, current: 2 })
        for (const wrong of [
          { accepted: 2, current: 2 },
          { accepted: 3, current: 1 },
          { accepted: 3, current: 4 },
        ]) {
          expect(await codeOf(storage.saveEpochs(wrong))).to.equal('InvariantViolation')
        }
        expect((await reopen()).epochs).to.deep.equal({ accepted: 3, current: 2 })
      })
    })

    describe('its checkpoint', () => {
      it('is the tree after reopening; the suffix is what lies behind it', async () => {
        await begin()
        const all = proposals(ZERO, 1, 10)
        await storage.append(all)
        const made = changes(
          zxid(1, 6),
          Array.from({ length: 6 }, (_, n) => [`/n${n + 1}`, znode(n + 1)] as const),
          [1, 2].map(n => [sessionRecord(n).session, sessionRecord(n)] as const),
        )
        expect(await storage.checkpoint(made)).to.deep.equal({ base: ZERO })
        const found = await reopen()
        expect(contents(found.image)).to.deep.equal(
          contents({ ...made, nodes: made.nodes as never, sessions: [sessionRecord(1), sessionRecord(2)] }),
        )
        expect(plain(found.suffix)).to.deep.equal(plain(all.slice(6)))
        expect(found.history).to.deep.equal({ base: ZERO, ranges: [{ epoch: 1, first: 1, last: 10 }] })
      })

      it('adds, replaces and deletes znodes and sessions', async () => {
        await begin()
        await storage.append(proposals(ZERO, 1, 10))
        const [one, two, three] = [sessionRecord(1), sessionRecord(2), sessionRecord(3)]
        await storage.checkpoint(
          changes(
            zxid(1, 3),
            [
              ['/a', znode(1)],
              ['/b', znode(2)],
              ['/ü/𝄞', znode(3, 0)],
            ],
            [one, two].map(s => [s.session, s] as const),
          ),
        )
        await storage.checkpoint(
          changes(
            zxid(1, 9),
            [
              ['/a', undefined],
              ['/b', znode(7)],
              ['/never', undefined],
              ['/c', znode(8)],
            ],
            [
              [one.session, undefined],
              [three.session, three],
            ],
          ),
        )
        const image = contents((await reopen()).image)
        expect(image.zxid).to.deep.equal(zxid(1, 9))
        expect(image.digest).to.deep.equal(digestOf(9))
        expect(image.nodes.map(([path, node]) => [path, node.version])).to.deep.equal([
          ['/b', 7],
          ['/c', 8],
          ['/ü/𝄞', 3],
        ])
        expect(image.sessions.map(s => s[0])).to.deep.equal([two.session, three.session])
      })

      it('holds thousands of znodes, some of them large', async () => {
        await begin()
        await storage.append(proposals(ZERO, 1, 2))
        const nodes = Array.from(
          { length: 3000 },
          (_, n) => [`/big/${n}`, znode(n, n % 1000 === 0 ? 400_000 : 50)] as const,
        )
        await storage.checkpoint(changes(zxid(1, 1), nodes))
        await storage.checkpoint(changes(zxid(1, 2), [['/big/7', undefined]]))
        const { nodes: found } = contents((await reopen()).image)
        expect(found).to.have.length(2999)
        expect(found.find(([path]) => path === '/big/2000')![1].data).to.have.length(800_000)
      })

      it('can be made while entries are appended and history is read', async () => {
        await begin()
        let last = ZERO
        const append = async (count: number) => {
          const group = proposals(last, 1, count)
          last = group.at(-1)!.zxid
          await storage.append(group)
        }
        await append(100)
        const nodes = Array.from({ length: 2000 }, (_, n) => [`/n${n}`, znode(n)] as const)
        const checkpoint = storage.checkpoint(changes(zxid(1, 100), nodes))
        const reading = history(storage)
        for (let i = 0; i < 20; i++) await append(10)
        await checkpoint
        expect((await reading).length).to.be.at.least(100)
        const found = await reopen()
        expect(found.suffix).to.have.length(200)
        expect([...found.image.nodes]).to.have.length(2000)
      })

      it('resets the count of bytes that asks for the next one', async () => {
        await begin()
        expect(storage.logBytesSinceCheckpoint()).to.equal(0)
        await storage.append(proposals(ZERO, 1, 10, 1000))
        expect(storage.logBytesSinceCheckpoint()).to.be.within(10_000, 13_000)
        await storage.checkpoint(changes(zxid(1, 10), []))
        expect(storage.logBytesSinceCheckpoint()).to.equal(0)
        await storage.append(proposals(zxid(1, 10), 1, 5, 1000))
        await reopen()
        expect(storage.logBytesSinceCheckpoint()).to.be.within(5_000, 6_500)
      })

      it('lets history go behind it, and says so to who asks for it', async () => {
        await begin({ logBytesKept: 100_000 })
        const all = proposals(ZERO, 1, 4000, 1000)
        for (let at = 0; at < all.length; at += 10) await storage.append(all.slice(at, at + 10))
        const { base } = await storage.checkpoint(changes(zxid(1, 3990), [['/a', znode(1)]]))
        expect(base.counter).to.be.within(1000, 3990)
        expect(await codeOf(history(storage, ZERO))).to.equal('HISTORY_PURGED')
        expect(await codeOf(history(storage, zxid(1, base.counter - 1)))).to.equal('HISTORY_PURGED')
        expect(plain(await history(storage, base))).to.deep.equal(plain(all.slice(base.counter)))
        const found = await reopen()
        expect(found.history).to.deep.equal({ base, ranges: [{ epoch: 1, first: base.counter + 1, last: 4000 }] })
        expect(plain(found.suffix)).to.deep.equal(plain(all.slice(3990)))
        expect(await codeOf(history(storage, ZERO))).to.equal('HISTORY_PURGED')
      })

      it('never lets go of entries ahead of it', async () => {
        await begin({ logBytesKept: 0 })
        const all = proposals(ZERO, 1, 30, 1000)
        for (const entry of all) await storage.append([entry])
        await storage.checkpoint(changes(zxid(1, 5), [['/a', znode(1)]]))
        expect(plain((await reopen()).suffix)).to.deep.equal(plain(all.slice(5)))
      })

      it('tells a reader that is overtaken by the purge', async () => {
        await begin({ logBytesKept: 0, logPinnedBytesMax: 1_000_000 })
        const all = proposals(ZERO, 1, 5000, 1000)
        for (let at = 0; at < all.length; at += 100) await storage.append(all.slice(at, at + 100))
        const reader = storage.readHistory(ZERO)[Symbol.asyncIterator]()
        await reader.next()
        await storage.checkpoint(changes(zxid(1, 5000), []))
        expect(await codeOf(reader.next() as Promise<unknown>)).to.equal('HISTORY_PURGED')
      })

      it('keeps what a reader under way has not read, until there is too much of it', async () => {
        await begin({ logBytesKept: 0, logPinnedBytesMax: 10_000_000 })
        const all = proposals(ZERO, 1, 5000, 1000)
        for (let at = 0; at < all.length; at += 100) await storage.append(all.slice(at, at + 100))
        const reader = storage.readHistory(zxid(1, 2500))[Symbol.asyncIterator]()
        const read = [...((await reader.next()).value as Proposal[])]
        expect((await storage.checkpoint(changes(zxid(1, 5000), []))).base.counter).to.be.within(1000, 2500)
        for (let batch = await reader.next(); batch.done !== true; batch = await reader.next())
          read.push(...batch.value)
        expect(plain(read)).to.deep.equal(plain(all.slice(2500)))
        // It has ended, and holds nothing back any more.
        await storage.append(proposals(zxid(1, 5000), 1, 1))
        expect((await storage.checkpoint(changes(zxid(1, 5001), []))).base.counter).to.be.at.least(4000)
      })

      it('lets history go that is too many entries', async () => {
        await begin({ logEntriesKept: 1500 })
        const all = proposals(ZERO, 1, 5000)
        for (let at = 0; at < all.length; at += 100) await storage.append(all.slice(at, at + 100))
        const { base } = await storage.checkpoint(changes(zxid(1, 5000), []))
        expect(base.counter).to.be.within(3500, 4500)
        expect(await codeOf(history(storage, ZERO))).to.equal('HISTORY_PURGED')
        expect(plain(await history(storage, base))).to.deep.equal(plain(all.slice(base.counter)))
      })

      it('lets history go that is too old', async () => {
        await begin({ logAgeMsKept: 2000 })
        // A millisecond apart, as is the time of a checkpoint.
        const all = proposals(ZERO, 1, 5000)
        for (let at = 0; at < all.length; at += 100) await storage.append(all.slice(at, at + 100))
        const { base } = await storage.checkpoint(changes(zxid(1, 5000), []))
        expect(base.counter).to.be.within(2000, 3000)
        expect(plain(await history(storage, base))).to.deep.equal(plain(all.slice(base.counter)))
      })

      it('Z30: is refused ahead of the log', async () => {
        await begin()
        await storage.append(proposals(ZERO, 1, 3))
        expect(await codeOf(storage.checkpoint(changes(zxid(1, 4), [])))).to.equal('InvariantViolation')
      })
    })

    describe('its snapshot', () => {
      async function fill(count: number) {
        await storage.append(proposals(ZERO, 1, 5))
        const nodes = Array.from({ length: count }, (_, n) => [`/n${n}`, znode(n, 300)] as const)
        await storage.checkpoint(changes(zxid(1, 5), nodes, [[sessionRecord(9).session, sessionRecord(9)]]))
      }
      async function chunksOfSnapshot() {
        const { chunks, close, ...header } = await storage.readSnapshot()
        const read: Uint8Array[] = []
        for await (const chunk of chunks) read.push(chunk)
        await close()
        return { header, chunks: read }
      }

      it('has zxid ZERO and nothing in it when there is no checkpoint', async () => {
        await begin()
        await storage.append(proposals(ZERO, 1, 2))
        const { header } = await chunksOfSnapshot()
        expect(header.zxid).to.deep.equal(ZERO)
      })

      it('carries the whole tree to another store, which forgets its own tree and log', async () => {
        await begin()
        await fill(5000)
        const source = contents((await reopen()).image)
        const { header, chunks } = await chunksOfSnapshot()
        expect(Math.max(...chunks.map(c => c.length))).to.be.at.most(256 * 1024)
        expect(chunks.length).to.be.greaterThan(3)
        await storage.close()
        await medium.destroy()

        await begin()
        const own = proposals(ZERO, 1, 9)
        await storage.append(own)
        await storage.checkpoint(
          changes(zxid(1, 7), [['/own', znode(1)]], [[sessionRecord(1).session, sessionRecord(1)]]),
        )
        const installer = await storage.installSnapshot(header)
        for (const chunk of chunks) await installer.write(chunk)
        expect(contents(await installer.finish())).to.deep.equal(source)
        expect(await history(storage, zxid(1, 5))).to.deep.equal([])
        expect(await codeOf(history(storage, ZERO))).to.equal('HISTORY_PURGED')
        expect(storage.logBytesSinceCheckpoint()).to.equal(0)
        const found = await reopen()
        expect(contents(found.image)).to.deep.equal(source)
        expect(found.suffix).to.deep.equal([])
        expect(found.history).to.deep.equal({ base: zxid(1, 5), ranges: [] })

        const next = proposals(zxid(1, 5), 2, 3)
        await storage.append(next)
        await storage.checkpoint(changes(zxid(2, 2), [['/n0', undefined]]))
        const again = await reopen()
        expect([...again.image.nodes]).to.have.length(4999)
        expect(plain(again.suffix)).to.deep.equal(plain(next.slice(2)))
      })

      it('is frozen while checkpoints go on', async () => {
        await begin()
        await fill(3000)
        const snapshot = await storage.readSnapshot()
        await storage.append(proposals(zxid(1, 5), 1, 1))
        const nodes = Array.from(
          { length: 3000 },
          (_, n) => [`/n${n}`, n % 2 === 0 ? undefined : znode(n + 7)] as const,
        )
        await storage.checkpoint(changes(zxid(1, 6), nodes))
        expect(snapshot.zxid).to.deep.equal(zxid(1, 5))
        const installer = await storage.installSnapshot(snapshot)
        for await (const chunk of snapshot.chunks) await installer.write(chunk)
        await snapshot.close()
        const image = contents(await installer.finish())
        expect(image.nodes).to.have.length(3000)
        expect(image.nodes.every(([path, node]) => path === `/n${node.version}`)).to.equal(true)
      })

      it('D6: leaves the store as it was when it is given up', async () => {
        await begin()
        await fill(50)
        const before = contents((await reopen()).image)
        const { chunks } = await chunksOfSnapshot()
        const installer = await storage.installSnapshot({ zxid: zxid(9, 9), time: 1, digest: digestOf(1) })
        await installer.write(chunks[0]!)
        await installer.abort()
        await storage.append(proposals(zxid(1, 5), 1, 1))
        const found = await reopen()
        expect(contents(found.image)).to.deep.equal(before)
        expect(found.suffix).to.have.length(1)
        expect(found.history.ranges).to.deep.equal([{ epoch: 1, first: 1, last: 6 }])
      })

      it('D6: that was not finished leaves nothing behind, nor in a later one', async () => {
        await begin()
        await fill(50)
        const before = contents((await reopen()).image)
        const { header, chunks } = await chunksOfSnapshot()
        const unfinished = await storage.installSnapshot({ zxid: zxid(9, 9), time: 1, digest: digestOf(1) })
        await unfinished.write(chunks[0]!)
        expect(contents((await reopen()).image)).to.deep.equal(before)
        await storage.checkpoint(changes(zxid(1, 5), [['/n1', undefined]]))
        const installer = await storage.installSnapshot(header)
        for (const chunk of chunks) await installer.write(chunk)
        await installer.finish()
        expect(contents((await reopen()).image)).to.deep.equal(before)
      })

      it('D9: refuses a chunk that was changed on the way', async () => {
        await begin()
        await fill(50)
        const { header, chunks } = await chunksOfSnapshot()
        const damaged = Uint8Array.from(chunks[0]!)
        damaged[damaged.length >> 1]! ^= 4
        const installer = await storage.installSnapshot(header)
        expect(await codeOf(installer.write(damaged))).to.not.equal('resolved')
        await installer.abort()
      })

      it('can replace a log that would chain to it: nothing of that log comes back', async () => {
        await begin()
        await fill(3)
        const { header, chunks } = await chunksOfSnapshot()
        await storage.append(proposals(zxid(1, 5), 1, 4))
        const installer = await storage.installSnapshot(header)
        for (const chunk of chunks) await installer.write(chunk)
        await installer.finish()
        const found = await reopen()
        expect(found.suffix).to.deep.equal([])
        expect(found.history).to.deep.equal({ base: zxid(1, 5), ranges: [] })
      })
    })

    describe('when closed', () => {
      it('refuses everything, and can be closed again', async () => {
        await begin()
        await storage.close()
        await storage.close()
        expect(await codeOf(storage.append(proposals(ZERO, 1, 1)))).to.equal('CLOSED')
        expect(await codeOf(storage.truncate(ZERO))).to.equal('CLOSED')
        expect(await codeOf(storage.saveEpochs({ accepted: 1, current: 1 }))).to.equal('CLOSED')
        expect(await codeOf(storage.checkpoint(changes(ZERO, [])))).to.equal('CLOSED')
        expect(await codeOf(history(storage))).to.equal('CLOSED')
        expect(await codeOf(storage.readSnapshot())).to.equal('CLOSED')
        expect(await codeOf(storage.installSnapshot({ zxid: ZERO, time: 0, digest: digestOf(0) }))).to.equal('CLOSED')
      })

      it('has waited for what was under way', async () => {
        await begin()
        const append = storage.append(proposals(ZERO, 1, 100))
        const checkpoint = append.then(() => storage.checkpoint(changes(zxid(1, 100), [['/a' as string, znode(1)]])))
        const outcome = codeOf(checkpoint)
        await append
        const { suffix, image } = await reopen()
        const done = (await outcome) === 'resolved'
        expect(suffix.length).to.equal(done ? 0 : 100)
        expect([...image.nodes].length).to.equal(done ? 1 : 0)
      })
    })

    it('does not mix up sessions and znodes of the same bytes', async () => {
      await begin()
      await storage.append(proposals(ZERO, 1, 1))
      const same = '2f61000000000000' as SessionId
      await storage.checkpoint(
        changes(zxid(1, 1), [['/a', znode(1)]], [[same, { ...sessionRecord(1), session: same }]]),
      )
      const image = contents((await reopen()).image)
      expect(image.nodes.map(n => n[0])).to.deep.equal(['/a'])
      expect(image.sessions.map(s => s[0])).to.deep.equal([same])
    })
  })
}
