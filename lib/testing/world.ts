/**
 * A whole ensemble in one process on virtual time, from one seed: peers, their disks, the network between them, clients.
 *
 * Always holds: equal options give equal runs, event by event (R4); nothing touches the clock, chance or timers of the process; observers
 * see what crosses the boundary of a peer (inputs, effects), what is on its disk, and what clients see, and never change any of it.
 * Used by test/simulation. To follow one run, give `trace`.
 */
import type { Effect } from '../core/effect.js'
import type { Input, Now } from '../core/input.js'
import type { PeerInitial } from '../core/peer.js'
import type { PeerStatus } from '../core/peer-status.js'
import { defaultProtocolOptions, type ProtocolOptions } from '../core/protocol-options.js'
import { type EnsembleConfig, type Member, votersOf } from '../model/ensemble-config.js'
import type { LinkId, PeerId } from '../model/ids.js'
import type { Proposal } from '../model/proposal.js'
import type { ReplicaImage } from '../model/replica-image.js'
import { ZERO } from '../model/zxid.js'
import { deepFreeze } from './deep-freeze.js'
import { describeEffect, describeInput } from './describe.js'
import { EventQueue } from './event-queue.js'
import { SeededRandom } from './seeded-random.js'
import { type ClientEvent, SimulatedClient, type SimulatedClientOptions, SimulatedClients } from './simulated-client.js'
import type { DiskChange, DiskFault } from './simulated-disk.js'
import { SimulatedNetwork } from './simulated-network.js'
import { SimulatedPeer } from './simulated-peer.js'
import { TraceHash } from './trace-hash.js'

export interface WorldObserver {
  /** Is about to read its disk. */
  opening?(peer: SimulatedPeer): void
  /** Could not begin: its disk cannot be read, or is not to be relied on, and it stays down. */
  refused?(peer: SimulatedPeer, error: { readonly code: string; readonly message: string }): void
  /** Has read its disk. */
  opened?(peer: SimulatedPeer, recovered: PeerInitial['recovered']): void
  started?(peer: SimulatedPeer, recovered: PeerInitial['recovered']): void
  /** After the core has decided, before any of the effects. */
  stepped?(peer: SimulatedPeer, input: Input, now: Now, effects: readonly Effect[]): void
  /** Right before it is performed. */
  performed?(peer: SimulatedPeer, effect: Effect, input: Input): void
  /** A proposal leaves from the disk of a leader. */
  streamed?(peer: SimulatedPeer, link: LinkId, proposal: Proposal): void
  /** A snapshot leaves from the disk of a leader. */
  snapshotSent?(peer: SimulatedPeer, image: ReplicaImage): void
  diskChanged?(peer: SimulatedPeer, change: DiskChange): void
  /** On its disk, as it takes effect. */
  diskFault?(peer: SimulatedPeer, fault: DiskFault): void
  /** Of its role, its phase or its leader. */
  statusChanged?(peer: SimulatedPeer, status: PeerStatus): void
  /** By a fault, which takes effect now; it is still what it was. */
  struck?(peer: SimulatedPeer, fault: string): void
  /** Its state in memory is false from now on. */
  falsified?(peer: SimulatedPeer): void
  /** Down, and everything on its disk is gone. */
  wiped?(peer: SimulatedPeer): void
  crashed?(peer: SimulatedPeer): void
  stopped?(peer: SimulatedPeer, error: { readonly code: string; readonly message: string } | undefined): void
  client?(event: ClientEvent): void
}

export interface WorldOptions {
  readonly seed: number
  readonly voters: number
  readonly observers: number
  /** Of voters that do not count like the others. */
  readonly shares?: Readonly<Record<number, Pick<Member, 'weight' | 'group'>>>
  readonly protocol?: Partial<ProtocolOptions> | undefined
  readonly checkpointEntries: number
  readonly entriesKept: number
  /** Mean delays. */
  readonly networkMs: number
  readonly diskMs: number
  readonly trace?: (line: string) => void
}

/** Freezing takes time: every so many seeds it is done. */
const FROZEN_EVERY = 4

