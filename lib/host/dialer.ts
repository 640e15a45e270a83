/**
 * Dials one peer whenever there is no link with it: at once the first time, then as redial.ts says.
 *
 * Always holds: one attempt or one pause at a time; an attempt ends within DIAL_MS_MAX; after close() neither timer nor attempt is left.
 * Before: links.ts, of the larger id of a pair. After: transport; the connection goes to the handshake.
 */
import { invariant } from '../model/invariant.js'
import type { Connection } from '../transport/transport.js'
import type { ResolvedPeerOptions } from './peer-options.js'
import { Redial } from './redial.js'

export interface DialerPorts extends Pick<ResolvedPeerOptions, 'clock' | 'random' | 'transport'> {
  readonly address: string
  /** In the turn in which the connection was handed out. */
  readonly connected: (connection: Connection) => void
  /** The next attempt is on its way already. */
  readonly failed: (reason: string) => void
}

const DIAL_MS_MAX = 5000

export class Dialer {
  readonly #ports: DialerPorts
  readonly #redial: Redial
  /** Of the pause or the attempt under way. */
  #cancel: (() => void) | undefined
  #closed = false

  constructor(ports: DialerPorts) {
    this.#ports = ports
    this.#redial = new Redial(ports.random)
  }

  dialLater(): void {
    if (this.#closed || this.#cancel !== undefined) return
    this.#cancel = this.#ports.clock.schedule(this.#redial.next(), () => this.#dial())
  }

  /** The link that came of it is gone, after so long. */
  linkEnded(livedMs: number): void {
    this.#redial.ended(livedMs)
    this.dialLater()
  }

  close(): void {
    this.#closed = true
    this.#cancel?.()
    this.#cancel = undefined
  }

  #dial(): void {
    const { clock, transport, address } = this.#ports
    invariant(transport !== undefined, 'only a peer with a transport dials')
    const abort = new AbortController()
    const cancelDeadline = clock.schedule(DIAL_MS_MAX, () => abort.abort())
    this.#cancel = () => {
      cancelDeadline()
      abort.abort()
    }
    const settled = (): void => {
      cancelDeadline()
      this.#cancel = undefined
    }
    transport.dial(address, { signal: abort.signal }).then(
      connection => {
        settled()
        this.#ports.connected(connection)
      },
      (error: unknown) => {
        settled()
        if (this.#closed) return
        this.dialLater()
        this.#ports.failed(error instanceof Error ? error.message : String(error))
      },
    )
  }
}
