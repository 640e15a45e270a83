/** Who is judged: three peers of one process, each with a client port. Timing and limits as the reference has them. */
import { digestOf } from '../../lib/auth/digest.js'
import { Peer } from '../../lib/index.js'
import { memory, memoryNetwork } from '../../transports/memory/index.js'
import { TICK_MS } from './reference.js'
import { SUPER } from './sequence.js'

export class Ours {
  readonly peers: readonly Peer[]

  private constructor(peers: readonly Peer[]) {
    this.peers = peers
  }

  static async start(): Promise<Ours> {
    const network = memoryNetwork()
    const members = { 1: 'memory://1', 2: 'memory://2', 3: 'memory://3' }
    const peers = await Promise.all(
      [1, 2, 3].map(id =>
        Peer.open({
          id,
          dataDir: ':memory:',
          members,
          transport: memory({ network, name: String(id) }),
          tickMs: TICK_MS,
          sessionTimeoutMaxMs: 60_000,
          enforceQuota: true,
          superDigest: digestOf(SUPER),
          containerCheckIntervalMs: 86_400_000,
          clientPort: {
            port: 0,
            connectionsPerAddressMax: 0,
            connectionsPerSecondPerAddressMax: 0,
            fourLetterWords: ['*'],
          },
        }),
      ),
    )
    await Promise.all(peers.map(peer => peer.serving({ timeout: 30_000 })))
    return new Ours(peers)
  }

  get ports(): number[] {
    return this.peers.map(peer => peer.clientPort!.port)
  }

  async stop(): Promise<void> {
    await Promise.all(this.peers.map(peer => peer.close()))
  }
}
