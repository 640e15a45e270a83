/**
 * The network between the processes of a world: every peer gets a Transport of it, and whoever tests gets what can go wrong.
 *
 * Always holds: frames travel as bytes; what goes into a blocked direction waits, as TCP would have it, and so does a dial; a link may
 * outlive a partition, or be half-open after it; nothing is shared between processes. Chance comes from one seeded stream.
 * Before: virtual-ensemble.ts. After: wire.ts; the host's links dial and listen. The core's own depth has simulated-network.ts.
 */
import { ZooKeeperError } from '../../model/errors.js'
import type { PeerId } from '../../model/ids.js'
import type { Transport } from '../../transport/transport.js'
import type { SeededRandom } from '../seeded-random.js'
import { cutFrame, flippedFrame } from './frame-bytes.js'
import type { Timeline } from './timeline.js'
import type { VirtualProcess } from './virtual-process.js'
import { addressOf, type Listener, VirtualTransport } from './virtual-transport.js'
import { Wire } from './wire.js'
import type { WireNetwork } from './wire-network.js'

export interface NetworkOptions {
  readonly timeline: Timeline
  readonly random: SeededRandom
  /** One way, drawn anew for everything that travels. */
  readonly delayMs: () => number
  /** How often bytes that were sent together arrive in pieces. */
  readonly splitChance: number
  /** For the trace. */
  readonly arrived: (from: PeerId, to: PeerId, bytes: Uint8Array) => void
}

/** What a direction lets pass: so many bytes, then nothing for so long. */
export interface Narrowness {
  readonly bytes: number
  readonly everyMs: number
}

/** How long an end goes on without knowing that the other one's machine is gone, when it has nothing to say. */
const KEEPALIVE_MS = 4000
/** Until a dial that got no answer is tried again by the operating system. */
const REDIAL_MS = 500

export class VirtualNetwork {
  readonly #options: NetworkOptions
  readonly #listeners = new Map<PeerId, Listener>()
  /** The live ends, and which way their bytes go. */
  readonly #wires = new Map<Wire, { readonly from: PeerId; readonly to: PeerId }>()
  readonly #blocked = new Set<string>()
  readonly #narrow = new Map<string, Narrowness>()
  readonly #ports: WireNetwork

