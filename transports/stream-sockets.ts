/**
 * All sockets of one stream transport: its listener, its dials under way, its links; so that `close` leaves nothing behind.
 *
 * Always holds: at most 100 accepted connections that have not yet said anything (invariants §5.3, connection flood); every
 * dial settles; after `close` has resolved no socket, listener or timer is left.
 * Before: tcp/ and ipc/ make sockets. After: stream-link.ts.
 */
import type { ListenOptions, Server, Socket } from 'node:net'
import { ZooKeeperError } from '../lib/model/errors.js'
import type { Connection } from '../lib/transport/transport.js'
import { StreamLink, type StreamLinkOptions } from './stream-link.js'

const STRANGERS_MAX = 100
const CONNECTIONS_MAX = 10_000
/** How long `close` waits for the other sides before it cuts. */
const CLOSE_MS = 1_000

export interface Listening {
  readonly server: Server
  /** The event that hands out sockets fit for frames. */
  readonly event: 'connection' | 'secureConnection'
  readonly at: ListenOptions
  /** For errors: the address listened at. */
  readonly address: string
  /** The proven names of an accepted socket; undefined refuses it. Absent: nothing is proven, nothing refused. */
  identify?(socket: Socket): readonly string[] | undefined
}

export interface Dialing {
  readonly address: string
  readonly event: 'connect' | 'secureConnect'
  readonly signal: AbortSignal
  open(): Socket
  identify?(socket: Socket): readonly string[] | undefined
}

/** For transports that say or add something of their own before and around the owners' frames. */
export type Framing = Pick<StreamLinkOptions, 'greetingFrames' | 'overheadBytes'>

export class StreamSockets {
  readonly #framing: Framing
  #server: Server | undefined
  #closing: Promise<void> | undefined
  #accepted = 0
  readonly #links = new Set<StreamLink>()
  readonly #dials = new Set<(error: Error) => void>()
  /** Accepted sockets that have not sent a frame to the owner yet. */
  readonly #strangers = new Map<string, Socket>()

  constructor(framing: Framing = {}) {
    this.#framing = framing
  }

