/**
 * The network between the processes of a world: every peer gets a Transport of it, and whoever tests gets what can go wrong.
 *
 * Always holds: frames travel as bytes; what goes into a blocked direction waits, as TCP would have it, and so does a dial; a link may
 * outlive a partition, or be half-open after it; nothing is shared between processes. Chance comes from one seeded stream.
 * Before: virtual-ensemble.ts. After: wire.ts; the host's links dial and listen. The core's own depth has simulated-network.ts.
 */
import { ZooKeeperError } from '../../model/errors.js'
import type { PeerId } from '../../model/ids.js'
import type { Connection, Transport } from '../../transport/transport.js'
import type { SeededRandom } from '../seeded-random.js'
import type { Timeline } from './timeline.js'
import type { VirtualProcess } from './virtual-process.js'
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

interface Listener {
  readonly process: VirtualProcess
  readonly accept: (connection: Connection) => void
  readonly opened: (wire: Wire) => void
}

/** How long an end goes on without knowing that the other one's machine is gone, when it has nothing to say. */
const KEEPALIVE_MS = 4000
/** Until a dial that got no answer is tried again by the operating system. */
const REDIAL_MS = 500

const ADDRESS = /^memory:\/\/(\d{1,4})$/

export const addressOf = (peer: PeerId): string => `memory://${peer}`

export class VirtualNetwork {
  readonly #options: NetworkOptions
  readonly #listeners = new Map<PeerId, Listener>()
  /** The live ends, and which way their bytes go. */
  readonly #wires = new Map<Wire, { readonly from: PeerId; readonly to: PeerId }>()
  readonly #blocked = new Set<string>()
  readonly #ports: WireNetwork

  constructor(options: NetworkOptions) {
    this.#options = options
    const { timeline, random, delayMs, splitChance } = options
    const ways = new WeakMap<Wire, { readonly from: PeerId; readonly to: PeerId }>()
    this.#ports = {
      now: () => timeline.now(),
      delayMs,
      cut: bytes => (bytes > 1 && random.chance(splitChance) ? 1 + random.below(bytes - 1) : bytes),
      blocked: wire => {
        if (this.#blocked.size === 0) return false
        const way = this.#wires.get(wire) ?? ways.get(wire)
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

  heal(): void {
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

  /** The next frame from the one to the other does not arrive as it was sent. False when they have no connection. */
  damage(from: PeerId, to: PeerId): boolean {
    for (const [wire, way] of this.#wires) {
      if (way.from !== from || way.to !== to) continue
      wire.damageNext(this.#options.random)
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

interface TransportPorts {
  readonly timeline: Timeline
  readonly listen: (listener: Listener) => void
  readonly unlisten: () => void
  /** Returns how to give up. */
  readonly dial: (to: PeerId, opened: (wire: Wire) => void, failed: (error: ZooKeeperError) => void) => () => void
}

class VirtualTransport implements Transport {
  readonly address: string
  readonly #process: VirtualProcess
  readonly #ports: TransportPorts
  readonly #wires = new Set<Wire>()
  readonly #dials = new Set<(error: ZooKeeperError) => void>()
  #listening = false
  #closed = false

  constructor(peer: PeerId, process: VirtualProcess, ports: TransportPorts) {
    this.address = addressOf(peer)
    this.#process = process
    this.#ports = ports
  }

  understands(address: string): boolean {
    return ADDRESS.test(address)
  }

  async listen(accept: (connection: Connection) => void): Promise<void> {
    if (this.#closed) throw closedError()
    if (this.#listening) throw new ZooKeeperError('BAD_OPTIONS', 'this transport listens already')
    this.#ports.listen({ process: this.#process, accept, opened: wire => this.#opened(wire) })
    this.#listening = true
  }

  dial(address: string, { signal }: { readonly signal: AbortSignal }): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const aborted = () => new ZooKeeperError('ABORTED', `dialling ${address} was aborted`)
      if (signal.aborted) return reject(aborted())
      if (this.#closed) return reject(closedError())
      const settle = (): void => {
        this.#dials.delete(fail)
        signal.removeEventListener('abort', onAbort)
      }
      const fail = (error: ZooKeeperError): void => {
        giveUp()
        settle()
        reject(error)
      }
      const onAbort = (): void => fail(aborted())
      const giveUp = this.#ports.dial(
        Number(ADDRESS.exec(address)?.[1]) as PeerId,
        wire => {
          settle()
          this.#opened(wire)
          resolve(wire)
        },
        fail,
      )
      this.#dials.add(fail)
      signal.addEventListener('abort', onAbort)
    })
  }

  /** A connection counts as closed when its owner has been told so, or never wanted to hear of it. */
  async close(): Promise<void> {
    this.#closed = true
    if (this.#listening) this.#ports.unlisten()
    for (const fail of [...this.#dials]) fail(closedError())
    for (const wire of this.#wires) wire.close()
    this.#wires.clear()
    await new Promise<void>(resolve => this.#process.clock.afterLoop(resolve))
  }

  #opened(wire: Wire): void {
    for (const known of this.#wires) if (known.ended) this.#wires.delete(known)
    this.#wires.add(wire)
  }
}

function closedError(): ZooKeeperError {
  return new ZooKeeperError('TRANSPORT_FAILED', 'this transport is closed')
}

function key(from: PeerId, to: PeerId): string {
  return `${from}>${to}`
}
