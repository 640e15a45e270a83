/**
 * Peers within one process: for trying out, for tests, for `:memory:` ensembles.
 *
 * Always holds: nothing is shared with other networks; what leaves is copied; events come in later turns, as from a socket.
 * Before: memory-network.ts. After: memory-link.ts.
 */
import { ZooKeeperError } from '../../lib/model/errors.js'
import type { Connection, Transport } from '../../lib/transport/transport.js'
import { MemoryLink } from './memory-link.js'
import type { MemoryListener, MemoryNetwork } from './memory-network.js'

const SCHEME = 'memory://'
const NAME_LENGTH_MAX = 100

export interface MemoryOptions {
  /** Made by `memoryNetwork()`; peers find only those of the same network. */
  readonly network: MemoryNetwork
  /** This peer's name there; its address is `memory://name`. 1 … 100 characters. */
  readonly name: string
}

/**
 * @example
 * const network = memoryNetwork()
 * const transport = memory({ network, name: 'one' }) // its address: memory://one
 *
 * Throws BAD_OPTIONS. `listen` rejects with PORT_IN_USE when the name is taken.
 */
export function memory(options: MemoryOptions): Transport {
  if (typeof options !== 'object' || options === null) {
    throw new ZooKeeperError('BAD_OPTIONS', "memory() takes an object, e.g. { network: memoryNetwork(), name: 'one' }")
  }
  const complaints: string[] = []
  const { network, name } = options
  for (const key of Object.keys(options))
    if (key !== 'network' && key !== 'name') complaints.push(`unknown option '${key}'`)
  if (!(network?.listeners instanceof Map)) complaints.push('network must come from memoryNetwork()')
  if (typeof name !== 'string' || name === '' || name.length > NAME_LENGTH_MAX) {
    complaints.push(`name must be a text of 1 … ${NAME_LENGTH_MAX} characters`)
  }
  if (complaints.length > 0) throw new ZooKeeperError('BAD_OPTIONS', `memory(): ${complaints.join('; ')}`)
  return new MemoryTransport(network, name)
}

class MemoryTransport implements Transport {
  readonly address: string
  readonly #network: MemoryNetwork
  readonly #name: string
  readonly #links = new Set<MemoryLink>()
  readonly #dials = new Set<(error: Error) => void>()
  #listening = false
  #closing: Promise<void> | undefined
  #dialled = 0

  constructor(network: MemoryNetwork, name: string) {
    this.#network = network
    this.#name = name
    this.address = `${SCHEME}${name}`
  }

  understands(address: string): boolean {
    return address.startsWith(SCHEME) && address.length > SCHEME.length
  }

  async listen(accept: (connection: Connection) => void): Promise<void> {
    if (this.#closing !== undefined) throw closedError()
    if (this.#listening) throw new ZooKeeperError('BAD_OPTIONS', 'this transport listens already')
    const { listeners } = this.#network
    if (listeners.has(this.#name)) throw new ZooKeeperError('PORT_IN_USE', `${this.address} is taken in this network`)
    this.#listening = true
    listeners.set(this.#name, {
      accept: link => {
        this.#links.add(link)
        accept(link)
      },
      forget: link => this.#forget(link),
    })
  }

  dial(address: string, { signal }: { readonly signal: AbortSignal }): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const aborted = () => new ZooKeeperError('ABORTED', `dialling ${address} was aborted`)
      if (signal.aborted) return reject(aborted())
      if (this.#closing !== undefined) return reject(closedError())
      const settle = () => {
        clearImmediate(turn)
        this.#dials.delete(fail)
        signal.removeEventListener('abort', onAbort)
      }
      const fail = (error: Error) => {
        settle()
        reject(error)
      }
      const onAbort = () => fail(aborted())
      const turn = setImmediate(() => {
        settle()
        const listener = this.#listenerAt(address)
        if (listener === undefined) {
          reject(new ZooKeeperError('TRANSPORT_FAILED', `cannot reach ${address}: nobody listens there`))
          return
        }
        resolve(this.#connect(address, listener))
      })
      this.#dials.add(fail)
      signal.addEventListener('abort', onAbort)
    })
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    if (this.#listening) this.#network.listeners.delete(this.#name)
    for (const fail of [...this.#dials]) fail(closedError())
    for (const link of this.#links) link.close()
    await new Promise<void>(resolve => {
      this.#onEmpty = resolve
      if (this.#links.size === 0) resolve()
    })
  }
  #onEmpty: (() => void) | undefined

  #listenerAt(address: string): MemoryListener | undefined {
    return address.startsWith(SCHEME) ? this.#network.listeners.get(address.slice(SCHEME.length)) : undefined
  }

  #connect(address: string, listener: MemoryListener): MemoryLink {
    const [own, other] = MemoryLink.pair(
      [address, `${this.address}#${++this.#dialled}`],
      [link => this.#forget(link), link => listener.forget(link)],
    )
    this.#links.add(own)
    listener.accept(other)
    return own
  }

  #forget(link: MemoryLink): void {
    this.#links.delete(link)
    if (this.#links.size === 0) this.#onEmpty?.()
  }
}

function closedError(): ZooKeeperError {
  return new ZooKeeperError('TRANSPORT_FAILED', 'this transport is closed')
}
