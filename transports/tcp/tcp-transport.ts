/**
 * Peers over TCP, with mutual TLS or a shared secret outside a trusted network.
 *
 * Always holds: both directions are secured by one function each from one set of options (etcd GHSA-3wh4-j44w-pg92: two listeners
 * that differed); a TLS handshake has 5 s; no algorithm of Nagle; idle connections are probed.
 * Before: tcp-options.ts. After: stream-sockets.ts, stream-link.ts.
 */
import { type AddressInfo, connect, createServer, isIP, type Server, type Socket } from 'node:net'
import {
  createSecureContext,
  createServer as createTlsServer,
  type SecureContext,
  TLSSocket,
  connect as tlsConnect,
} from 'node:tls'
import { ZooKeeperError } from '../../lib/model/errors.js'
import type { Connection, Transport } from '../../lib/transport/transport.js'
import { StreamSockets } from '../stream-sockets.js'
import { SEAL_BYTES } from './frame-seal.js'
import { resolveHost } from './resolve-host.js'
import { SealedConnection } from './sealed-connection.js'
import { EXCHANGE_FRAMES } from './secret-exchange.js'
import type { SharedSecret } from './shared-secret.js'
import { formatTcpAddress, parseTcpAddress } from './tcp-address.js'
import { type ResolvedTcpOptions, resolveTcpOptions, type TcpOptions, type TlsOptions } from './tcp-options.js'
import { namesOf, provesOneOf } from './tls-identity.js'

/**
 * Two followers have nothing to say to each other for hours: only this tells one of them that the other's machine has gone down and come back,
 * and cannot dial by itself.
 */
const KEEP_ALIVE = { keepAlive: true, keepAliveInitialDelay: 10_000 } as const
const TLS_HANDSHAKE_MS = 5_000
/** The exchange comes before the owners' first frame, and the seal on top of each. */
const SEALED = { greetingFrames: EXCHANGE_FRAMES + 1, overheadBytes: SEAL_BYTES } as const

/**
 * A transport over TCP. Members' addresses are `tcp://host:port`; IPv6 literals stand in brackets.
 *
 * @example
 * const transport = tcp({ port: 2888 })                                            // loopback
 * const transport = tcp({ port: 2888, host: '10.0.0.1', tls: { key, cert, ca } })  // elsewhere: mutual TLS
 * const transport = tcp({ port: 2888, host: '10.0.0.1', secret })                 // or a secret: authentic, but readable on the way
 *
 * Throws BAD_OPTIONS with all complaints. `listen` rejects with PORT_IN_USE or TRANSPORT_FAILED, `dial` with TRANSPORT_FAILED,
 * HANDSHAKE_REFUSED (the secret was not proven to this side, or by it) or ABORTED.
 */
export function tcp(options: TcpOptions): Transport {
  return new TcpTransport(resolveTcpOptions(options))
}

class TcpTransport implements Transport {
  readonly #options: ResolvedTcpOptions
  readonly #context: SecureContext | undefined
  readonly #sockets: StreamSockets
  readonly #closing = new AbortController()
  #port: number

  constructor(options: ResolvedTcpOptions) {
    this.#options = options
    this.#port = options.port
    this.#sockets = new StreamSockets(options.secret === undefined ? {} : SEALED)
    this.#context = secureContext(options)
  }

  get address(): string {
    return this.#options.advertise ?? formatTcpAddress(this.#options.host, this.#port)
  }

  understands(address: string): boolean {
    return parseTcpAddress(address) !== undefined
  }

