/** Real peers and clients in a world of their own: what they need of it, and that they need nothing else. */
import { createHook } from 'node:async_hooks'
import { expect } from 'chai'
import type { Client } from '../../../../lib/client/client.js'
import { text } from '../../../../lib/client/codec.js'
import type { PeerId } from '../../../../lib/model/ids.js'
import { VirtualTime } from '../../../../lib/testing/virtual/timeline.js'
import { VirtualEnsemble } from '../../../../lib/testing/virtual/virtual-ensemble.js'
import type { VirtualPeer } from '../../../../lib/testing/virtual/virtual-peer.js'

class TestWorld {
  readonly time = new VirtualTime()
  readonly ensemble: VirtualEnsemble

  constructor(seed: number) {
    this.ensemble = new VirtualEnsemble({
      timeline: this.time,
      seed,
      voters: 3,
      observers: 1,
      networkMs: 1,
      diskMs: 1,
      splitChance: 0.2,
      peer: { tickMs: 200 },
    })
  }

  /** Lets time pass until a promise has settled. */
  async of<T>(promise: Promise<T>): Promise<T> {
    let settled = false
    const over = promise.then(
      () => {
        settled = true
      },
      () => {
        settled = true
      },
    )
    if (!(await this.time.run(this.time.now() + 60_000, () => settled))) throw new Error('it hangs')
    await over
    return promise
  }

  async open(): Promise<void> {
    await this.of(Promise.all([...this.ensemble.peers.values()].map(peer => peer.start())))
    await this.serving()
  }
  async serving(): Promise<void> {
    const all = () => this.ensemble.running.every(peer => peer.opened!.status.serving)
    expect(await this.time.run(this.time.now() + 60_000, all)).to.equal(true)
  }
  client(id: number): Promise<Client<string>> {
    return this.of(this.ensemble.peer(id as PeerId).opened!.client({ codec: text, sessionTimeoutMs: 4000 }))
  }
  get leader(): VirtualPeer {
    return this.ensemble.running.find(peer => peer.opened!.status.role === 'leading')!
  }
  async close(): Promise<void> {
    for (const peer of this.ensemble.running) await this.of(peer.close())
    await this.time.run(this.time.now() + 60_000)
    expect(this.time.pending, 'events left').to.equal(0)
    expect(this.ensemble.network.liveEnds, 'links left').to.equal(0)
  }
}

/** A failover with clients: hash, events, and what a stream of a survivor said. */
async function failover(seed: number): Promise<{ hash: string; events: number; seen: string[] }> {
  const world = new TestWorld(seed)
  await world.open()
  const { leader } = world
  const other = [1, 2, 3].find(id => id !== leader.id)!
  const [doomed, survivor] = [await world.client(leader.id), await world.client(other)]
  const seen: string[] = []
  survivor.data$('/n').subscribe(({ value, stale }) => seen.push(`${value}${stale ? ' stale' : ''}`))
  await world.of(doomed.create('/n', '0'))
  await world.of(doomed.create('/mine', 'x', { ephemeral: true }))
  for (let n = 1; n <= 20; n++) await world.of(survivor.set('/n', String(n)))
  const inDoubt = doomed.set('/n', 'lost or not').catch((error: { code: string }) => error.code)
  leader.crash(seed % 2 === 0)
  expect(await world.of(inDoubt)).to.equal('CLOSED')
  await world.of(survivor.set('/n', '21'))
  const gone = new Promise<void>(resolve => {
    survivor.exists$('/mine').subscribe(state => {
      if (!state.exists) resolve()
    })
  })
  await world.of(gone)
  await world.of(leader.start())
  await world.serving()
  expect((await world.of(survivor.get('/n'))).value).to.equal('21')
  expect(seen.at(-1)).to.equal('21')
  await world.close()
  return { hash: world.ensemble.traceHash, events: world.time.events, seen }
}

describe('virtual ensemble', () => {
  it('carries real peers and clients through a failover, and R4: the same way every time', async () => {
    const first = await failover(1)
    expect(first.seen.some(state => state.endsWith('stale'))).to.equal(true)
    expect(await failover(1)).to.deep.equal(first)
    expect((await failover(2)).hash).to.not.equal(first.hash)
  })

  it('uses no timer, file or socket of the process', async () => {
    await undefined // the runner sets the time limit of this test
    const made = new Set<string>()
    const hook = createHook({
      init(_, type) {
        made.add(type)
      },
    }).enable()
    await failover(3)
    hook.disable()
    expect([...made].sort()).to.deep.equal(['Immediate', 'Microtask', 'PROMISE', 'TickObject'])
  })

  it('takes what a graceful close writes and says with it', async () => {
    const world = new TestWorld(5)
    await world.open()
    const zk = await world.client(1)
    await world.of(zk.create('/kept', 'x'))
    for (const peer of [...world.ensemble.peers.values()]) await world.of(peer.close())
    await world.open()
    const again = await world.client(2)
    expect((await world.of(again.get('/kept'))).value).to.equal('x')
    await world.close()
  })

  it('keeps what was acknowledged when all crash at once', async () => {
    for (let seed = 1; seed <= 4; seed++) {
      const world = new TestWorld(seed)
      await world.open()
      const zk = await world.client(2)
      const acknowledged: string[] = []
      for (let n = 0; n < 20; n++)
        zk.create(`/${n}`).then(
          path => acknowledged.push(path.slice(1)),
          () => undefined,
        )
      await world.time.run(world.time.now() + 200, () => acknowledged.length > 4 * seed)
      for (const peer of world.ensemble.running) peer.crash(false)
      await world.open()
      const children = await world.of((await world.client(3)).getChildren('/'))
      expect(children).to.include.members(acknowledged)
      await world.close()
    }
  })
})