  /** Takes the one place for a listener at once, so that a second `listen` is refused even while the first is under way. */
  reserve(): void {
    if (this.#closing !== undefined) throw new ZooKeeperError('TRANSPORT_FAILED', 'this transport is closed')
    if (this.#listens) throw new ZooKeeperError('BAD_OPTIONS', 'this transport listens already')
    this.#listens = true
  }
  #listens = false

  /** Gives the place back after a failed attempt. */
  release(): void {
    this.#listens = false
  }

  get closed(): boolean {
    return this.#closing !== undefined
  }

  listen(listening: Listening, accept: (connection: Connection) => void): Promise<void> {
    const { server, event, at, address } = listening
    if (this.closed) return Promise.reject(new ZooKeeperError('TRANSPORT_FAILED', 'this transport is closed'))
    this.#server = server
    server.maxConnections = CONNECTIONS_MAX
    // On the raw socket: a TLS handshake that is never finished counts as a stranger too.
    server.prependListener('connection', (socket: Socket) => this.#greet(socket))
    server.on(event, (socket: Socket) => {
      const identity = listening.identify?.(socket)
      if (socket.destroyed || this.closed || (listening.identify !== undefined && identity === undefined)) {
        socket.destroy()
        return
      }
      accept(this.#adopt(socket, remoteOf(socket) ?? `${address}#${++this.#accepted}`, identity))
    })
    return new Promise((resolve, reject) => {
      const failed = (error: NodeJS.ErrnoException) => {
        this.#server = undefined
        const code = error.code === 'EADDRINUSE' ? 'PORT_IN_USE' : 'TRANSPORT_FAILED'
        reject(new ZooKeeperError(code, `cannot listen at ${address}: ${error.message}`, { cause: error }))
      }
      server.once('error', failed)
      server.once('close', () => reject(new ZooKeeperError('TRANSPORT_FAILED', 'this transport is closed')))
      server.listen(at, () => {
        server.off('error', failed)
        // Failing to accept one connection (no file descriptor left) is that connection's misfortune only.
        server.on('error', () => undefined)
        resolve()
      })
    })
  }

  dial(dialing: Dialing): Promise<StreamLink> {
    const { address, event, signal } = dialing
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(new ZooKeeperError('ABORTED', `dialling ${address} was aborted`))
      if (this.closed) return reject(new ZooKeeperError('TRANSPORT_FAILED', 'this transport is closed'))
      const socket = dialing.open()
      const settle = () => {
        this.#dials.delete(fail)
        signal.removeEventListener('abort', onAbort)
        socket.off('error', onError)
        socket.off('close', onClose)
        socket.off(event, onReady)
      }
      const fail = (error: Error) => {
        settle()
        socket.on('error', () => undefined) // destroy may still report one; the dial has already been answered
        socket.destroy()
        reject(error)
      }
      const onAbort = () => fail(new ZooKeeperError('ABORTED', `dialling ${address} was aborted`))
      const onError = (cause: Error) =>
        fail(new ZooKeeperError('TRANSPORT_FAILED', `cannot reach ${address}: ${cause.message}`, { cause }))
      const onClose = () => fail(new ZooKeeperError('TRANSPORT_FAILED', `cannot reach ${address}: it closed at once`))
      const onReady = () => {
        const identity = dialing.identify?.(socket)
        if (dialing.identify !== undefined && identity === undefined) {
          fail(new ZooKeeperError('TRANSPORT_FAILED', `${address} has not proven a name that is accepted`))
          return
        }
        settle()
        resolve(this.#adopt(socket, remoteOf(socket) ?? address, identity))
      }
      this.#dials.add(fail)
      signal.addEventListener('abort', onAbort)
      socket.on('error', onError)
      socket.on('close', onClose)
      socket.on(event, onReady)
    })
  }

  /** Idempotent: every call gets the same promise. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const server = this.#server
    const unbound = new Promise<void>(resolve => {
      if (server === undefined) resolve()
      else server.close(() => resolve())
    })
    for (const fail of [...this.#dials]) fail(new ZooKeeperError('TRANSPORT_FAILED', 'this transport is closed'))
    for (const socket of this.#strangers.values()) socket.destroy()
    for (const link of this.#links) link.close()
    const cut = setTimeout(() => {
      for (const link of this.#links) link.destroy()
    }, CLOSE_MS)
    await Promise.all([unbound, this.#allClosed()])
    clearTimeout(cut)
  }

  #allClosed(): Promise<void> {
    return new Promise(resolve => {
      this.#onEmpty = resolve
      if (this.#links.size === 0) resolve()
    })
  }
  #onEmpty: (() => void) | undefined

  #greet(socket: Socket): void {
    if (this.#strangers.size >= STRANGERS_MAX) {
      socket.destroy()
      return
    }
    const key = remoteOf(socket) ?? `${++this.#strangerNumber}`
    this.#strangers.set(key, socket)
    this.#keys.set(socket, key)
    socket.once('close', () => this.#strangers.delete(key))
  }
  #strangerNumber = 0
  readonly #keys = new WeakMap<Socket, string>()

  #adopt(socket: Socket, remote: string, identity: readonly string[] | undefined): StreamLink {
    const key = this.#keys.get(socket) ?? remote
    const link = new StreamLink(socket, {
      ...this.#framing,
      remote,
      identity,
      onFirstFrame: () => this.#strangers.delete(key),
      onClosed: closed => {
        this.#strangers.delete(key)
        this.#links.delete(closed)
        if (this.#links.size === 0) this.#onEmpty?.()
      },
    })
    this.#links.add(link)
    return link
  }
}

function remoteOf(socket: Socket): string | undefined {
  const { remoteAddress, remotePort } = socket
  if (remoteAddress === undefined || remotePort === undefined) return undefined
  return remoteAddress.includes(':') ? `[${remoteAddress}]:${remotePort}` : `${remoteAddress}:${remotePort}`
}
