/**
 * One member of a world of real peers: a machine with its disk, and at most one process on it that runs a peer as applications do: host,
 * core, codec, links, local clients. Starts, crashes, stands still, starts again.
 *
 * Always holds: a process has a life of its own (clock, transport, store), and after its end nothing of it reaches disk or network;
 * what lasts is the disk. Its clients go with it: they are told CLOSED, as nobody else could be.
 * Before: virtual-ensemble.ts. After: host/open-peer.ts.
 */
import type { Channel } from '../../client/channel.js'
import { type Client, openClient } from '../../client/client.js'
import type { ClientOptions } from '../../client/client-options.js'
import type { Effect } from '../../core/effect.js'
import type { Input, Now } from '../../core/input.js'
import { PeerCore } from '../../core/peer.js'
import type { ProtocolOptions } from '../../core/protocol-options.js'
import type { Random } from '../../core/random.js'
import type { Logger } from '../../host/logger.js'
import { type CoreInitial, openHost } from '../../host/open-peer.js'
import { OpenedPeer } from '../../host/peer.js'
import type { PeerHost, SteppedCore } from '../../host/peer-host.js'
import { type PeerOptions, resolvePeerOptions } from '../../host/peer-options.js'
import type { PoolProbe } from '../../host/pool-probe.js'
import { ZooKeeperError } from '../../model/errors.js'
import type { PeerId } from '../../model/ids.js'
import type { Timeline } from './timeline.js'
import type { VirtualDisk } from './virtual-disk.js'
import type { VirtualNetwork } from './virtual-network.js'
import { type Pace, VirtualProcess } from './virtual-process.js'

export interface VirtualPeerPorts {
  readonly timeline: Timeline
  readonly network: VirtualNetwork
  readonly disk: VirtualDisk
  readonly random: Random
  readonly pace: Pace
  readonly options: Pick<PeerOptions, 'members' | 'ensemble'> & Partial<PeerOptions>
  /** Instead of what no option changes. */
  readonly protocol?: Partial<ProtocolOptions> | undefined
  readonly logger?: Logger | undefined
  readonly observer?: PeerObserver | undefined
}

/** Whoever watches the cores of a world. Must change nothing. */
export interface PeerObserver {
  /** A core begins with what its disk has kept. */
  started?(peer: PeerId, initial: CoreInitial): void
  stepped?(peer: PeerId, core: SteppedCore, input: Input, now: Now, effects: readonly Effect[]): void
}

/** No pool: nobody waits for it. */
const noPool: PoolProbe = { ask: done => done(), loopBusyMs: () => 0, threads: 1 }

export class VirtualPeer {
  readonly id: PeerId
  readonly disk: VirtualDisk
  /** How often its process was started. */
  lives = 0
  readonly #ports: VirtualPeerPorts
  #process: VirtualProcess | undefined
  #host: PeerHost | undefined
  #opened: OpenedPeer | undefined

  constructor(id: PeerId, ports: VirtualPeerPorts) {
    this.id = id
    this.disk = ports.disk
    this.#ports = ports
  }

  /** While its process lives. */
  get process(): VirtualProcess | undefined {
    return this.#process?.alive ? this.#process : undefined
  }
  /** While the peer runs; not while it is still opening. */
  get host(): PeerHost | undefined {
    return this.#host?.lifecycle.ended ? undefined : this.#host
  }
  get opened(): OpenedPeer | undefined {
    return this.host === undefined ? undefined : this.#opened
  }

  /** Rejects as Peer.open does, or with CLOSED when it crashes meanwhile. Needs time to pass. */
  async start(): Promise<OpenedPeer> {
    if (this.#host?.lifecycle.ended) this.crash(false)
    if (this.process !== undefined) throw new ZooKeeperError('BAD_ARGUMENTS', `peer ${this.id} is up already`)
    const { timeline, network, pace, random, options, protocol, logger, observer } = this.#ports
    const process = new VirtualProcess(timeline, pace)
    this.#process = process
    this.lives += 1
    const storage = this.disk.storage(process)
    const resolved = resolvePeerOptions({
      ...options,
      id: this.id,
      storage,
      transport: network.transport(this.id, process),
      clock: process.clock,
      random,
      ...(logger === undefined ? {} : { logger }),
    })
    try {
      const host = await openHost({ ...resolved, poolProbe: noPool }, storage, (initial, now) => {
        const core = new PeerCore({ ...initial, options: { ...initial.options, ...protocol } }, now)
        observer?.started?.(this.id, initial)
        return observer?.stepped === undefined ? core : watched(core, this.id, observer)
      })
      if (!process.alive) {
        host.abandon()
        throw new ZooKeeperError('CLOSED', `peer ${this.id} has crashed`)
      }
      this.#host = host
      this.#opened = new OpenedPeer(host, resolved)
      return this.#opened
    } catch (error) {
      if (process.alive) this.crash(false)
      throw error
    }
  }

  /** Its process lives, but the peer has closed or failed. */
  get ended(): boolean {
    return this.process !== undefined && this.#host?.lifecycle.ended === true
  }

  /** As `peer.client`, for whoever is not of its process: while that stands still, nothing passes in. */
  client<T>(options: ClientOptions<T>): Promise<Client<T>> {
    const { process, host } = this
    const refusal = host?.lifecycle.refusal()
    if (refusal !== undefined) throw refusal
    if (process === undefined || process.paused || host === undefined)
      throw new ZooKeeperError(
        'BAD_ARGUMENTS',
        `peer ${this.id} does not run${process?.paused ? ': it is paused' : ''}`,
      )
    const channel = host.channels.channel({ identities: options?.identities })
    return openClient(gated(channel, process), options, this.#ports.random)
  }

  /** @param silently its machine goes with it: nobody is told. */
  crash(silently: boolean): void {
    const process = this.process
    if (process === undefined) return
    process.kill()
    this.#ports.network.crashed(process, silently)
    this.disk.crash()
    this.#host?.abandon()
    this.#host = undefined
    this.#opened = undefined
  }

  /** Gracefully; afterwards the process is over. */
  async close(): Promise<void> {
    const process = this.process
    try {
      await this.#opened?.close()
    } finally {
      if (this.#process === process) this.crash(false)
    }
  }
}

/** What is asked of a process that stands still reaches it when it goes on. Its answers wait by themselves: it makes none. */
function gated(channel: Channel, process: VirtualProcess): Channel {
  return {
    ...channel,
    attach(options, receiver) {
      const attachment = channel.attach(options, receiver)
      return {
        send: (cxid, request) => process.enter(() => attachment.send(cxid, request)),
        detach: () => attachment.detach(),
      }
    },
  }
}

function watched(core: PeerCore, peer: PeerId, observer: PeerObserver): SteppedCore {
  return {
    step(input, now) {
      const effects = core.step(input, now)
      observer.stepped?.(peer, core, input, now, effects)
      return effects
    },
    get status() {
      return core.status
    },
    get replica() {
      return core.replica
    },
    get counts() {
      return core.counts
    },
    get leadership() {
      return core.leadership
    },
    watched: () => core.watched(),
    get marks() {
      return core.marks
    },
  }
}
