/** Members that come up with nothing: the first start, and disks (or memories) that were lost (Z29). */
import { expect } from 'chai'
import type { PeerId } from '../../lib/model/ids.js'
import { MemoryStorage } from '../../lib/storage/memory/memory-storage.js'
import { TestEnsemble } from './test-ensemble.js'

/** What `dataDir: ':memory:'` begins with each time. */
const empty = (id: number) => ({ storage: new MemoryStorage({ ensemble: 'vivarium', peer: id as PeerId }) })

describe('three peers whose memory is all they have', function () {
  this.timeout(30_000)
  let ensemble: TestEnsemble

  beforeEach(async () => {
    ensemble = await TestEnsemble.make('memory', 3)
  })
  afterEach(async () => {
    await ensemble.end()
  })

  async function refused(id: number): Promise<void> {
    const error = await ensemble.peers
      .get(id)!
      .serving({ timeout: 1200 })
      .then(
        () => undefined,
        (reason: { code: string }) => reason.code,
      )
    expect(error, `peer ${id} serves`).to.equal('OPERATION_TIMEOUT')
  }

  it('Z29: need every one of them for their first start, and two from then on', async () => {
    await ensemble.open(1, empty(1))
    await ensemble.open(2, empty(2))
    await refused(1)
    await ensemble.open(3, empty(3))
    await ensemble.serving()
    await ensemble.cut(ensemble.leader)
    await ensemble.serving()
  })

  it('Z29: keep the data when they are restarted one after another', async () => {
    for (const id of [1, 2, 3]) await ensemble.open(id, empty(id))
    await ensemble.serving()
    const zk = await ensemble.client(1)
    await zk.create('/kept', 'yes')
    await zk.close()
    for (const id of [1, 2, 3]) {
      await ensemble.close(id)
      await ensemble.open(id, empty(id))
      await ensemble.serving()
      const client = await ensemble.client(id)
      expect(await client.get('/kept')).to.have.property('value', 'yes')
      await client.close()
    }
  })

  it('Z29: do not pass for the ensemble when two come back empty, with the third or without it', async () => {
    await ensemble.open(1)
    await ensemble.open(2, empty(2))
    await ensemble.open(3, empty(3))
    await ensemble.serving()
    const zk = await ensemble.client(1)
    await zk.create('/survives', 'yes')
    await zk.close()
    await ensemble.cut(1)
    await ensemble.cut(2)
    await ensemble.cut(3)
    await ensemble.open(2, empty(2))
    await ensemble.open(3, empty(3))
    await refused(2)
    const survivor = await ensemble.open(1)
    await refused(1)
    expect([2, 3].map(id => ensemble.peers.get(id)!.status.logged)).to.deep.equal([0n, 0n])
    expect(survivor.status.logged > 0n).to.equal(true)
  })
})
