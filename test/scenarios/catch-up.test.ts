/**
 * How a peer that was away comes back: by the missing proposals (DIFF), by cutting what was never committed (TRUNC), by the whole tree
 * (SNAP). What the peers do with their disks shows which it was. Real peers over the memory transport, LevelDB on disk.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { type Client, type Connection, Peer, type PeerOptions, type Transport, text } from '../../lib/index.js'
import type { PeerId } from '../../lib/model/ids.js'
import { LevelStorage } from '../../lib/storage/level/level-storage.js'
import { memory, memoryNetwork } from '../../transports/memory/index.js'
import { type TappedCall, TappedStorage } from '../helpers/tapped-storage.js'

/** Small enough that 3 MB of log are more than it keeps. */
const LITTLE_LOG = { logBytesKept: 1, checkpointLogBytes: 256 * 1024 }

interface OpenOptions {
  readonly logBytesKept?: number
  readonly checkpointLogBytes?: number
}

class Ensemble {
  readonly peers = new Map<number, Peer>()
  readonly #members: NonNullable<PeerOptions['members']>
  readonly #network = memoryNetwork()
  readonly #directory: string
  readonly #transports = new Map<number, MutedTransport>()
  readonly #calls = new Map<number, TappedCall[]>()

  constructor(directory: string, observers: readonly number[], size: number) {
    this.#directory = directory
    const ids = Array.from({ length: size }, (_, index) => index + 1)
    this.#members = Object.fromEntries(
      ids.map(id => [id, { address: `memory://${id}`, role: observers.includes(id) ? 'observer' : 'participant' }]),
    )
  }

  static async make({
    observers = [],
    size = 3,
  }: {
    observers?: readonly number[]
    size?: number
  } = {}): Promise<Ensemble> {
    return new Ensemble(await mkdtemp(join(tmpdir(), 'vivarium-catch-up-')), observers, size)
  }

  async open(id: number, { logBytesKept, checkpointLogBytes }: OpenOptions = {}): Promise<Peer> {
    const calls: TappedCall[] = []
    const transport = new MutedTransport(memory({ network: this.#network, name: String(id) }))
    const dataDir = join(this.#directory, String(id))
    const kept = logBytesKept === undefined ? {} : { logBytesKept }
    const store = new LevelStorage({ dataDir, ensemble: 'catch-up', peer: id as PeerId, ...kept })
    this.#calls.set(id, calls)
    this.#transports.set(id, transport)
    const peer = await Peer.open({
      id,
      ensemble: 'catch-up',
      members: this.#members,
      transport,
      storage: new TappedStorage(store, call => calls.push(call)),
      tickMs: 200,
      ...(checkpointLogBytes === undefined ? {} : { checkpointLogBytes }),
    })
    this.peers.set(id, peer)
    return peer
  }

  async openAll(ids: readonly number[], options: OpenOptions = {}): Promise<void> {
    const peers = await Promise.all(ids.map(id => this.open(id, options)))
    await Promise.all(peers.map(peer => peer.serving({ timeout: 10_000 })))
  }

  get leader(): number {
    return [...this.peers].find(([, peer]) => peer.status.role === 'leading')![0]
  }

  get follower(): number {
    return [...this.peers].find(([, peer]) => peer.status.role === 'following')![0]
  }

  client(id: number): Promise<Client<string>> {
    return this.peers.get(id)!.client({ codec: text })
  }

  /** What this peer's disk was used for since it was opened. */
  calls(id: number): ReadonlySet<TappedCall> {
    return new Set(this.#calls.get(id))
  }

  forgetCalls(id: number): void {
    this.#calls.get(id)!.length = 0
  }

  /** From now on nothing that this peer says is heard. */
  mute(id: number): void {
    this.#transports.get(id)!.muted = true
  }

  async close(id: number): Promise<void> {
    const peer = this.peers.get(id)!
    this.peers.delete(id)
    await this.#transports.get(id)!.close()
    await peer.close()
  }

  /** All peers at one zxid, with one digest. */
  async expectEqual(): Promise<void> {
    const views = [...this.peers.values()].map(({ view }) => view)
    await until(() => views.every(({ zxid }) => zxid === views[0]!.zxid), 'one zxid')
    expect(new Set(views.map(({ digest }) => digest)).size, 'digests').to.equal(1)
  }

  async end(): Promise<void> {
    await Promise.all([...this.peers.values()].map(peer => peer.close()))
    await rm(this.#directory, { recursive: true, force: true })
  }
}

/** Drops what is sent while it is muted, as a cable does that is cut in one direction. */
class MutedTransport implements Transport {
  muted = false
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  get address(): string {
    return this.#transport.address
  }
  understands(address: string): boolean {
    return this.#transport.understands(address)
  }
  listen(accept: (connection: Connection) => void): Promise<void> {
    return this.#transport.listen(connection => accept(this.#wrap(connection)))
  }
  async dial(address: string, options: { readonly signal: AbortSignal }): Promise<Connection> {
    return this.#wrap(await this.#transport.dial(address, options))
  }
  close(): Promise<void> {
    return this.#transport.close()
  }

  #wrap(connection: Connection): Connection {
    const send = connection.send.bind(connection)
    connection.send = parts => this.muted || send(parts)
    return connection
  }
}

/** Looks every 10 ms. */
async function until(condition: () => boolean, what: string): Promise<void> {
  const giveUpAt = performance.now() + 15_000
  while (!condition()) {
    if (performance.now() > giveUpAt) throw new Error(`not seen: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}

/** `count` writes, 500 at a time. */
async function writeMany(zk: Client<string>, count: number, data = 'x'): Promise<void> {
  for (let at = 0; at < count; at += 500) {
    await Promise.all(Array.from({ length: Math.min(500, count - at) }, () => zk.set('/n', data)))
  }
}

describe('a peer that was away', function () {
  this.timeout(40_000)
  let ensemble: Ensemble

  afterEach(() => ensemble.end())

  it('for 10 writes gets them out of the memory of the leader: DIFF', async () => {
    ensemble = await Ensemble.make()
    await ensemble.openAll([1, 2, 3])
    const { leader, follower } = ensemble
    const zk = await ensemble.client(leader)
    await zk.create('/n')
    await ensemble.close(follower)
    ensemble.forgetCalls(leader)
    await writeMany(zk, 10)
    await (await ensemble.open(follower)).serving({ timeout: 10_000 })
    await ensemble.expectEqual()
    expect([...ensemble.calls(follower)]).to.deep.equal(['append'])
    expect([...ensemble.calls(leader)]).to.deep.equal(['append'])
  })

  it('for 10,000 writes gets them out of the log of the leader: DIFF', async () => {
    ensemble = await Ensemble.make()
    await ensemble.openAll([1, 2, 3])
    const { leader, follower } = ensemble
    const zk = await ensemble.client(leader)
    await zk.create('/n')
    await ensemble.close(follower)
    ensemble.forgetCalls(leader)
    await writeMany(zk, 10_000)
    const back = await ensemble.open(follower)
    await back.serving({ timeout: 10_000 })
    await ensemble.expectEqual()
    expect(back.view.get('/n')?.stat.version).to.equal(10_000)
    expect([...ensemble.calls(follower)]).to.deep.equal(['append'])
    expect([...ensemble.calls(leader)]).to.deep.equal(['append', 'readHistory'])
  })

  it('for more than the log keeps gets the tree: SNAP', async () => {
    ensemble = await Ensemble.make()
    await ensemble.openAll([1, 2, 3], LITTLE_LOG)
    const { leader, follower } = ensemble
    const zk = await ensemble.client(leader)
    await zk.create('/n')
    await ensemble.close(follower)
    ensemble.forgetCalls(leader)
    await writeMany(zk, 4000, 'x'.repeat(1000))
    const back = await ensemble.open(follower, LITTLE_LOG)
    await back.serving({ timeout: 10_000 })
    await ensemble.expectEqual()
    expect(back.view.get('/n')?.stat.version).to.equal(4000)
    expect(ensemble.calls(follower)).to.include('installSnapshot')
    expect(ensemble.calls(follower)).to.not.include('truncate')
    expect(ensemble.calls(leader)).to.include('readSnapshot')
    // It is whole: it goes on from there, and finds it again.
    await zk.set('/n', 'after')
    await ensemble.expectEqual()
    await ensemble.close(follower)
    const again = await ensemble.open(follower, LITTLE_LOG)
    await again.serving({ timeout: 10_000 })
    await ensemble.expectEqual()
    expect(ensemble.calls(follower)).to.not.include('installSnapshot')
  })

  it('and had logged what was never committed cuts that off: TRUNC', async () => {
    ensemble = await Ensemble.make()
    await ensemble.openAll([1, 2, 3])
    const former = ensemble.leader
    const zk = await ensemble.client(former)
    await zk.create('/n')
    const { committed } = ensemble.peers.get(former)!.status
    ensemble.forgetCalls(former)
    ensemble.mute(former)
    const lost = Array.from({ length: 5 }, (_, n) => zk.create(`/lost-${n}`).catch((error: unknown) => error))
    await until(() => ensemble.calls(former).has('append'), 'the append')
    expect(ensemble.peers.get(former)!.status.logged).to.equal(committed + 5n)
    // Its disk may be slower than its word: closing waits for it.
    await ensemble.close(former)
    expect((await Promise.all(lost)).map(error => (error as { outcome?: string }).outcome)).to.deep.equal(
      Array(5).fill('unknown'),
    )

    await until(
      () => [...ensemble.peers.values()].some(({ status }) => status.role === 'leading' && status.serving),
      'a leader',
    )
    const next = await ensemble.client(ensemble.leader)
    await writeMany(next, 10)
    const back = await ensemble.open(former)
    expect(back.status.logged, 'still in its log').to.equal(committed + 5n)
    await back.serving({ timeout: 10_000 })
    await ensemble.expectEqual()
    expect([...ensemble.calls(former)]).to.deep.equal(['truncate', 'append'])
    expect(back.view.children('/')).to.deep.equal(['n', 'zookeeper'])
  })
})

describe('an observer', function () {
  this.timeout(40_000)
  let ensemble: Ensemble

  afterEach(() => ensemble.end())

  it('follows, takes writes, and catches up by DIFF and by SNAP without a vote', async () => {
    ensemble = await Ensemble.make({ size: 4, observers: [4] })
    await ensemble.openAll([1, 2, 3, 4], LITTLE_LOG)
    expect(ensemble.peers.get(4)!.status.role).to.equal('observing')
    const own = await ensemble.client(4)
    await own.create('/n', 'by the observer')
    const zk = await ensemble.client(ensemble.leader)
    expect((await zk.get('/n')).value).to.equal('by the observer')
    await ensemble.expectEqual()

    await ensemble.close(4)
    await writeMany(zk, 10)
    await (await ensemble.open(4, LITTLE_LOG)).serving({ timeout: 10_000 })
    await ensemble.expectEqual()
    expect([...ensemble.calls(4)]).to.deep.equal(['append'])

    await ensemble.close(4)
    await writeMany(zk, 4000, 'x'.repeat(1000))
    await (await ensemble.open(4, LITTLE_LOG)).serving({ timeout: 10_000 })
    await ensemble.expectEqual()
    expect(ensemble.calls(4)).to.include('installSnapshot')
  })
})

describe('a late joiner', function () {
  this.timeout(40_000)
  let ensemble: Ensemble

  afterEach(() => ensemble.end())

  it('gets the whole log while the others have it', async () => {
    ensemble = await Ensemble.make()
    // The first start needs every voter; the third leaves before anything is written.
    await ensemble.openAll([1, 2, 3])
    await ensemble.close(3)
    const zk = await ensemble.client(1)
    await zk.create('/n')
    await writeMany(zk, 2000)
    await (await ensemble.open(3)).serving({ timeout: 10_000 })
    await ensemble.expectEqual()
    expect([...ensemble.calls(3)]).to.deep.equal(['append'])
  })

  it('gets the tree, and the log behind it, when they have not', async () => {
    ensemble = await Ensemble.make()
    await ensemble.openAll([1, 2, 3], LITTLE_LOG)
    await ensemble.close(3)
    const zk = await ensemble.client(1)
    await zk.create('/n')
    await writeMany(zk, 4000, 'x'.repeat(1000))
    const writing = writeMany(zk, 2000, 'y')
    const late = await ensemble.open(3, LITTLE_LOG)
    await late.serving({ timeout: 10_000 })
    await writing
    await ensemble.expectEqual()
    expect(ensemble.calls(3)).to.include('installSnapshot')
    expect(late.view.get('/n')?.stat.version).to.equal(6000)
  })
})