/** A tenth of the defaults: elections and timeouts take less virtual time, and so fewer events. */
const FAST: Partial<ProtocolOptions> = {
  tickMs: 200,
  sessionTimeoutMinMs: 400,
  sessionTimeoutMaxMs: 4000,
  finalizeWaitMs: 20,
  notificationMinMs: 20,
  notificationMaxMs: 2000,
  digestEvery: 8,
  readOnlyAfterMs: 200,
  slowLeaderMs: 20,
}

export class World {
  readonly options: WorldOptions
  readonly config: EnsembleConfig
  readonly protocol: ProtocolOptions
  readonly peers: ReadonlyMap<PeerId, SimulatedPeer>
  readonly network: SimulatedNetwork
  readonly clients = new SimulatedClients(this)
  readonly clientRandom: SeededRandom
  now = 0
  /** Events so far: the name of a moment in messages. */
  eventNumber = 0
  readonly #queue = new EventQueue()
  readonly #observers: WorldObserver[] = []
  /** Those of them that hear of what happens most: steps, effects, changes of disks, what clients see. */
  readonly #watchingSteps: WorldObserver[] = []
  readonly #watchingEffects: WorldObserver[] = []
  readonly #watchingDisks: WorldObserver[] = []
  readonly #watchingClients: WorldObserver[] = []
  readonly #hash = new TraceHash()
  readonly #freezes: boolean
  readonly #networkRandom: SeededRandom
  readonly #clockRandom: SeededRandom
  readonly #tailRandom: SeededRandom
  /** The network's pace: faults make it slower for a while. */
  slowness = 1
  /** Some messages take so much longer, up to `ms`, and with them what comes behind them. */
  delayTail = { chance: 0, ms: 0 }