  async listen(accept: (connection: Connection) => void): Promise<void> {
    this.#sockets.reserve()
    const { host, port, tls, secret } = this.#options
    try {
      const [address] = await resolveHost(host)
      const server = this.#createServer()
      await this.#sockets.listen(
        {
          server,
          event: tls === undefined ? 'connection' : 'secureConnection',
          at: { host: address, port, exclusive: true },
          address: this.address,
          ...(tls === undefined ? {} : { identify: (socket: Socket) => identify(socket, tls.names) }),
        },
        secret === undefined ? accept : connection => this.#demand(connection, secret, accept),
      )
      this.#port = (server.address() as AddressInfo).port
    } catch (error) {
      this.#sockets.release()
      throw error
    }
  }

  async dial(address: string, { signal }: { readonly signal: AbortSignal }): Promise<Connection> {
    const target = parseTcpAddress(address)
    if (target === undefined) {
      throw new ZooKeeperError('TRANSPORT_FAILED', `'${address}' is no address of this transport: tcp://host:port`)
    }
    const { host, port } = target
    const { tls, secret } = this.#options
    let failure: unknown
    for (const ip of await this.#resolve(host, signal)) {
      try {
        const link = await this.#sockets.dial({
          address,
          signal,
          event: tls === undefined ? 'connect' : 'secureConnect',
          open: () => this.#open(ip, port, host),
          ...(tls === undefined ? {} : { identify: (socket: Socket) => identify(socket, tls.names ?? [host]) }),
        })
        return secret === undefined ? link : await this.#prove(link, secret, address, signal)
      } catch (error) {
        failure = error
        if (signal.aborted || this.#sockets.closed) break
      }
    }
    throw failure
  }

  /**
   * Whoever does not prove the secret is handed over closed, with the reason and without a frame: so it is known whom this peer refuses.
   */
  #demand(link: Connection, secret: SharedSecret, accept: (connection: Connection) => void): void {
    new SealedConnection(link, {
      secret,
      role: 'acceptor',
      settled: connection => {
        if (this.#sockets.closed) connection.destroy()
        else accept(connection)
      },
    })
  }

  #prove(link: Connection, secret: SharedSecret, address: string, signal: AbortSignal): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        link.destroy()
        settle()
        reject(new ZooKeeperError('ABORTED', `dialling ${address} was aborted`))
      }
      const settle = () => signal.removeEventListener('abort', onAbort)
      if (signal.aborted) return onAbort()
      signal.addEventListener('abort', onAbort)
      new SealedConnection(link, {
        secret,
        role: 'dialler',
        settled: (connection, error) => {
          settle()
          if (error === undefined) resolve(connection)
          else reject(new ZooKeeperError(error.code, `cannot reach ${address}: ${error.message}`, { cause: error }))
        },
      })
    })
  }

  /** A resolution under way ends with the transport, too. */
  async #resolve(host: string, signal: AbortSignal): Promise<readonly string[]> {
    if (isIP(host) !== 0) return [host]
    try {
      return await resolveHost(host, AbortSignal.any([signal, this.#closing.signal]))
    } catch (error) {
      if (!signal.aborted && this.#sockets.closed) {
        throw new ZooKeeperError('TRANSPORT_FAILED', 'this transport is closed', { cause: error })
      }
      throw error
    }
  }

  close(): Promise<void> {
    this.#closing.abort()
    return this.#sockets.close()
  }

  #createServer(): Server {
    const { tls } = this.#options
    if (tls === undefined) return createServer({ noDelay: true, ...KEEP_ALIVE })
    const server = createTlsServer({
      ...credentials(tls),
      requestCert: true,
      rejectUnauthorized: true,
      handshakeTimeout: TLS_HANDSHAKE_MS,
    })
    server.on('connection', (socket: Socket) => {
      socket.setNoDelay(true)
      socket.setKeepAlive(true, KEEP_ALIVE.keepAliveInitialDelay)
    })
    server.on('tlsClientError', (_error: Error, socket: TLSSocket) => socket.destroy())
    return server
  }

  #open(ip: string, port: number, host: string): Socket {
    if (this.#context === undefined) return connect({ host: ip, port, noDelay: true, ...KEEP_ALIVE })
    const socket = tlsConnect({
      host: ip,
      port,
      secureContext: this.#context,
      rejectUnauthorized: true,
      // Server Name Indication carries DNS names only.
      ...(isIP(host) === 0 ? { servername: host } : {}),
      // The name is judged once the chain is verified, by the same function as on the accepting side.
      checkServerIdentity: () => undefined,
    })
    socket.setNoDelay(true)
    socket.setKeepAlive(true, KEEP_ALIVE.keepAliveInitialDelay)
    const deadline = setTimeout(() => {
      socket.destroy(new Error('the TLS handshake took too long'))
    }, TLS_HANDSHAKE_MS)
    const settled = () => clearTimeout(deadline)
    socket.once('secureConnect', settled)
    socket.once('close', settled)
    return socket
  }
}

/** The names a verified certificate proves; undefined (refuse) when it is not verified or none of them is accepted. */
function identify(socket: Socket, accepted: readonly string[] | undefined): readonly string[] | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined
  const proven = namesOf(socket.getPeerCertificate())
  if (accepted !== undefined && !provesOneOf(proven, accepted)) return undefined
  return proven
}

function secureContext({ tls }: ResolvedTcpOptions): SecureContext | undefined {
  if (tls === undefined) return undefined
  try {
    return createSecureContext(credentials(tls))
  } catch (cause) {
    // The cause names what OpenSSL disliked, never the key itself.
    throw new ZooKeeperError('BAD_OPTIONS', `tcp(): tls: ${(cause as Error).message}`, { cause })
  }
}

function credentials(tls: TlsOptions) {
  return { key: asPem(tls.key), cert: asPem(tls.cert), ca: asPem(tls.ca), minVersion: 'TLSv1.2' } as const
}

function asPem(value: string | Uint8Array): string | Buffer {
  return typeof value === 'string' ? value : Buffer.from(value)
}
