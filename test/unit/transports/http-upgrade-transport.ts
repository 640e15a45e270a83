/** The worked example of transports/README.md: peers that meet on an HTTP port, by `Upgrade`, as WebSockets do. */
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { ZooKeeperError } from '../../../lib/model/errors.js'
import type { Connection, Transport } from '../../../lib/transport/transport.js'
import { StreamLink } from '../../../transports/stream-link.js'

const closed = () => new ZooKeeperError('TRANSPORT_FAILED', 'this transport is closed')
const upgrade = { Connection: 'Upgrade', Upgrade: 'vivarium' }

export class HttpUpgradeTransport implements Transport {
  readonly #server = createServer((_request, response) => response.writeHead(426).end())
  readonly #links = new Set<StreamLink>()
  readonly #closing = new AbortController()
  #listening: 'not yet' | 'asked' | 'yes' = 'not yet'
  #port: number

  constructor(port: number) {
    this.#port = port
  }

  get address(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  understands(address: string): boolean {
    return URL.canParse(address) && address.startsWith('http://')
  }

  listen(accept: (connection: Connection) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#closing.signal.aborted) return reject(closed())
      if (this.#listening !== 'not yet') return reject(new ZooKeeperError('BAD_OPTIONS', 'listens already'))
      this.#listening = 'asked'
      this.#server.on('upgrade', (_request, socket, head) => {
        const lines = Object.entries(upgrade).map(([name, value]) => `${name}: ${value}\r\n`)
        socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('')}\r\n`)
        accept(this.#adopt(socket, head, 'a peer that dialled'))
      })
      this.#server.once('error', (cause: NodeJS.ErrnoException) => {
        this.#listening = 'not yet'
        reject(
          new ZooKeeperError(cause.code === 'EADDRINUSE' ? 'PORT_IN_USE' : 'TRANSPORT_FAILED', cause.message, {
            cause,
          }),
        )
      })
      this.#server.listen(this.#port, '127.0.0.1', () => {
        this.#listening = 'yes'
        this.#port = (this.#server.address() as AddressInfo).port
        resolve()
      })
    })
  }

  dial(address: string, { signal }: { readonly signal: AbortSignal }): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const failed = (cause: unknown) =>
        signal.aborted
          ? reject(new ZooKeeperError('ABORTED', `dialling ${address} was aborted`))
          : reject(new ZooKeeperError('TRANSPORT_FAILED', `cannot reach ${address}`, { cause }))
      const either = AbortSignal.any([signal, this.#closing.signal])
      if (either.aborted || !this.understands(address)) return failed(undefined)
      const dialling = request(address, { headers: upgrade, signal: either, agent: false })
      dialling.on('error', failed)
      dialling.on('response', response => {
        response.destroy()
        failed(undefined)
      })
      dialling.on('upgrade', (_response, socket, head) => {
        if (either.aborted) return socket.destroy()
        resolve(this.#adopt(socket, head, address))
      })
      dialling.end()
    })
  }

  async close(): Promise<void> {
    this.#closing.abort()
    for (const link of this.#links) link.close()
    const cut = setTimeout(() => {
      for (const link of this.#links) link.destroy()
    }, 1_000)
    if (this.#listening === 'yes') await new Promise(resolve => this.#server.close(resolve))
    while (this.#links.size > 0) await new Promise(resolve => setImmediate(resolve))
    clearTimeout(cut)
  }

  /** From here on the stream is a connection: frames, back-pressure, one write a turn and orderly ends are StreamLink's. */
  #adopt(socket: Duplex, head: Buffer, remote: string): StreamLink {
    if (head.length > 0) socket.unshift(head)
    const link = new StreamLink(socket, { remote, onClosed: () => this.#links.delete(link) })
    this.#links.add(link)
    return link
  }
}