  constructor(options: WorldOptions) {
    this.options = options
    this.protocol = { ...defaultProtocolOptions, ...FAST, ...options.protocol }
    const { seed, voters, observers } = options
    const ids = Array.from({ length: voters + observers }, (_, index) => (index + 1) as PeerId)
    this.config = {
      version: ZERO,
      members: ids.map(id => {
        const address = `memory://${id}`
        return id <= voters
          ? { id, address, role: 'participant', ...options.shares?.[id] }
          : { id, address, role: 'observer' }
      }),
    }
    this.#freezes = seed % FROZEN_EVERY === 1
    this.#networkRandom = new SeededRandom(seed, 'network')
    this.#clockRandom = new SeededRandom(seed, 'clock')
    this.#tailRandom = new SeededRandom(seed, 'delay tail')
    this.clientRandom = new SeededRandom(seed, 'client')
    const random = this.#networkRandom
    this.network = new SimulatedNetwork(
      ids,
      {
        delayMs: () => (0.05 + random.waiting(options.networkMs)) * this.slowness + this.#tailMs(),
        redialMs: () => (random.chance(0.5) ? random.between(1, 10) : random.between(5, 150)),
      },
      {
        random,
        now: () => this.now,
        after: (delayMs, run) => this.after(delayMs, run),
        handedOver: parcel => this.handedOver(parcel),
        isUp: peer => this.peer(peer).isUp,
        deliver: (peer, input) => {
          // A snapshot goes from the link to the disk; also while the peer itself does nothing.
          if (input.kind === 'message' && input.message.kind === 'snapshotBegin')
            this.peer(peer).disk.snapshotBegins(input.link)
          this.peer(peer).receive(input)
        },
        deliverImage: (peer, link, image) => this.peer(peer).disk.snapshotEnds(link, image),
        linkClosed: (peer, link) => this.peer(peer).linkClosed(link),
      },
    )
    this.peers = new Map(ids.map(id => [id, this.#makePeer(id)]))
  }

  get traceHash(): string {
    return this.#hash.value
  }
  get pendingEvents(): number {
    return this.#queue.size
  }

  peer(id: PeerId): SimulatedPeer {
    return this.peers.get(id)!
  }
  get livePeers(): SimulatedPeer[] {
    return [...this.peers.values()].filter(each => each.isUp)
  }
  voterIds(): PeerId[] {
    return [...votersOf(this.config)]
  }

  client(options: SimulatedClientOptions): SimulatedClient {
    const client = new SimulatedClient(`c${this.clients.all.length + 1}`, this, options)
    this.clients.all.push(client)
    return client
  }

  observe(observer: WorldObserver): void {
    this.#observers.push(observer)
    if (observer.stepped !== undefined) this.#watchingSteps.push(observer)
    if (observer.performed !== undefined) this.#watchingEffects.push(observer)
    if (observer.diskChanged !== undefined) this.#watchingDisks.push(observer)
    if (observer.client !== undefined) this.#watchingClients.push(observer)
  }

  tell(what: (observer: WorldObserver) => void): void {
    for (const observer of this.#observers) what(observer)
  }

  after(delayMs: number, run: () => void): void {
    this.#queue.push(this.now + delayMs, run)
  }

  /** Lets time pass until then, or until the condition holds; false when it does not by then. */
  run(until: number, condition?: () => boolean): boolean {
    for (;;) {
      if (condition?.()) return true
      const at = this.#queue.nextAt
      if (at === undefined || at > until) {
        this.now = Math.max(this.now, until)
        return condition === undefined || condition()
      }
      this.now = at
      this.eventNumber += 1
      this.#queue.pop()!.run()
    }
  }

  /** What one has given to another must not change under either of them: in some worlds it cannot. */
  handedOver<T>(value: T): T {
    return this.#freezes ? deepFreeze(value) : value
  }

  /** For faults and workloads: part of the trace. */
  note(text: string): void {
    this.#hash.add(text)
    this.options.trace?.(this.#line(text))
  }

  stepped(peer: SimulatedPeer, input: Input, now: Now, effects: readonly Effect[]): void {
    const hash = this.#hash
    hash.addValue(this.now)
    hash.addValue(peer.id)
    hash.addValue(input)
    for (const effect of effects) hash.addValue(effect)
    if (this.options.trace !== undefined) this.#trace(this.options.trace, peer, input, effects)
    for (const observer of this.#watchingSteps) observer.stepped!(peer, input, now, effects)
  }

  performed(peer: SimulatedPeer, effect: Effect, input: Input): void {
    for (const observer of this.#watchingEffects) observer.performed!(peer, effect, input)
  }

  diskChanged(peer: SimulatedPeer, change: DiskChange): void {
    for (const observer of this.#watchingDisks) observer.diskChanged!(peer, change)
  }

  clientSaw(event: ClientEvent): void {
    for (const observer of this.#watchingClients) observer.client!(event)
  }

  #trace(trace: (line: string) => void, peer: SimulatedPeer, input: Input, effects: readonly Effect[]): void {
    trace(this.#line(`${peer.id} ← ${describeInput(input)}`))
    for (const effect of effects) trace(this.#line(`${peer.id}   → ${describeEffect(effect)}`))
  }

  /** A fault hits these peers, which are still what they were. */
  struck(fault: string, ...peers: readonly SimulatedPeer[]): void {
    for (const peer of peers) this.tell(observer => observer.struck?.(peer, fault))
  }

  #tailMs(): number {
    const { chance, ms } = this.delayTail
    return chance > 0 && this.#tailRandom.chance(chance) ? this.#tailRandom.between(0, ms) : 0
  }

  streamDelayMs(): number {
    return 0.1 + this.#networkRandom.waiting(this.options.networkMs * 2)
  }
  clientDelayMs(): number {
    return 0.05 + this.clientRandom.waiting(this.options.networkMs)
  }

  #line(text: string): string {
    return `${String(this.eventNumber).padStart(6)} ${this.now.toFixed(2).padStart(9)}  ${text}`
  }

  #makePeer(id: PeerId): SimulatedPeer {
    const { seed, checkpointEntries, entriesKept, diskMs } = this.options
    const diskRandom = new SeededRandom(seed, `disk ${id}`)
    const clock = this.#clockRandom
    return new SimulatedPeer(id, this, {
      config: this.config,
      protocol: this.protocol,
      random: new SeededRandom(seed, `core ${id}`),
      diskRandom,
      disk: {
        checkpointEntries,
        entriesKept,
        latencyMs: () => 0.05 + diskRandom.waiting(diskMs),
      },
      clockOffsetMs: clock.below(1_000_000),
      timerLateMs: () => (clock.chance(0.02) ? clock.between(0, 60) : clock.between(0, 2)),
    })
  }
}
