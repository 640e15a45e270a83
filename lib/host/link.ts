/**
 * One established connection to a peer, from the handshake's end to its close. Messages become frames here and nowhere else.
 *
 * Always holds: nothing is sent after close; a queue past its limit closes the link (the peer catches up later, R2, L4); the
 * connection is paused while anyone has a reason to.
 * Before: links.ts makes it. After: transport.
 */
import { encodeMessage } from '../codec/message-codec.js'
import type { PeerMessage } from '../core/zab/messages.js'
import type { LinkId, PeerId } from '../model/ids.js'
import type { Connection } from '../transport/transport.js'

export interface LinkOptions {
  readonly id: LinkId
  readonly peer: PeerId
  readonly incarnation: string
  readonly protocol: number
  readonly openedAt: number
  readonly queueBytesMax: number
}

export type PauseReason = 'congestion' | 'snapshot'

export class Link {
  readonly id: LinkId
  readonly peer: PeerId
  readonly incarnation: string
  readonly openedAt: number
  readonly #connection: Connection
  readonly #protocol: number
  readonly #queueBytesMax: number
  readonly #pauses = new Set<PauseReason>()
  #drained: (() => void)[] = []
  #open = true

  constructor(connection: Connection, { id, peer, incarnation, protocol, openedAt, queueBytesMax }: LinkOptions) {
    this.#connection = connection
    this.id = id
    this.peer = peer
    this.incarnation = incarnation
    this.openedAt = openedAt
    this.#protocol = protocol
    this.#queueBytesMax = queueBytesMax
  }

  get remote(): string {
    return this.#connection.remote
  }

  get open(): boolean {
    return this.#open
  }

  /** False when a stream had better wait for `drained`. */
  send(message: PeerMessage): boolean {
    if (!this.#open) return true
    return this.#connection.send(encodeMessage(message, this.#protocol))
  }

  get overfull(): boolean {
    return this.#connection.bufferedBytes > this.#queueBytesMax
  }

  /** Resolves when the send buffer has emptied enough, or the link has closed. */
  drained(): Promise<void> {
    if (!this.#open) return Promise.resolve()
    return new Promise(resolve => this.#drained.push(resolve))
  }

  onDrained(): void {
    const waiting = this.#drained
    this.#drained = []
    for (const resolve of waiting) resolve()
  }

  pause(reason: PauseReason): void {
    if (!this.#open) return
    if (this.#pauses.size === 0) this.#connection.pause()
    this.#pauses.add(reason)
  }

  resume(reason: PauseReason): void {
    if (this.#pauses.delete(reason) && this.#pauses.size === 0 && this.#open) this.#connection.resume()
  }

  /** What was sent still leaves. The connection's `closed` follows. */
  close(): void {
    this.#connection.close()
  }

  destroy(): void {
    this.#connection.destroy()
  }

  onClosed(): void {
    this.#open = false
    this.onDrained()
  }
}
