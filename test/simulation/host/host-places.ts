/**
 * Where the applications of a run are: in the process of a peer, whose life they share, or in one of their own, from which they come to any peer.
 * Before: host-workload.ts. After: a peer's client(), or roaming-channel.ts.
 */
import { type Client, openClient } from '../../../lib/client/client.js'
import type { ClientOptions } from '../../../lib/client/client-options.js'
import { SeededRandom } from '../../../lib/testing/seeded-random.js'
import type { VirtualEnsemble } from '../../../lib/testing/virtual/virtual-ensemble.js'
import type { VirtualPeer } from '../../../lib/testing/virtual/virtual-peer.js'
import { VirtualProcess } from '../../../lib/testing/virtual/virtual-process.js'
import type { Chain } from './chain.js'
import type { HostScenario } from './host-scenario.js'
import { RoamingChannel } from './roaming-channel.js'
import type { SessionMoves } from './session-moves.js'

/** Of an application that roams: what it takes, and what it gets. */
export interface Service {
  /** Reads will do where there is no leader. */
  readonly contentWithReads: boolean
  readonly served: (readOnly: boolean) => void
}

export interface Place {
  readonly name: string
  /** The application's; undefined while it is down. */
  readonly process: VirtualProcess | undefined
  /** The peer that it lives and dies with; undefined for one that roams. */
  readonly home: VirtualPeer | undefined
  /** A client can be opened. */
  readonly ready: boolean
  open(options: ClientOptions<string>, service?: Service): Promise<Client<string>>
  /** Leaves its peer, which hears of that so much later; false when it cannot, or has none. */
  move(peerHearsMs: number): boolean
}

/** One for each client of the run; the last ones roam. */
export function hostPlaces(
  scenario: HostScenario,
  ensemble: VirtualEnsemble,
  moves: SessionMoves,
  chain: Chain,
): readonly Place[] {
  const random = new SeededRandom(scenario.seed, 'host places')
  const { clients, roaming } = scenario
  return Array.from({ length: clients }, (_, index) =>
    index < clients - roaming
      ? new PeerPlace(random.pick([...ensemble.peers.values()]))
      : new RoamingPlace(`c${index + 1}`, scenario, ensemble, moves, chain),
  )
}

class PeerPlace implements Place {
  readonly home: VirtualPeer

  constructor(home: VirtualPeer) {
    this.home = home
  }

  get name(): string {
    return `peer ${this.home.id}`
  }
  get process(): VirtualProcess | undefined {
    return this.home.process
  }
  get ready(): boolean {
    return this.home.opened !== undefined
  }
  open(options: ClientOptions<string>): Promise<Client<string>> {
    return this.home.opened!.client(options)
  }
  move(): boolean {
    return false
  }
}

class RoamingPlace implements Place {
  readonly name = 'large'
  readonly home = undefined
  readonly ready = true
  readonly process: VirtualProcess
  readonly #ensemble: VirtualEnsemble
  readonly #random: SeededRandom
  readonly #moves: SessionMoves
  readonly #chain: Chain
  /** Mean delay, one way. */
  readonly #wayMs: number
  #channel: RoamingChannel | undefined

  constructor(name: string, scenario: HostScenario, ensemble: VirtualEnsemble, moves: SessionMoves, chain: Chain) {
    this.#random = new SeededRandom(scenario.seed, `roaming ${name}`)
    const { drift } = scenario
    this.process = new VirtualProcess(ensemble.timeline, { rate: 1 + this.#random.between(-drift, drift) })
    this.#ensemble = ensemble
    this.#moves = moves
    this.#chain = chain
    this.#wayMs = this.#random.pick([scenario.networkMs, 10, 30])
  }

  open(options: ClientOptions<string>, service?: Service): Promise<Client<string>> {
    const random = this.#random
    const peers = [...this.#ensemble.peers.values()]
    const session = this.#moves.session()
    this.#channel = new RoamingChannel({
      timeline: this.#ensemble.timeline,
      process: this.process,
      pick: () => random.pick(peers),
      delayMs: () => 0.05 + random.waiting(this.#wayMs),
      patienceMs: random.between(100, 1000),
      identities: options.identities,
      contentWithReads: service?.contentWithReads === true,
      sent: (attachment, request) => session.sent(attachment, request),
      lost: () => service?.served(false),
      attached: (attachment, peer, readOnly) => {
        service?.served(readOnly)
        this.#ensemble.note(`attachment ${attachment} of ${options.sessionTimeoutMs} ms at ${peer.id}`)
        session.attached(attachment, this.#chain.proposed)
      },
    })
    return openClient(this.#channel, options, random)
  }

  move(peerHearsMs: number): boolean {
    return this.#channel?.move(peerHearsMs) ?? false
  }
}
