/**
 * The one live link this peer has with each other member: dialled, shaken hands over, watched, dialled again.
 *
 * Always holds: of a pair the peer with the LARGER id dials; at most one live link per peer; `linked` comes after both handshakes
 * and `unlinked` exactly once after it, with no message of that link behind it; a link number never comes back. A new connection
 * of the same incarnation replaces the old link (its other end has seen the old one die); another incarnation is refused while the
 * old link lives (DUPLICATE_PEER). Snapshot chunks go to the store, never to the core.
 * Before: transport. After: inputs linked, message, unlinked.
 */
import { decodeMessage } from '../codec/message-codec.js'
import type { PeerMessage } from '../core/zab/messages.js'
import type { Member } from '../model/ensemble-config.js'
import type { ErrorCode } from '../model/errors.js'
import type { LinkId, PeerId } from '../model/ids.js'
import { decodeRefusal, isRefusal } from '../transport/handshake.js'
import type { Connection, ConnectionHandlers } from '../transport/transport.js'
import { Dialer } from './dialer.js'
import { Link } from './link.js'
import { type Complaint, LinkHandshake } from './link-handshake.js'
import type { Logger } from './logger.js'
import type { ResolvedPeerOptions } from './peer-options.js'

export interface LinksPorts {
  readonly options: Pick<
    ResolvedPeerOptions,
    'id' | 'ensemble' | 'config' | 'transport' | 'clock' | 'random' | 'linkQueueBytesMax'
  >
  readonly incarnation: string
  readonly logger: Logger
  readonly linked: (peer: PeerId, link: LinkId, protocol: number) => void
  readonly unlinked: (peer: PeerId, link: LinkId) => void
  readonly message: (link: LinkId, message: PeerMessage) => void
  readonly snapshots: {
    readonly begin: (link: LinkId) => void
    readonly chunk: (link: LinkId, bytes: Uint8Array) => boolean
    readonly end: (link: LinkId) => boolean
  }
  /** What `state` shows has changed. */
  readonly changed: () => void
}

/** What an operator may know of the way to one peer. */
export interface LinkState {
  readonly peer: PeerId
  readonly connected: boolean
  /** Why there is no link, or why the last attempt failed. */
  readonly trouble: string | undefined
}

/** Another member as seen from here. */
interface Neighbour {
  readonly member: Member
  /** Undefined for a peer that dials this one. */
  readonly dialer: Dialer | undefined
  link: Link | undefined
  trouble: string | undefined
}

export class Links {
  readonly #ports: LinksPorts
  readonly #neighbours = new Map<PeerId, Neighbour>()
  readonly #links = new Map<LinkId, Link>()
  readonly #handshakes = new Set<LinkHandshake>()
  #lastLink = 0
  #paused = false
  #lastRefused: ErrorCode | undefined
  #closed = false

  constructor(ports: LinksPorts) {
    this.#ports = ports
    const { config, id } = ports.options
    for (const member of config.members) {
      if (member.id === id) continue
      const dialer = member.id < id ? this.#makeDialer(member) : undefined
      this.#neighbours.set(member.id, { member, dialer, link: undefined, trouble: undefined })
    }
  }

