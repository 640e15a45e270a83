/**
 * Where ZooKeeper's own clients connect: a TCP port that speaks their protocol. It accepts whom admission.ts lets in, looks now and then for what takes
 * too long, and closes; what is said on a connection is client-connection.ts.
 *
 * Always holds: past a limit a newcomer is closed and nobody else notices; after `close()` there is no listener, no connection and no timer.
 * Before: host (a door of the peer). After: admission.ts, client-connection.ts. Semantics §5, §18.
 */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import type { Channel, ClientClock } from '../../client/channel.js'
import { ZooKeeperError } from '../../model/errors.js'
import { Admission } from './admission.js'
import { ClientConnection } from './client-connection.js'
import type { ClientPortLimits } from './client-port-limits.js'
import { ConnectionTokens } from './connection-tokens.js'
import { answerWord } from './four-letter-words.js'
import { LargeRequests } from './large-requests.js'
import { Refusals, type Warn } from './refusals.js'
import { RequestThrottle } from './request-throttle.js'
import type { ServerLists, ServerReport } from './server-report.js'
import { SharedLimits } from './shared-limits.js'
import { Traffic } from './traffic.js'

export interface ClientPortOptions extends ClientPortLimits {
  readonly host: string
  /** 0 for a free one. */
  readonly port: number
  readonly listenBacklog: number
  readonly keepAlive: boolean
  /** Four-letter words that are answered; '*' for all. */
  readonly fourLetterWords: readonly string[]
}

export interface ClientPortPorts {
  readonly options: ClientPortOptions
  readonly clock: ClientClock & { wall(): number }
  /** The way in for whoever connects from this address. */
  channel(address: string): Channel
  report(): ServerReport
  readonly lists: ServerLists
  /** Uniformly from [0, 1). */
  chance(): number
  /** Whether new sessions are known to this peer only. */
  readonly localSessions: boolean
  /** What an operator should hear. */
  readonly warn: Warn
}

const SWEEP_MS = 500

export class ClientPort {
  readonly #ports: ClientPortPorts
  readonly #server: Server
  readonly #shared: SharedLimits
  readonly #throttle: RequestThrottle
  readonly #tokens: ConnectionTokens
  readonly #large: LargeRequests
  readonly #traffic = new Traffic()
  readonly #connections = new Set<ClientConnection>()
  readonly #refusals: Refusals
  readonly #admission: Admission
  #cancelSweep: (() => void) | undefined
  #closing: Promise<void> | undefined

  constructor(ports: ClientPortPorts) {
    this.#ports = ports
    const { options, clock } = ports
    this.#shared = new SharedLimits(options)
    this.#throttle = new RequestThrottle(options, clock)
    this.#tokens = new ConnectionTokens(options, () => clock.now(), ports.chance)
    this.#large = new LargeRequests(options)
    this.#refusals = new Refusals(() => clock.now(), ports.warn)
    this.#admission = new Admission(options, clock.now(), this.#refusals.add)
    this.#server = createServer({ allowHalfOpen: false, pauseOnConnect: false, keepAlive: options.keepAlive })
    this.#server.on('connection', socket => this.#accept(socket))
  }

  /** @throws PORT_IN_USE, TRANSPORT_FAILED */
  async open(): Promise<void> {
    const { host, port, listenBacklog: backlog } = this.#ports.options
    await new Promise<void>((resolve, reject) => {
      const refused = (cause: Error & { readonly code?: string }): void => {
        const code = cause.code === 'EADDRINUSE' ? 'PORT_IN_USE' : 'TRANSPORT_FAILED'
        reject(new ZooKeeperError(code, `clientPort ${host}:${port}: ${cause.message}`, { cause }))
      }
      this.#server.once('error', refused)
      this.#server.listen({ host, port, backlog }, () => {
        this.#server.off('error', refused)
        // One connection that could not be accepted (no descriptor left) is that client's misfortune.
        this.#server.on('error', () => {})
        resolve()
      })
    })
  }

  /** Where it listens, the port that was free included. */
  get address(): { readonly host: string; readonly port: number } | undefined {
    const address = this.#server.address() as AddressInfo | null
    return address === null ? undefined : { host: address.address, port: address.port }
  }

  /** Idempotent; resolves when nothing is left. */
  close(): Promise<void> {
    this.#closing ??= new Promise(resolve => {
      this.#cancelSweep?.()
      this.#cancelSweep = undefined
      this.#server.close(() => resolve())
      for (const connection of this.#connections) connection.giveUp()
      this.#throttle.close()
    })
    return this.#closing
  }

  #accept(socket: Socket): void {
    const address = plainAddress(socket.remoteAddress)
    const now = this.#ports.clock.now()
    this.#cancelSweep ??= this.#ports.clock.schedule(SWEEP_MS, this.#sweep)
    if (this.#closing !== undefined || address === '' || !this.#admission.admits(address, now)) {
      socket.on('error', () => {})
      socket.destroy()
      return
    }
    const connection = new ClientConnection(socket, {
      limits: this.#ports.options,
      shared: this.#shared,
      throttle: this.#throttle,
      tokens: this.#tokens,
      large: this.#large,
      localSessions: this.#ports.localSessions,
      clock: this.#ports.clock,
      traffic: this.#traffic,
      channel: this.#ports.channel(address),
      serves: () => this.#ports.report().mode !== undefined,
      readOnly: () => this.#ports.report().mode === 'read-only',
      word: word => this.#word(word),
      refused: why => this.#refusals.add(why, address),
      welcomed: known => this.#admission.knows(known),
      closed: left => this.#left(left, address),
    })
    this.#connections.add(connection)
    this.#admission.enter(connection, address, now)
  }

  #left(connection: ClientConnection, address: string): void {
    if (this.#connections.delete(connection)) this.#admission.leave(connection, address)
  }

  readonly #sweep = (): void => {
    this.#cancelSweep = undefined
    const now = this.#ports.clock.now()
    for (const connection of this.#connections) connection.sweep(now)
    if (this.#admission.sweep(now)) this.#cancelSweep = this.#ports.clock.schedule(SWEEP_MS, this.#sweep)
  }

  #word(word: string): string | Promise<string> | undefined {
    const { options, clock, lists } = this.#ports
    const offset = clock.wall() - clock.now()
    return answerWord(word, {
      allowed: options.fourLetterWords,
      traffic: this.#traffic,
      refused: this.#refusals.count,
      port: this.address?.port ?? options.port,
      dropChance: this.#tokens.dropChance,
      report: () => this.#ports.report(),
      lists,
      connections: () => this.#connections,
      outstanding: this.#shared.outstanding,
      wallOf: monotonic => Math.round(monotonic + offset),
    })
  }
}

/** An IPv4 client of a socket that listens for both is an IPv4 client. */
function plainAddress(address = ''): string {
  return address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address
}
