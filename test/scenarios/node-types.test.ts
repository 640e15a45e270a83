/** Containers, TTL znodes and the reads around them, as an application sees them: three peers and their clients on virtual time. */
import { expect } from 'chai'
import { type Client, hasCode, json, op, ZooKeeperError } from '../../lib/index.js'
import { type Ensemble, openEnsemble } from '../../lib/testing/index.js'

describe('znodes that go by themselves', () => {
  let ensemble: Ensemble
  let zk: Client<unknown>

  async function open(peer: Parameters<typeof openEnsemble>[1] = {}): Promise<void> {
    ensemble = await openEnsemble(3, { seed: 5, ...peer })
    zk = await ensemble.client(1, { codec: json })
  }
  afterEach(() => ensemble.close())

  const there = async (path: string) => (await zk.exists(path)) !== undefined

  it('a container goes after its last child, within the interval, and not before it had one', async () => {
    await open()
    await zk.create('/rooms', 1, { container: true })
    await zk.create('/rooms/ann', 2)
    await zk.create('/empty', 1, { container: true })
    await ensemble.advance(130_000)
    expect([await there('/rooms'), await there('/empty')]).to.deep.equal([true, true])
    await zk.delete('/rooms/ann')
    await ensemble.advance(61_000)
    expect([await there('/rooms'), await there('/empty')]).to.deep.equal([false, true])
    expect((await zk.exists('/empty'))?.ephemeralOwner).to.equal(0n)
  })

  it('a TTL znode goes, unless it is set or has children', async () => {
    await open()
    await zk.create('/plain', 1, { ttl: 90_000 })
    await zk.create('/set', 1, { ttl: 90_000 })
    await zk.create('/full', 1, { ttl: 90_000 })
    await zk.create('/full/child', 1)
    const [numbered] = await zk.multi([op.create('/n-', 1, { ttl: 90_000, sequential: true })])
    expect(numbered.path).to.equal('/n-0000000003')
    await ensemble.advance(70_000)
    await zk.set('/set', 1)
    await ensemble.advance(55_000)
    const state = async () => Promise.all(['/plain', '/set', '/full', numbered.path].map(there))
    expect(await state()).to.deep.equal([false, true, true, false])
    await zk.delete('/full/child')
    await ensemble.advance(61_000)
    expect(await state()).to.deep.equal([false, false, false, false])
  })

  it('TTL znodes are refused where they are switched off', async () => {
    await open({ peer: { extendedTypesEnabled: false } })
    const refused = await zk.create('/a', 1, { ttl: 5 }).catch((error: unknown) => error)
    expect(hasCode(refused, 'UNIMPLEMENTED')).to.equal(true)
  })

  it('getEphemerals, countDescendants, whoAmI and multiRead, below a chroot too', async () => {
    await open()
    await zk.multi([op.create('/app'), op.create('/app/jobs', 7), op.create('/apple')])
    for (const path of ['/app/jobs/b', '/app/jobs/a', '/apple/x']) await zk.create(path, 1, { ephemeral: true })
    const app = zk.chroot('/app')
    expect(await zk.getEphemerals()).to.deep.equal(['/app/jobs/a', '/app/jobs/b', '/apple/x'])
    expect(await zk.getEphemerals('/app')).to.deep.equal(['/app/jobs/a', '/app/jobs/b'])
    expect(await app.getEphemerals()).to.deep.equal(['/jobs/a', '/jobs/b'])
    expect([
      await zk.countDescendants('/app'),
      await app.countDescendants('/'),
      await zk.countDescendants('/'),
    ]).to.deep.equal([3, 3, 9])
    expect(await zk.whoAmI()).to.deep.equal([{ scheme: 'super', user: '' }])
    const [jobs, none, children] = await app.multiRead([op.get('/jobs'), op.get('/none'), op.getChildren('/jobs')])
    if (jobs instanceof ZooKeeperError || children instanceof ZooKeeperError) throw new Error('they are there')
    expect([jobs.value, jobs.stat.numChildren, children.children]).to.deep.equal([7, 2, ['a', 'b']])
    expect(none).to.include({ code: 'NO_NODE', path: '/none' })
  })
})
