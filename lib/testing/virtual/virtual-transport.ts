/**
 * The Transport that one life of a process has of the simulated network (virtual-network.ts): listens, dials, and lets go of its connections.
 * Before: virtual-peer.ts hands it to a host. After: wire.ts.
 */
import { ZooKeeperError } from '../../model/errors.js'
import type { PeerId } from '../../model/ids.js'
import type { Connection, Transport } from '../../transport/transport.js'
import type { Timeline } from './timeline.js'
import type { VirtualProcess } from './virtual-process.js'
import type { Wire } from './wire.js'

export interface Listener {
  readonly process: VirtualProcess
  readonly accept: (connection: Connection) => void
  readonly opened: (wire: Wire) => void
}

const ADDRESS = /^memory:\/\/(\d{1,4})$/

export const addressOf = (peer: PeerId): string => `memory://${peer}`

export interface TransportPorts {
  readonly timeline: Timeline
  readonly listen: (listener: Listener) => void
  readonly unlisten: () => void
  /** Returns how to give up. */
  readonly dial: (to: PeerId, opened: (wire: Wire) => void, failed: (error: ZooKeeperError) => void) => () => void
}

export class VirtualTransport implements Transport {
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
