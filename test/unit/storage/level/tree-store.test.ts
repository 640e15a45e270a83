import { expect } from 'chai'
import { OPEN_ACL_UNSAFE } from '../../../../lib/model/acl.js'
import type { PeerId } from '../../../../lib/model/ids.js'
import { ZERO, zxid } from '../../../../lib/model/zxid.js'
import { MemoryStorage } from '../../../../lib/storage/memory/memory-storage.js'
import type { Storage } from '../../../../lib/storage/storage.js'
import { changes, contents, proposals, sessionRecord, znode } from '../../../compliance/storage-fixtures.js'
import { DataDir, watchingWrites } from './data-dir.js'

describe('tree store', () => {
  let data: DataDir
  beforeEach(async () => {
    data = await DataDir.make()
  })
  afterEach(() => data.destroy())

  async function fill(storage: Storage, count: number) {
    await storage.append(proposals(ZERO, 1, 3))
    const nodes = Array.from({ length: count }, (_, n) => [`/${'é𝄞z'[n % 3]}/n${n}`, znode(n, 40)] as const)
    const sessions = [3, 1, 2].map(n => [sessionRecord(n).session, sessionRecord(n)] as const)
    await storage.checkpoint(changes(zxid(1, 1), nodes, sessions))
  }
  async function snapshotOf(storage: Storage) {
    const { zxid, time, digest, ...reader } = await storage.readSnapshot()
    const chunks: Uint8Array[] = []
    for await (const chunk of reader.chunks) chunks.push(chunk)
    await reader.close()
    return { header: { zxid, time, digest }, chunks }
  }

  it('writes nothing for an idle tree', async () => {
    await data.with(async storage => {
      await fill(storage, 10)
      const idle = changes(zxid(1, 1), [])
      let writes = 0
      await watchingWrites({ after: async () => writes++ }, () => storage.checkpoint(idle))
      expect(writes).to.equal(0)
      // A later txn that changed no znode moves the checkpoint all the same: the log before it need not be replayed.
      await watchingWrites({ after: async () => writes++ }, () => storage.checkpoint(changes(zxid(1, 2), [])))
      expect(writes).to.equal(1)
    })
  })

  it('gives the same chunks as any other store', async () => {
    const memory = new MemoryStorage({ ensemble: 'test', peer: 2 as PeerId })
    const recovered = await memory.open()
    expect(contents(recovered.image).nodes).to.deep.equal([])
    await fill(memory, 4000)
    const expected = await snapshotOf(memory)
    await data.with(async storage => {
      await fill(storage, 4000)
      const found = await snapshotOf(storage)
      expect(found.header).to.deep.equal(expected.header)
      expect(found.chunks.map(c => Buffer.from(c).toString('hex'))).to.deep.equal(
        expected.chunks.map(c => Buffer.from(c).toString('hex')),
      )
      const installer = await memory.installSnapshot(found.header)
      for (const chunk of found.chunks) await installer.write(chunk)
      const image = contents(await installer.finish())
      expect(image.nodes).to.have.length(4000)
    })
  })

  it('writes as many keys and bytes for 100 changed znodes whatever the size of the tree', async () => {
    const costs: { keys: number; bytes: number }[] = []
    for (const count of [1000, 20_000]) {
      const dir = await DataDir.make()
      await dir.with(async storage => {
        await fill(storage, count)
        const cost = { keys: 0, bytes: 0 }
        const some = Array.from({ length: 100 }, (_, n) => [`/${'é𝄞z'[n % 3]}/n${n}`, znode(n + 1, 40)] as const)
        const before = async (operations: readonly { key: Buffer; value?: Buffer }[]) => {
          for (const { key, value } of operations) {
            cost.keys++
            cost.bytes += key.length + (value?.length ?? 0)
          }
        }
        await watchingWrites({ before }, () => storage.checkpoint(changes(zxid(1, 2), some)))
        costs.push(cost)
      })
      await dir.destroy()
    }
    expect(costs[0]!.keys).to.equal(101)
    expect(costs[1]).to.deep.equal(costs[0])
  })

  it('makes one object of equal ACLs when it loads', async () => {
    await data.with(storage => fill(storage, 100))
    const { image } = await data.recovered()
    const acls = new Set([...image.nodes].map(([, node]) => node.acl))
    expect(acls.size).to.equal(1)
    expect([...acls][0]).to.deep.equal(OPEN_ACL_UNSAFE)
  })

  it('lets others have their turn while it writes a large checkpoint', async () => {
    await data.with(async storage => {
      await storage.append(proposals(ZERO, 1, 1))
      const nodes = changes(
        zxid(1, 1),
        Array.from({ length: 20_000 }, (_, n) => [`/n${n}`, znode(n, 100)] as const),
      )
      let turns = 0
      let done = false
      const count = () => {
        turns++
        if (!done) setImmediate(count)
      }
      setImmediate(count)
      await storage.checkpoint(nodes)
      done = true
      expect(turns).to.be.greaterThan(100)
    })
  })

  it('changes nothing with a checkpoint that a snapshot overtakes', async () => {
    await data.with(async storage => {
      await fill(storage, 10)
      const { chunks } = await snapshotOf(storage)
      const installer = await storage.installSnapshot({ zxid: zxid(2, 9), time: 7, digest: { high: 1, low: 2 } })
      for (const chunk of chunks) await installer.write(chunk)
      // The turn is the switch's; the checkpoint, asked for before it, comes behind it.
      let overtaken: Promise<unknown> | undefined
      const before = () => {
        overtaken ??= storage.checkpoint(changes(zxid(1, 3), [['/late', znode(1)]]))
        return undefined
      }
      await watchingWrites({ before }, () => installer.finish())
      expect(await overtaken).to.deep.equal({ base: zxid(2, 9) })
    })
    const { image } = await data.recovered()
    expect(image.zxid).to.deep.equal(zxid(2, 9))
    expect([...image.nodes]).to.have.length(10)
  })

  it('clears the former tree and log in the background, also after being closed in the middle', async () => {
    await data.with(async storage => {
      await fill(storage, 3000)
      const installer = await storage.installSnapshot({ zxid: zxid(2, 1), time: 1, digest: { high: 0, low: 0 } })
      await installer.finish()
    })
    const left = () =>
      data.raw(
        'tree',
        async tree => (await tree.keys().all()).filter(key => 'NSJ'.includes(String.fromCharCode(key[0]!))).length,
      )
    for (let opened = 0; (await left()) > 0; opened++) {
      expect(opened).to.be.below(20)
      await data.with(async storage => {
        // Waits for what is being cleared.
        await (await storage.installSnapshot({ zxid: zxid(3, 1), time: 1, digest: { high: 0, low: 0 } })).abort()
      })
    }
    expect(await data.raw('log', async log => (await log.keys().all()).length)).to.equal(3)
  })
})
