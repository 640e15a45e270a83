/**
 * A whole ensemble of real peers in one process: hosts, cores, codec and clients as applications have them, over a network and disks that
 * can be slow, lie and break, on virtual or real time.
 *
 * Always holds on virtual time: equal options and equal behaviour of whoever uses it give equal runs, event by event (R4): the trace hash
 * takes in every byte that arrives, every disk operation and every fault. Each purpose has a stream of chance of its own.
 * Before: open-ensemble.ts, test/simulation/host. After: virtual-peer.ts, virtual-network.ts, virtual-disk.ts.
 */
import type { ProtocolOptions } from '../../core/protocol-options.js'
import type { Logger } from '../../host/logger.js'
import type { PeerOptions } from '../../host/peer-options.js'
import type { PeerId } from '../../model/ids.js'
import { invariant } from '../../model/invariant.js'
import type { LogRetention } from '../../storage/log-retention.js'
import { SeededRandom } from '../seeded-random.js'
import { TraceHash } from '../trace-hash.js'
import type { Timeline } from './timeline.js'
import { VirtualDisk } from './virtual-disk.js'
import { VirtualNetwork } from './virtual-network.js'
import { type PeerObserver, VirtualPeer } from './virtual-peer.js'
import type { Pace } from './virtual-process.js'
import { addressOf } from './virtual-transport.js'

export interface VirtualEnsembleOptions {
  readonly timeline: Timeline
  readonly seed: number
  readonly voters: number
  readonly observers?: number
  /** Mean delays; what is drawn is at most ten times as long. */
  readonly networkMs: number
  readonly diskMs: number
  /** @default 0 */
  readonly splitChance?: number
  readonly pace?: (peer: PeerId, random: SeededRandom) => Pace
  /** Of every peer. */
  readonly peer?: Partial<PeerOptions> & LogRetention
  /** Of one alone, in front of those. */
  readonly own?: (peer: PeerId) => Partial<PeerOptions>
  /** Instead of what no option of a peer changes. */
  readonly protocol?: Partial<ProtocolOptions>
  readonly logger?: (peer: PeerId) => Logger
  readonly observer?: PeerObserver
  readonly trace?: ((line: string) => void) | undefined
}

const HASHED_BYTES = 512

export class VirtualEnsemble {
  readonly timeline: Timeline
  readonly network: VirtualNetwork
  readonly peers: ReadonlyMap<PeerId, VirtualPeer>
  readonly voters: readonly PeerId[]
  /** The network's pace: faults make it slower for a while. */
  slowness = 1
  readonly #options: VirtualEnsembleOptions
  readonly #hash = new TraceHash()

  constructor(options: VirtualEnsembleOptions) {
    this.#options = options
    const { timeline, seed, voters, observers = 0, networkMs, splitChance = 0 } = options
    this.timeline = timeline
    const random = new SeededRandom(seed, 'network')
    this.network = new VirtualNetwork({
      timeline,
      random,
      delayMs: () => this.slowness * draw(random, networkMs),
      splitChance,
      arrived: (from, to, bytes) => this.#arrived(from, to, bytes),
    })
    const ids = Array.from({ length: voters + observers }, (_, index) => (index + 1) as PeerId)
    this.voters = ids.slice(0, voters)
    const members = Object.fromEntries(
      ids.map(id => [id, id <= voters ? addressOf(id) : { address: addressOf(id), role: 'observer' as const }]),
    )
    this.peers = new Map(ids.map(id => [id, this.#makePeer(id, members)]))
  }

  get traceHash(): string {
    return this.#hash.value
  }

  peer(id: PeerId): VirtualPeer {
    const peer = this.peers.get(id)
    invariant(peer !== undefined, `there is no peer ${id}`)
    return peer
  }

  /** Those whose peer runs. */
  get running(): VirtualPeer[] {
    return [...this.peers.values()].filter(each => each.host !== undefined)
  }

  /** Part of the trace: faults, and what clients see. */
  note(text: string): void {
    const now = this.timeline.now()
    this.#hash.add(`${now}${text}`)
    this.#options.trace?.(`${now.toFixed(3).padStart(11)}  ${text}`)
  }

  #arrived(from: PeerId, to: PeerId, bytes: Uint8Array): void {
    this.#hash.add(`${this.timeline.now()}${from}>${to}`)
    // The middle of a long one is told by its checksums, and costs too much here.
    const long = bytes.length > 2 * HASHED_BYTES
    this.#hash.addBytes(long ? bytes.subarray(0, HASHED_BYTES) : bytes)
    if (long) this.#hash.addBytes(bytes.subarray(-HASHED_BYTES))
    this.#options.trace?.(`${this.timeline.now().toFixed(3).padStart(11)}  ${from} > ${to} ${bytes.length} bytes`)
  }

  #makePeer(id: PeerId, members: NonNullable<PeerOptions['members']>): VirtualPeer {
    const { timeline, seed, diskMs, pace, peer = {}, own, protocol, logger, observer } = this.#options
    const random = new SeededRandom(seed, `disk ${id}`)
    const { logBytesKept, logEntriesKept, logAgeMsKept, logPinnedBytesMax, ...options } = peer
    const retention = { logBytesKept, logEntriesKept, logAgeMsKept, logPinnedBytesMax }
    const given = Object.entries(retention).filter(([, value]) => value !== undefined)
    const disk = new VirtualDisk({
      ...Object.fromEntries(given),
      ensemble: options.ensemble ?? 'vivarium',
      peer: id,
      timeline,
      random,
      latencyMs: () => draw(random, diskMs),
      done: what => this.note(`${id} ${what}`),
    })
    return new VirtualPeer(id, {
      timeline,
      network: this.network,
      disk,
      random: new SeededRandom(seed, `host ${id}`),
      pace: pace?.(id, new SeededRandom(seed, `clock ${id}`)) ?? {},
      options: { ...options, ...own?.(id), members },
      protocol,
      logger: logger?.(id),
      observer,
    })
  }
}

/** Zero stays zero: a world on real time has delays enough. */
function draw(random: SeededRandom, meanMs: number): number {
  return meanMs === 0 ? 0 : 0.05 + random.waiting(meanMs)
}
