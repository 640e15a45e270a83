import { expect } from 'chai'
import { hasCode, op, type Peer, type ZooKeeperError } from '../../lib/index.js'
import type { PeerId } from '../../lib/model/ids.js'
import { MemoryStorage } from '../../lib/storage/memory/memory-storage.js'
import { TappedStorage } from '../helpers/tapped-storage.js'
import { TestEnsemble } from './test-ensemble.js'

const MIB = 1024 ** 2

/** Its disk has as much room as the test says. */
class RoomyStorage extends TappedStorage {
  free = 1000 * MIB
  override freeBytes(): Promise<number> {
    return Promise.resolve(this.free)
  }
}

async function refusal(call: Promise<unknown>): Promise<string> {
  try {
    await call
    return 'taken'
  } catch (error) {
    return `${(error as ZooKeeperError).code} ${(error as ZooKeeperError).outcome}`
  }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(resolve => setTimeout(resolve, 10))
}

describe('three peers, one of them with a disk that is low', function () {
  this.timeout(20_000)
  let ensemble: TestEnsemble
  const disks = new Map<number, RoomyStorage>()
  beforeEach(async () => {
    ensemble = await TestEnsemble.make('memory', 3)
    for (const id of [1, 2, 3]) {
      const storage = new MemoryStorage({ ensemble: 'vivarium', peer: id as PeerId })
      disks.set(id, new RoomyStorage(storage, () => {}))
      await ensemble.open(id, { storage: disks.get(id)! })
    }
    await ensemble.serving()
  })
  afterEach(() => ensemble.end())

  const low = async (id: number, isLow: boolean): Promise<Peer> => {
    disks.get(id)!.free = isLow ? 200 * MIB : 1000 * MIB
    const peer = ensemble.peers.get(id)!
    await until(() => peer.status.storageLow === isLow)
    return peer
  }

  it('D7: a low leader refuses the writes of every member, nothing else, and takes them again by itself', async () => {
    const { leader, followers } = ensemble
    const clients = await Promise.all([leader, followers[0]!].map(id => ensemble.client(id)))
    await clients[0]!.create('/a', 'before')
    await clients[1]!.create('/lock', 'x', { ephemeral: true })
    const peer = await low(leader, true)
    for (const client of clients) {
      expect(await refusal(client.create('/b'))).to.equal('STORAGE_LOW not-applied')
      expect(await refusal(client.set('/a', 'after'))).to.equal('STORAGE_LOW not-applied')
      expect(await refusal(client.multi([op.create('/c', 'x')]))).to.equal('STORAGE_LOW not-applied')
      await client.sync()
      expect((await client.get('/a')).value).to.equal('before')
    }
    expect(peer.health().ok).to.equal(true)
    expect(peer.health().reasons).to.deep.equal([
      'the disk is low, writes are refused: 200 MiB free, of at least 256 (diskFreeBytesMin)',
    ])
    expect(ensemble.peers.get(followers[0]!)!.status.storageLow).to.equal(false)
    // Locks are released, sessions end and begin.
    await clients[1]!.close()
    await using next = await ensemble.client(followers[1]!)
    await next.sync()
    expect(await next.exists('/lock')).to.equal(undefined)
    expect(await next.exists('/b')).to.equal(undefined)
    await next.delete('/a')
    await low(leader, false)
    expect(await refusal(next.create('/b'))).to.equal('taken')
    expect(peer.health().reasons).to.deep.equal([])
    await clients[0]!.close()
  })

  it('D7: a low follower refuses its own clients; the others go on', async () => {
    const { leader, followers } = ensemble
    const [there, here] = await Promise.all([leader, followers[0]!].map(id => ensemble.client(id)))
    await low(followers[0]!, true)
    expect(await refusal(here!.create('/a'))).to.equal('STORAGE_LOW not-applied')
    expect(await refusal(there!.create('/a'))).to.equal('taken')
    await here!.sync()
    expect(await refusal(here!.delete('/a'))).to.equal('taken')
    await low(followers[0]!, false)
    expect(await refusal(here!.create('/a'))).to.equal('taken')
    await Promise.all([there!.close(), here!.close()])
  })

  it('knows the error by its code', async () => {
    await low(ensemble.leader, true)
    await using client = await ensemble.client(ensemble.leader)
    const error = await client.create('/a').catch((error: unknown) => error)
    expect(hasCode(error, 'STORAGE_LOW')).to.equal(true)
  })
})
