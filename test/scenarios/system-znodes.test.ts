/** What stands below /zookeeper, as an application sees it: the configuration and quotas. Three peers on virtual time. */
import { expect } from 'chai'
import { type Client, hasCode, text } from '../../lib/index.js'
import { type Ensemble, openEnsemble } from '../../lib/testing/index.js'

describe('system znodes', () => {
  let ensemble: Ensemble
  let zk: Client<string>

  async function open(options: Parameters<typeof openEnsemble>[1] = {}): Promise<void> {
    ensemble = await openEnsemble(3, { seed: 6, ...options })
    zk = await ensemble.client(1, { codec: text })
  }
  afterEach(() => ensemble.close())

  it('/zookeeper/config tells the members, on every peer, and has no version', async () => {
    await open()
    const read = async (id: number) => (await ensemble.client(id, { codec: text })).get('/zookeeper/config')
    const [one, three] = [await read(1), await read(3)]
    expect(one.value?.split('\n').map(line => line.split('=')[0])).to.deep.equal([
      'server.1',
      'server.2',
      'server.3',
      'version',
    ])
    expect(one.stat).to.include({ version: -1, aversion: -1, czxid: 0n, mzxid: 0n, dataLength: one.value?.length })
    expect([three.value, three.stat]).to.deep.equal([one.value, one.stat])
    const refused = await zk.delete('/zookeeper/config').catch((error: unknown) => error)
    expect(hasCode(refused, 'BAD_ARGUMENTS')).to.equal(true)
    expect((await zk.exists('/zookeeper'))?.cversion).to.equal(-2)
  })

  it('a quota is counted on every peer, through a restart too, and its hard limit is kept where that is asked for', async () => {
    await open({ peer: { enforceQuota: true } })
    const quota = '/zookeeper/quota/shop'
    await zk.create('/shop', 'four')
    await zk.create(`${quota}/zookeeper_limits`, 'count=-1,bytes=-1=;byteHardLimit=-1;countHardLimit=3', {
      parents: true,
    })
    await zk.create(`${quota}/zookeeper_stats`)
    await zk.create('/shop/a', '12')
    await zk.create('/shop/b', '1')
    const refused = await zk.create('/shop/c', '1').catch((error: unknown) => error)
    expect(hasCode(refused, 'QUOTA_EXCEEDED')).to.equal(true)
    ensemble.kill(2)
    await ensemble.restart(2)
    for (const id of [1, 2, 3]) {
      const other = await ensemble.client(id, { codec: text })
      await other.sync()
      const { value, stat } = await other.get(`${quota}/zookeeper_stats`)
      expect([value, stat.version, stat.mzxid], `peer ${id}`).to.deep.equal(['count=3,bytes=7', 0, stat.czxid])
    }
  })
})
