import { expect } from 'chai'
import { filter, firstValueFrom } from 'rxjs'
import type { Client } from '../../lib/index.js'
import { type EnsembleKind, TestEnsemble } from './test-ensemble.js'

for (const kind of ['memory', 'tcp and LevelDB'] satisfies EnsembleKind[]) {
  describe(`three peers over ${kind}`, () => {
    let ensemble: TestEnsemble
    beforeEach(async () => {
      ensemble = await TestEnsemble.make(kind, 3)
      await ensemble.openAll()
    })
    afterEach(() => ensemble.end())

    const read = async (zk: Client<string>, path: string): Promise<string | undefined> => {
      await zk.sync(path)
      return (await zk.get(path)).value
    }

    it('agree on one leader, and each says the same of it', async () => {
      const { leader } = ensemble
      for (const peer of ensemble.peers.values()) {
        expect(peer.status).to.include({ leader, serving: true, state: 'running' })
        expect(await firstValueFrom(peer.leader$)).to.equal(leader)
        expect(peer.health().ok).to.equal(true)
      }
    })

    it('show on every peer what was written on one', async () => {
      const [one, two, three] = await Promise.all([1, 2, 3].map(id => ensemble.client(id)))
      await one!.create('/a', 'from one')
      expect(await read(two!, '/a')).to.equal('from one')
      await two!.set('/a', 'from two')
      expect(await read(three!, '/a')).to.equal('from two')
      await three!.delete('/a')
      await one!.sync('/')
      expect(await one!.exists('/a')).to.equal(undefined)
    })

    it('tell a watcher on one peer what happens on another', async () => {
      const [one, two] = await Promise.all([1, 2].map(id => ensemble.client(id)))
      await one!.create('/a', 'first')
      await two!.sync('/a')
      const seen: (string | undefined)[] = []
      const subscription = two!.data$('/a').subscribe(({ value }) => seen.push(value))
      await firstValueFrom(two!.data$('/a').pipe(filter(({ value }) => value === 'first')))
      await one!.set('/a', 'last')
      await firstValueFrom(two!.data$('/a').pipe(filter(({ value }) => value === 'last')))
      subscription.unsubscribe()
      expect(seen).to.deep.equal(['first', 'last'])
    })

    it('go on without their leader, and lose nothing that was acknowledged', async () => {
      const former = ensemble.leader
      const survivor = ensemble.followers[0]!
      const zk = await ensemble.client(survivor)
      await zk.create('/n', '0')
      for (let n = 1; n <= 20; n++) await zk.set('/n', String(n))
      await ensemble.cut(former)
      await ensemble.serving()
      expect(ensemble.leader).to.not.equal(former)
      const other = await ensemble.client(ensemble.followers[0] ?? survivor)
      expect(await read(other, '/n')).to.equal('20')
      await zk.set('/n', '21')
      expect(await read(other, '/n')).to.equal('21')
    })

    it('let one that was away catch up from the log', async () => {
      const away = ensemble.followers[0]!
      const zk = await ensemble.client(ensemble.leader)
      await zk.create('/n', '0')
      await ensemble.cut(away)
      for (let n = 1; n <= 50; n++) await zk.set('/n', String(n))
      const back = await ensemble.open(away)
      await back.serving({ timeout: 10_000 })
      expect(await read(await ensemble.client(away), '/n')).to.equal('50')
    })

    it('let one that was away for long catch up from a snapshot', async () => {
      await ensemble.end()
      ensemble = await TestEnsemble.make(kind, 3)
      await ensemble.openAll({ checkpointLogBytes: 10_000 })
      const away = ensemble.followers[0]!
      const zk = await ensemble.client(ensemble.leader)
      await zk.create('/n', '0')
      await ensemble.cut(away)
      const big = 'x'.repeat(2000)
      for (let n = 1; n <= 50; n++) await zk.create(`/big-${n}`, big)
      const back = await ensemble.open(away)
      await back.serving({ timeout: 10_000 })
      const reader = await ensemble.client(away)
      await reader.sync('/')
      expect((await reader.getChildren('/')).length).to.equal(52)
    })

    it('find everything again after all were stopped', async () => {
      const zk = await ensemble.client(1)
      for (let n = 0; n < 30; n++) await zk.create(`/n-${n}`, String(n))
      const epoch = ensemble.peers.get(1)!.status.epoch
      await Promise.all([1, 2, 3].map(id => ensemble.close(id)))
      await ensemble.openAll()
      for (const id of [1, 2, 3]) {
        const client = await ensemble.client(id)
        expect(await read(client, '/n-29')).to.equal('29')
        expect(ensemble.peers.get(id)!.status.epoch).to.be.above(epoch)
      }
    })

    it('drop the ephemerals of a client whose peer was cut off, when its session ends', async () => {
      const away = ensemble.followers[0]!
      const holder = await ensemble.client(away)
      await holder.create('/held', 'mine', { ephemeral: true })
      const zk = await ensemble.client(ensemble.leader)
      await zk.sync('/')
      const gone = firstValueFrom(zk.exists$('/held').pipe(filter(({ stat }) => stat === undefined)))
      expect(await zk.exists('/held')).to.not.equal(undefined)
      await ensemble.cut(away)
      await gone
    })

    it('take no write in a minority, and wait until there is a quorum again', async () => {
      const [left, right] = ensemble.followers
      const zk = await ensemble.client(ensemble.leader)
      await zk.create('/a', '1')
      const { leader } = ensemble
      await Promise.all([ensemble.cut(left!), ensemble.cut(right!)])
      const refused = await zk.set('/a', '2', { timeout: 300 }).then(
        () => undefined,
        (error: unknown) => error,
      )
      expect((refused as { code?: string } | undefined)?.code).to.equal('CONNECTION_LOSS')
      await ensemble.open(left!)
      await ensemble.serving()
      expect(ensemble.peers.get(leader)!.status.serving).to.equal(true)
      await (await ensemble.client(left!)).set('/a', '3')
      expect(await read(await ensemble.client(leader), '/a')).to.equal('3')
    })
  })
}
