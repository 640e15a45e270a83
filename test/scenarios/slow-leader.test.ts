import { expect } from 'chai'
import type { PeerId } from '../../lib/model/ids.js'
import type { Proposal } from '../../lib/model/proposal.js'
import { MemoryStorage } from '../../lib/storage/memory/memory-storage.js'
import { TappedStorage } from '../helpers/tapped-storage.js'
import { TestEnsemble } from './test-ensemble.js'

/** Its log takes as much longer as the test says. */
class SlowStorage extends TappedStorage {
  delayMs = 0
  override async append(proposals: readonly Proposal[]): Promise<void> {
    await super.append(proposals)
    if (this.delayMs > 0) await new Promise(resolve => setTimeout(resolve, this.delayMs))
  }
}

describe('three peers, the disks of which are slow', function () {
  this.timeout(20_000)
  let ensemble: TestEnsemble
  const disks = new Map<number, SlowStorage>()
  const said: string[] = []
  beforeEach(async () => {
    ensemble = await TestEnsemble.make('memory', 3)
    said.length = 0
    const note = (message: string): unknown => said.push(message)
    const logger = { debug() {}, info() {}, warn: note, error: note }
    for (const id of [1, 2, 3]) {
      const storage = new MemoryStorage({ ensemble: 'vivarium', peer: id as PeerId })
      disks.set(id, new SlowStorage(storage, () => {}))
      await ensemble.open(id, { storage: disks.get(id)!, tickMs: 200, slowLeaderMs: 50, logger })
    }
    await ensemble.serving()
  })
  afterEach(() => ensemble.end())

  it('L4: a leader with the slow one hands over, no call fails, and the next one stays', async () => {
    const { leader, followers } = ensemble
    const clients = await Promise.all([1, 2, 3].map(id => ensemble.client(id)))
    await clients[0]!.create('/a', '0')
    disks.get(leader)!.delayMs = 150
    let writes = 0
    let longestMs = 0
    const write = async (): Promise<void> => {
      const at = performance.now()
      await clients[followers[writes % 2]! - 1]!.set('/a', String(++writes))
      longestMs = Math.max(longestMs, performance.now() - at)
    }
    while (ensemble.peers.get(leader)!.status.role === 'leading') await write()
    await ensemble.serving()
    const successor = ensemble.leader
    expect(successor).to.not.equal(leader)
    const { epoch } = ensemble.peers.get(successor)!.status
    for (const until = performance.now() + 1000; performance.now() < until; ) await write()
    expect(ensemble.peers.get(successor)!.status.epoch).to.equal(epoch)
    expect(ensemble.leader).to.equal(successor)
    expect(said.filter(each => each.includes('this leader is slow'))).to.have.length(1)
    expect(ensemble.peers.get(leader)!.health().reasons.join()).to.include('leaves leading to others')
    expect(ensemble.peers.get(leader)!.health().ok).to.equal(true)
    await clients[0]!.sync()
    expect(await clients[0]!.get('/a')).to.include({ value: String(writes) })
    expect(longestMs).to.be.below(5000)
    await Promise.all(clients.map(client => client.close()))
  })

  it('L6: nobody hands over when all are equally slow', async () => {
    const { leader } = ensemble
    const { epoch } = ensemble.peers.get(leader)!.status
    const client = await ensemble.client(1)
    await client.create('/a', '0')
    for (const disk of disks.values()) disk.delayMs = 100
    for (const until = performance.now() + 2500; performance.now() < until; )
      await Promise.all([client.set('/a', '1'), client.set('/a', '2')])
    expect(ensemble.leader).to.equal(leader)
    expect(ensemble.peers.get(leader)!.status.epoch).to.equal(epoch)
    await client.close()
  })
})
