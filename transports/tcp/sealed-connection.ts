/**
 * A connection between two peers that share a secret: first the exchange, then frames that each carry a seal.
 *
 * Always holds: no frame reaches the owner, and none of the owner's leaves, before the other side has proven the secret; the exchange
 * has 5 s in all; a frame that does not open ends the connection with PROTOCOL_ERROR, and nothing behind it is delivered. Back-pressure
 * and orderly ends are those of the link underneath.
 * Before: tcp-transport.ts hands over a fresh StreamLink. After: the owner, by `settled`. Source: invariants §5.2.
 */
import { ZooKeeperError } from '../../lib/model/errors.js'
import { invariant } from '../../lib/model/invariant.js'
import { encodeRefusal, refusalCodeOf } from '../../lib/transport/handshake.js'
import {
  type Connection,
  type ConnectionHandlers,
  FIRST_FRAME_BYTES_MAX,
  FRAME_BYTES_MAX,
} from '../../lib/transport/transport.js'
import { FrameSeal } from './frame-seal.js'
import { SecretExchange } from './secret-exchange.js'
import { otherRole, type Role, type SessionKeys, type SharedSecret } from './shared-secret.js'

const EXCHANGE_MS = 5_000

export interface SealedConnectionOptions {
  readonly secret: SharedSecret
  readonly role: Role
  /** For the whole exchange. @default 5000 */
  readonly exchangeMs?: number | undefined
  /**
   * Exactly once: the exchange is over, `error` says that it has failed; a failed connection is closed, or about to be. The owner
   * then starts the connection in the same turn, or leaves a failed one alone.
   */
  settled(connection: SealedConnection, error: ZooKeeperError | undefined): void
}

interface Seals {
  readonly out: FrameSeal
  readonly in: FrameSeal
}

export class SealedConnection implements Connection {
  readonly remote: string
  readonly #link: Connection
  readonly #options: SealedConnectionOptions
  readonly #exchange: SecretExchange
  readonly #deadline: NodeJS.Timeout
  #settled = false
  #seals: Seals | undefined
  #handlers: ConnectionHandlers | undefined
  #sentFirst = false
  /** The owner has ended it: then `closed` has no error. */
  #ended = false
  #error: ZooKeeperError | undefined
  #closedWith: { readonly error: Error | undefined } | undefined

  constructor(link: Connection, options: SealedConnectionOptions) {
    this.#link = link
    this.#options = options
    this.remote = link.remote
    this.#exchange = new SecretExchange(options.secret, options.role)
    const exchangeMs = options.exchangeMs ?? EXCHANGE_MS
    this.#deadline = setTimeout(() => {
      const message = `the shared secret was not proven within ${exchangeMs} ms`
      this.#error = new ZooKeeperError('HANDSHAKE_REFUSED', message)
      link.destroy()
      this.#settle(this.#error)
    }, exchangeMs)
    this.#deadline.unref()
    link.start({
      frame: bytes => (this.#seals === undefined ? this.#exchangeFrame(bytes) : this.#sealedFrame(bytes, this.#seals)),
      drained: () => this.#handlers?.drained(),
      closed: error => this.#onClosed(error),
    })
    const opening = this.#exchange.opening()
    if (opening !== undefined) link.send([opening])
  }

  start(handlers: ConnectionHandlers): void {
    invariant(this.#settled && this.#handlers === undefined, 'a connection is started once, after its exchange')
    this.#handlers = handlers
    if (this.#closedWith !== undefined) setImmediate(() => this.#tellClosed())
    else this.#link.resume()
  }

  get bufferedBytes(): number {
    return this.#link.bufferedBytes
  }

  send(parts: readonly Uint8Array[]): boolean {
    if (this.#seals === undefined || this.#ended || this.#error !== undefined) return true
    let length = 0
    for (let i = 0; i < parts.length; i++) length += parts[i]!.length
    invariant(length <= FRAME_BYTES_MAX, 'a frame is within FRAME_BYTES_MAX')
    if (!this.#sentFirst) {
      invariant(length <= FIRST_FRAME_BYTES_MAX, 'the first frame is within FIRST_FRAME_BYTES_MAX')
      this.#sentFirst = true
    }
    return this.#link.send([...parts, this.#seals.out.seal(parts, length)])
  }

  pause(): void {
    this.#link.pause()
  }

  resume(): void {
    this.#link.resume()
  }

  close(): void {
    this.#ended = true
    this.#link.close()
  }

  destroy(): void {
    this.#ended = true
    this.#link.destroy()
  }

  #exchangeFrame(bytes: Uint8Array): void {
    if (this.#settled) return
    try {
      const { reply, keys } = this.#exchange.take(bytes)
      if (reply !== undefined) this.#link.send([reply])
      if (keys !== undefined) this.#establish(keys)
    } catch (error) {
      if (!(error instanceof ZooKeeperError)) throw error
      this.#refuse(error)
    }
  }

  #establish(keys: SessionKeys): void {
    const { role } = this.#options
    this.#seals = { out: new FrameSeal(keys[role]), in: new FrameSeal(keys[otherRole(role)]) }
    this.#link.pause() // until the owner has started
    this.#settle(undefined)
  }

  #sealedFrame(bytes: Uint8Array, seals: Seals): void {
    const frame = seals.in.open(bytes)
    if (frame !== undefined) {
      this.#handlers?.frame(frame)
      return
    }
    this.#error = new ZooKeeperError(
      'PROTOCOL_ERROR',
      `a frame of ${this.remote} is not authentic: changed, repeated or out of its order`,
    )
    this.#link.destroy()
  }

  /** The other side is told why, where it may still be listening. */
  #refuse(error: ZooKeeperError): void {
    this.#error = error
    this.#link.send([encodeRefusal({ code: refusalCodeOf(error.code), reason: error.message })])
    this.#link.close()
    this.#settle(error)
  }

  #settle(error: ZooKeeperError | undefined): void {
    this.#settled = true
    clearTimeout(this.#deadline)
    this.#options.settled(this, error)
  }

  #onClosed(error: Error | undefined): void {
    this.#closedWith = { error: this.#ended ? undefined : (this.#error ?? error) }
    if (this.#settled) this.#tellClosed()
    else {
      const why = error?.message ?? 'this side closed the connection'
      const code = error instanceof ZooKeeperError ? error.code : 'TRANSPORT_FAILED'
      this.#error = new ZooKeeperError(code, `before the shared secret was proven: ${why}`, {
        cause: error,
      })
      this.#closedWith = { error: this.#error }
      this.#settle(this.#error)
    }
  }

  #tellClosed(): void {
    if (this.#closedWith === undefined) return
    this.#handlers?.closed(this.#closedWith.error)
  }
}
