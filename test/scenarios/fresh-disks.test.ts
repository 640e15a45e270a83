/** Members that come up with nothing: the first start, and disks (or memories) that were lost (Z29). */
import { expect } from 'chai'
import { TestEnsemble } from './test-ensemble.js'

/** Begins with nothing each time. */
const empty = { dataDir: ':memory:' }

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
    await ensemble.open(1, empty)
    await ensemble.open(2, empty)
    await refused(1)
    for (const id of [1, 2]) {
      const peer = ensemble.peers.get(id)!
      expect(peer.status.firstStart).to.deep.equal({ unheard: [3], holding: [], origins: [] })
      expect(peer.health().reasons[0]).to.equal('not serving: no history on this disk: a first start waits for voter 3')
    }
    await ensemble.open(3, empty)
    await ensemble.serving()
    expect(ensemble.peers.get(1)!.status.firstStart).to.equal(undefined)
    await ensemble.cut(ensemble.leader)
    await ensemble.serving()
  })

  it('Z29: keep the data when they are restarted one after another', async () => {
    for (const id of [1, 2, 3]) await ensemble.open(id, empty)
    await ensemble.serving()
    const zk = await ensemble.client(1)
    await zk.create('/kept', 'yes')
    await zk.close()
    for (const id of [1, 2, 3]) {
      await ensemble.close(id)
      await ensemble.open(id, empty)
      await ensemble.serving()
      const client = await ensemble.client(id)
      expect(await client.get('/kept')).to.have.property('value', 'yes')
      await client.close()
    }
  })

  it('Z29: do not pass for the ensemble when two come back empty, with the third or without it', async () => {
    await ensemble.open(1)
    await ensemble.open(2, empty)
    await ensemble.open(3, empty)
    await ensemble.serving()
    const zk = await ensemble.client(1)
    await zk.create('/survives', 'yes')
    await zk.close()
    await ensemble.cut(1)
    await ensemble.cut(2)
    await ensemble.cut(3)
    await ensemble.open(2, empty)
    await ensemble.open(3, empty)
    await refused(2)
    const survivor = await ensemble.open(1)
    await refused(1)
    expect(survivor.health().reasons.join('\n')).to.include(
      'voters without a history: 2, 3; no quorum is left without them',
    )
    expect(ensemble.peers.get(2)!.health().reasons[0]).to.match(/this is no first start.*\(not empty: voter 1\)/)
    expect([2, 3].map(id => ensemble.peers.get(id)!.status.logged)).to.deep.equal([0n, 0n])
    expect(survivor.status.logged > 0n).to.equal(true)
  })
})
