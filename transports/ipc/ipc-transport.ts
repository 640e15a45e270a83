/**
 * Peers of one machine over Unix sockets, on Windows over named pipes. Who may connect is a matter of file modes: only processes
 * of the same user (socket-file.ts).
 * Before: the application. After: stream-sockets.ts, stream-link.ts.
 */
import { connect, createServer } from 'node:net'
import { ZooKeeperError } from '../../lib/model/errors.js'
import type { Connection, Transport } from '../../lib/transport/transport.js'
import { StreamSockets } from '../stream-sockets.js'
import { complaintAboutPath, formatIpcAddress, parseIpcAddress } from './ipc-address.js'
import { isOwnSocket, narrow, prepareDirectory, removeStale, withLock } from './socket-file.js'

export interface IpcOptions {
  /**
   * An absolute path, at most 107 bytes (103 outside Linux), in a directory that is 0700 and of this user; it is made if it does not
   * exist. On Windows a pipe: `\\.\pipe\name`.
   */
  readonly path: string
}

const onWindows = process.platform === 'win32'

/**
 * A transport within one machine. Members' addresses are `ipc:///path`.
 *
 * @example
 * const transport = ipc({ path: '/run/user/1000/zoo/1.sock' }) // its address: ipc:///run/user/1000/zoo/1.sock
 *
 * Throws BAD_OPTIONS. `listen` rejects with PORT_IN_USE when somebody answers at the path, with BAD_OPTIONS when what is there is no
 * dead socket of this user or the directory is open to others, with TRANSPORT_FAILED.
 */
export function ipc(options: IpcOptions): Transport {
  if (typeof options !== 'object' || options === null) {
    throw new ZooKeeperError('BAD_OPTIONS', "ipc() takes an object, e.g. { path: '/run/user/1000/zoo/1.sock' }")
  }
  const complaints = Object.keys(options)
    .filter(name => name !== 'path')
    .map(name => `unknown option '${name}'`)
  const complaint = complaintAboutPath(options.path)
  if (complaint !== undefined) complaints.push(complaint)
  if (complaints.length > 0) throw new ZooKeeperError('BAD_OPTIONS', `ipc(): ${complaints.join('; ')}`)
  return new IpcTransport(options.path)
}

class IpcTransport implements Transport {
  readonly address: string
  readonly #path: string
  readonly #sockets = new StreamSockets()

  constructor(path: string) {
    this.#path = path
    this.address = formatIpcAddress(path)
  }

  understands(address: string): boolean {
    return parseIpcAddress(address) !== undefined
  }

  async listen(accept: (connection: Connection) => void): Promise<void> {
    this.#sockets.reserve()
    try {
      if (onWindows) await this.#bind(accept)
      else {
        prepareDirectory(this.#path)
        await withLock(this.#path, async () => {
          await removeStale(this.#path)
          await this.#bind(accept)
          narrow(this.#path)
        })
      }
    } catch (error) {
      this.#sockets.release()
      throw error
    }
  }

  #bind(accept: (connection: Connection) => void): Promise<void> {
    const at = { path: this.#path, exclusive: true }
    return this.#sockets.listen({ server: createServer(), event: 'connection', at, address: this.address }, accept)
  }

  async dial(address: string, { signal }: { readonly signal: AbortSignal }): Promise<Connection> {
    const path = parseIpcAddress(address)
    if (path === undefined) {
      throw new ZooKeeperError('TRANSPORT_FAILED', `'${address}' is no address of this transport: ipc:///path`)
    }
    if (!onWindows && !signal.aborted && !isOwnSocket(path)) {
      throw new ZooKeeperError('TRANSPORT_FAILED', `cannot reach ${address}: there is no socket of this user`)
    }
    return this.#sockets.dial({ address, signal, event: 'connect', open: () => connect({ path }) })
  }

  close(): Promise<void> {
    return this.#sockets.close()
  }
}