  constructor(options: NetworkOptions) {
    this.#options = options
    const { timeline, random, delayMs, splitChance } = options
    const ways = new WeakMap<Wire, { readonly from: PeerId; readonly to: PeerId }>()
    const wayOf = (wire: Wire) => this.#wires.get(wire) ?? ways.get(wire)
    const narrowness = (wire: Wire): Narrowness | undefined => {
      if (this.#narrow.size === 0) return undefined
      const way = wayOf(wire)
      return way && this.#narrow.get(key(way.from, way.to))
    }
    this.#ports = {
      now: () => timeline.now(),
      delayMs,
      cut: (wire, bytes) => {
        const most = Math.min(bytes, narrowness(wire)?.bytes ?? bytes)
        return most > 1 && random.chance(splitChance) ? 1 + random.below(most - 1) : most
      },
      restMs: wire => narrowness(wire)?.everyMs ?? delayMs(),
      blocked: wire => {
        if (this.#blocked.size === 0) return false
        const way = wayOf(wire)
        return way !== undefined && this.#blocked.has(key(way.from, way.to))
      },
      after: (ms, callback) => void timeline.after(ms, callback),
      arrived: (wire, bytes) => {
        const way = this.#wires.get(wire)
        if (way !== undefined) options.arrived(way.to, way.from, bytes)
      },
      ended: wire => {
        const way = this.#wires.get(wire)
        // What it has sent still travels the same way.
        if (way !== undefined) ways.set(wire, way)
        this.#wires.delete(wire)
      },
    }
  }

  /** What a peer of this world reaches the others by; made anew for each of its lives. */
  transport(peer: PeerId, process: VirtualProcess): Transport {
    return new VirtualTransport(peer, process, {
      timeline: this.#options.timeline,
      listen: listener => {
        if (this.#listeners.get(peer)?.process.alive)
          throw new ZooKeeperError('PORT_IN_USE', `${addressOf(peer)} is taken`)
        this.#listeners.set(peer, listener)
      },
      unlisten: () => {
        if (this.#listeners.get(peer)?.process === process) this.#listeners.delete(peer)
      },
      dial: (to, opened, failed) => this.#dial(peer, process, to, opened, failed),
    })
  }

  // --- what goes wrong

  /** Nothing gets from the one to the other. */
  block(from: PeerId, to: PeerId): void {
    this.#blocked.add(key(from, to))
  }

  unblock(from: PeerId, to: PeerId): void {
    if (!this.#blocked.delete(key(from, to))) return
    for (const [wire, way] of [...this.#wires]) {
      if (way.from === from && way.to === to) wire.unblocked()
      // An end that is closed already may still have something under way.
      else if (way.from === to && way.to === from) wire.other.unblocked()
    }
  }

  /** What goes from the one to the other gets through bit by bit, until `widen`. */
  narrow(from: PeerId, to: PeerId, narrowness: Narrowness): void {
    this.#narrow.set(key(from, to), narrowness)
  }

  widen(from: PeerId, to: PeerId): void {
    this.#narrow.delete(key(from, to))
  }

  heal(): void {
    this.#narrow.clear()
    for (const blocked of [...this.#blocked]) {
      const [from, to] = blocked.split('>').map(Number) as [PeerId, PeerId]
      this.unblock(from, to)
    }
  }

  /** The connections between two peers break; each end learns of it in its own time. False when there is none. */
  reset(a: PeerId, b: PeerId, halfOpenMs: number): boolean {
    const { timeline, delayMs } = this.#options
    const ends = [...this.#wires].filter(([, { from, to }]) => from === a && to === b).map(([wire]) => wire)
    for (const wire of ends) {
      const error = new ZooKeeperError('TRANSPORT_FAILED', `the connection with ${wire.remote} was reset`)
      timeline.after(delayMs(), () => wire.process.enter(() => wire.lose(error)))
      const { other } = wire
      timeline.after(delayMs() + halfOpenMs, () => other.process.enter(() => other.lose(error)))
    }
    return ends.length > 0
  }

  /** The next frame from the one to the other loses its end, or its length is told wrong. False when they have no connection. */
  damage(from: PeerId, to: PeerId, how: 'cut' | 'flipped' = 'cut'): boolean {
    const { random } = this.#options
    for (const [wire, way] of this.#wires) {
      if (way.from !== from || way.to !== to) continue
      wire.damageNext(frame => (how === 'cut' ? cutFrame(frame, random) : flippedFrame(frame, random)))
      return true
    }
    return false
  }

  /** Its process is gone. Its operating system closes the connections, unless the machine is gone too. */
  crashed(process: VirtualProcess, silently: boolean): void {
    const { timeline, random } = this.#options
    for (const [peer, listener] of [...this.#listeners]) if (listener.process === process) this.#listeners.delete(peer)
    for (const wire of [...this.#wires.keys()]) {
      if (wire.process !== process) continue
      wire.vanish(silently)
      if (!silently) continue
      const { other } = wire
      const error = new ZooKeeperError('TRANSPORT_FAILED', `${other.remote} does not answer`)
      timeline.after(random.between(0, KEEPALIVE_MS), () => other.process.enter(() => other.lose(error)))
    }
  }

  /** Ends of connections that are up. */
  get liveEnds(): number {
    return this.#wires.size
  }

  // --- how a connection comes about

  #dial(
    peer: PeerId,
    process: VirtualProcess,
    to: PeerId,
    opened: (wire: Wire) => void,
    failed: (error: ZooKeeperError) => void,
  ): () => void {
    const { timeline, delayMs } = this.#options
    let cancelled = false
    const attempt = (): void => {
      if (cancelled || !process.alive) return
      if (this.#blocked.has(key(peer, to)) || this.#blocked.has(key(to, peer))) {
        timeline.after(REDIAL_MS, attempt)
        return
      }
      const listener = this.#listeners.get(to)
      if (listener === undefined || !listener.process.alive) {
        const address = addressOf(to)
        process.enter(
          () => cancelled || failed(new ZooKeeperError('TRANSPORT_FAILED', `cannot reach ${address}: nobody listens`)),
        )
        return
      }
      const [own, other] = Wire.pair(
        this.#ports,
        { remote: addressOf(to), process },
        { remote: `${addressOf(peer)}#`, process: listener.process },
      )
      this.#wires.set(own, { from: peer, to })
      this.#wires.set(other, { from: to, to: peer })
      listener.process.enter(() => {
        listener.opened(other)
        listener.accept(other)
      })
      timeline.after(delayMs(), () =>
        process.enter(() => {
          if (cancelled) own.destroy()
          else opened(own)
        }),
      )
    }
    timeline.after(delayMs(), attempt)
    return () => {
      cancelled = true
    }
  }
}

function key(from: PeerId, to: PeerId): string {
  return `${from}>${to}`
}