  get state(): readonly LinkState[] {
    return [...this.#neighbours.values()].map(({ member, link, trouble }) => ({
      peer: member.id,
      connected: link !== undefined,
      trouble: link === undefined ? trouble : undefined,
    }))
  }

  async start(): Promise<void> {
    const { transport } = this.#ports.options
    if (transport === undefined) return
    await transport.listen(connection => this.#shakeHands(connection, undefined))
    for (const { dialer } of this.#neighbours.values()) dialer?.dialLater()
  }

  /** From the core: to a link that is gone it goes nowhere. */
  send(link: LinkId, message: PeerMessage): void {
    this.stream(link, message)
  }

  /** The same for a stream, which has to mind the answer: false means wait for `drained`. */
  stream(id: LinkId, message: PeerMessage): boolean {
    const link = this.#links.get(id)
    if (link === undefined) return true
    const roomLeft = link.send(message)
    if (link.overfull) this.#drop(link, 'its send queue is full', 'destroy')
    return roomLeft
  }

  drained(link: LinkId): Promise<void> {
    return this.#links.get(link)?.drained() ?? Promise.resolve()
  }

  disconnect(id: LinkId, reason: string): void {
    const link = this.#links.get(id)
    if (link !== undefined) this.#drop(link, reason, 'close')
  }

  pause(link: LinkId): void {
    this.#links.get(link)?.pause('snapshot')
  }

  resume(link: LinkId): void {
    this.#links.get(link)?.resume('snapshot')
  }

  /** All links at once, while the peer itself cannot keep up. */
  setPaused(paused: boolean): void {
    if (paused === this.#paused) return
    this.#paused = paused
    for (const link of this.#links.values()) {
      if (paused) link.pause('congestion')
      else link.resume('congestion')
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const { dialer } of this.#neighbours.values()) dialer?.close()
    for (const handshake of [...this.#handshakes]) handshake.abandon()
    for (const link of [...this.#links.values()]) this.#drop(link, 'this peer closes', 'close')
    await this.#ports.options.transport?.close()
  }

  #makeDialer({ id, address }: Member): Dialer {
    return new Dialer({
      ...this.#ports.options,
      address,
      connected: connection => this.#shakeHands(connection, this.#neighbours.get(id)!),
      failed: reason => this.#trouble(this.#neighbours.get(id)!, reason, 'debug'),
    })
  }

  /** `dialled` is undefined for a connection that came in. */
  #shakeHands(connection: Connection, dialled: Neighbour | undefined): void {
    if (this.#closed) {
      connection.start({ frame() {}, closed() {}, drained() {} })
      connection.destroy()
      return
    }
    const { options, incarnation } = this.#ports
    const handshake: LinkHandshake = new LinkHandshake(connection, {
      options,
      incarnation,
      dialled: dialled?.member.id,
      admit: (peer, theirs) => this.#admit(peer, theirs, dialled !== undefined),
      established: (peer, theirs, protocol) => {
        this.#handshakes.delete(handshake)
        return this.#establish(connection, this.#neighbours.get(peer)!, theirs, protocol)
      },
      failed: (peer, complaint) => {
        this.#handshakes.delete(handshake)
        if (this.#closed) return
        const neighbour = dialled ?? (peer === undefined ? undefined : this.#neighbours.get(peer))
        // Whoever dials in has another port each time, and is told of once all the same.
        const where = dialled === undefined ? '' : ` (${connection.remote})`
        const what = `${complaint.code}: ${complaint.message}${where}`
        if (neighbour !== undefined) this.#trouble(neighbour, what, 'warn', connection.remote)
        else this.#strangerRefused(connection.remote, complaint)
        dialled?.dialer?.dialLater()
      },
    })
    this.#handshakes.add(handshake)
    handshake.start()
  }

  /** A warning the first time only: strangers must not be able to fill the log. */
  #strangerRefused(remote: string, { code, message }: Complaint): void {
    const level = code === this.#lastRefused ? 'debug' : 'warn'
    this.#lastRefused = code
    this.#ports.logger[level]('a connection was refused', { remote, why: `${code}: ${message}` })
  }

  /** What speaks against a link with this peer, now that both sides agree on the ensemble. */
  #admit(peer: PeerId, incarnation: string, dialledByUs: boolean): Complaint | undefined {
    const { id } = this.#ports.options
    if (peer === id) return { code: 'DUPLICATE_PEER', message: `peer ${id} is here already` }
    const neighbour = this.#neighbours.get(peer)
    if (neighbour === undefined) return { code: 'MEMBERS_MISMATCH', message: `peer ${peer} is not a member here` }
    if (!dialledByUs && peer < id) {
      return { code: 'HANDSHAKE_REFUSED', message: `peer ${id} dials peer ${peer}, not the other way round` }
    }
    if (neighbour.link !== undefined && neighbour.link.incarnation !== incarnation) {
      return { code: 'DUPLICATE_PEER', message: `another peer ${peer}, with other data, is connected to peer ${id}` }
    }
    return undefined
  }

  #establish(connection: Connection, neighbour: Neighbour, incarnation: string, protocol: number): ConnectionHandlers {
    const { clock, linkQueueBytesMax } = this.#ports.options
    if (neighbour.link !== undefined) this.#drop(neighbour.link, 'replaced by a newer connection', 'destroy')
    this.#lastLink++
    const link = new Link(connection, {
      id: this.#lastLink as LinkId,
      peer: neighbour.member.id,
      incarnation,
      protocol,
      openedAt: clock.now(),
      queueBytesMax: linkQueueBytesMax,
    })
    neighbour.link = link
    neighbour.trouble = undefined
    this.#links.set(link.id, link)
    if (this.#paused) link.pause('congestion')
    this.#ports.logger.info('linked', { to: link.peer, remote: link.remote })
    this.#ports.linked(link.peer, link.id, protocol)
    this.#ports.changed()
    return {
      frame: bytes => this.#frame(link, bytes),
      drained: () => link.onDrained(),
      closed: error => this.#drop(link, error?.message ?? 'the other side closed it', 'destroy'),
    }
  }

  #frame(link: Link, bytes: Uint8Array): void {
    if (!link.open) return
    let message: PeerMessage
    try {
      message = decodeMessage(bytes)
    } catch (error) {
      // The other side may still refuse after this one has agreed.
      const reason = isRefusal(bytes) ? refusalIn(bytes) : error instanceof Error ? error.message : String(error)
      this.#drop(link, reason, 'destroy')
      return
    }
    switch (message.kind) {
      case 'snapshotChunk':
        if (!this.#ports.snapshots.chunk(link.id, message.bytes))
          this.#drop(link, 'a snapshot chunk out of place', 'destroy')
        return
      case 'snapshotEnd':
        if (!this.#ports.snapshots.end(link.id)) this.#drop(link, 'a snapshot end out of place', 'destroy')
        return
      case 'snapshotBegin':
        this.#ports.snapshots.begin(link.id)
        break
    }
    this.#ports.message(link.id, message)
  }

  /** The only way a link ends. */
  #drop(link: Link, reason: string, how: 'close' | 'destroy'): void {
    if (!link.open) return
    link.onClosed()
    this.#links.delete(link.id)
    if (how === 'close') link.close()
    else link.destroy()
    const neighbour = this.#neighbours.get(link.peer)!
    neighbour.link = undefined
    this.#trouble(neighbour, reason, 'info')
    this.#ports.unlinked(link.peer, link.id)
    neighbour.dialer?.linkEnded(this.#ports.options.clock.now() - link.openedAt)
  }

  /** Told once for as long as it stays the same: a peer that is down is dialled for hours. */
  #trouble(neighbour: Neighbour, trouble: string, level: 'debug' | 'info' | 'warn', remote?: string): void {
    if (neighbour.trouble === trouble) return
    neighbour.trouble = trouble
    this.#ports.logger[level]('no link', {
      to: neighbour.member.id,
      why: trouble,
      ...(remote !== undefined && { remote }),
    })
    this.#ports.changed()
  }
}

function refusalIn(frame: Uint8Array): string {
  try {
    const { code, reason } = decodeRefusal(frame)
    return `${code}: refused by the other side: ${reason}`
  } catch (error) {
    return String(error)
  }
}
