/**
 * Real peers in this process, over the memory transport or over TCP, with data in memory or in LevelDB. Everything is waited for by
 * condition; nothing sleeps. `cut` is the nearest to pulling the plug that one process allows: the network first, then a close that
 * has nobody left to hand over to.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Client, Peer, type PeerOptions, type Transport, text } from '../../lib/index.js'
import type { PeerId } from '../../lib/model/ids.js'
import { MemoryStorage } from '../../lib/storage/memory/memory-storage.js'
import { memory, memoryNetwork } from '../../transports/memory/index.js'
import { tcp } from '../../transports/tcp/index.js'

export type EnsembleKind = 'memory' | 'tcp and LevelDB'

export class TestEnsemble {
  readonly members: Readonly<Record<number, string>>
  readonly peers = new Map<number, Peer>()
  readonly #transports = new Map<number, Transport>()
  readonly #makeTransport: (id: number) => Transport
  readonly #place: (id: number) => Pick<PeerOptions, 'dataDir' | 'storage'>
  readonly #cleanUp: () => Promise<void>

  private constructor(
    members: Readonly<Record<number, string>>,
    makeTransport: (id: number) => Transport,
    place: (id: number) => Pick<PeerOptions, 'dataDir' | 'storage'>,
    cleanUp: () => Promise<void>,
  ) {
    this.members = members
    this.#makeTransport = makeTransport
    this.#place = place
    this.#cleanUp = cleanUp
  }

  static async make(kind: EnsembleKind, size: number): Promise<TestEnsemble> {
    const ids = Array.from({ length: size }, (_, n) => n + 1)
    if (kind === 'memory') {
      const network = memoryNetwork()
      const storages = new Map(ids.map(id => [id, new MemoryStorage({ ensemble: 'vivarium', peer: id as PeerId })]))
      return new TestEnsemble(
        Object.fromEntries(ids.map(id => [id, `memory://${id}`])),
        id => memory({ network, name: String(id) }),
        id => ({ storage: storages.get(id)! }),
        async () => {},
      )
    }
    const ports = await freePorts(size)
    const directory = await mkdtemp(join(tmpdir(), 'vivarium-scenario-'))
    return new TestEnsemble(
      Object.fromEntries(ids.map(id => [id, `tcp://127.0.0.1:${ports[id - 1]}`])),
      id => tcp({ port: ports[id - 1]! }),
      id => ({ dataDir: join(directory, String(id)) }),
      () => rm(directory, { recursive: true, force: true }),
    )
  }

  async open(id: number, options: Partial<PeerOptions> = {}): Promise<Peer> {
    const transport = this.#makeTransport(id)
    this.#transports.set(id, transport)
    const peer = await Peer.open({
      id,
      members: this.members,
      transport,
      tickMs: 100,
      ...(options.dataDir === undefined ? this.#place(id) : {}),
      ...options,
    })
    this.peers.set(id, peer)
    return peer
  }

  async openAll(options: Partial<PeerOptions> = {}): Promise<void> {
    await Promise.all(Object.keys(this.members).map(id => this.open(Number(id), options)))
    await this.serving()
  }

  async serving(): Promise<void> {
    await Promise.all([...this.peers.values()].map(peer => peer.serving({ timeout: 10_000 })))
  }

  /** A client of this peer, with text values. */
  client(id: number): Promise<Client<string>> {
    return this.peers.get(id)!.client({ codec: text, sessionTimeoutMs: 2000 })
  }

  get leader(): number {
    for (const [id, peer] of this.peers) if (peer.status.role === 'leading') return id
    throw new Error('nobody leads')
  }

  get followers(): number[] {
    return [...this.peers].filter(([, peer]) => peer.status.role === 'following').map(([id]) => id)
  }

  /** Without a farewell. */
  async cut(id: number): Promise<void> {
    const peer = this.peers.get(id)!
    this.peers.delete(id)
    await this.#transports.get(id)!.close()
    await peer.close()
  }

  async close(id: number): Promise<void> {
    const peer = this.peers.get(id)!
    this.peers.delete(id)
    await peer.close()
  }

  async end(): Promise<void> {
    await Promise.all([...this.peers.values()].map(peer => peer.close()))
    await this.#cleanUp()
  }
}

/** Free a moment ago: nothing better can be had before the members are named. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer()
      await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
      return server
    }),
  )
  const ports = servers.map(server => (server.address() as AddressInfo).port)
  await Promise.all(servers.map(server => new Promise(resolve => server.close(resolve))))
  return ports
}
