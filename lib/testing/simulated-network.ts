/**
 * The links between the peers of a simulated world.
 *
 * Always holds: of a pair the larger id dials; a link number never comes back; each end hears `linked`, then messages in the order sent, then
 * `unlinked`, and nothing after it; what is lost is always the rest of what was sent. The two ends begin and end at different times.
 * What goes into a blocked direction waits, as TCP would have it; a link may outlive a partition, or be half-open after it.
 * Mirrors host/links.ts and the transports.
 */
import type { Input } from '../core/input.js'
import type { PeerMessage } from '../core/zab/messages.js'
import type { LinkId, PeerId } from '../model/ids.js'
import type { ReplicaImage } from '../model/replica-image.js'
import type { SeededRandom } from './seeded-random.js'

/** A whole snapshot: the world does not cut it into chunks. */
export type Parcel = PeerMessage | { readonly kind: 'snapshotImage'; readonly image: ReplicaImage }

export interface NetworkOptions {
  readonly delayMs: () => number
  readonly redialMs: () => number
}

export interface NetworkPorts {
  readonly random: SeededRandom
  readonly now: () => number
  readonly after: (delayMs: number, run: () => void) => void
  /** Belongs to nobody alone from here on. */
  readonly handedOver: (message: PeerMessage) => PeerMessage
  readonly isUp: (peer: PeerId) => boolean
  readonly deliver: (peer: PeerId, input: Input) => void
  readonly deliverImage: (peer: PeerId, link: LinkId, image: ReplicaImage) => void
  readonly linkClosed: (peer: PeerId, link: LinkId) => void
}

interface End {
  readonly peer: PeerId
  readonly remote: PeerId
  readonly link: LinkId
  other: End
  state: 'pending' | 'open' | 'closed'
  /** Nothing arrives here until it is released. */
  clogged: boolean
  /** Reads one message in so many milliseconds, the next one not before then; 0 as they come. */
  readEveryMs: number
  readableAt: number
  incoming: { readonly due: number; readonly parcel: Parcel }[]
  lastDue: number
}

/** How long an end goes on without knowing that the other one is gone, when nothing tells it. */
const KEEPALIVE_MS = 4000
const PEERS_MAX = 256
const OPEN = { clogged: false, readEveryMs: 0, readableAt: 0 }

export class SimulatedNetwork {
  readonly #options: NetworkOptions
  readonly #ports: NetworkPorts
  readonly #peers: readonly PeerId[]
  readonly #ends = new Map<LinkId, End>()
  /** The end a peer uses towards another. */
  readonly #current = new Map<number, End>()
  readonly #dialling = new Set<number>()
  readonly #blocked = new Set<number>()
  /** Whether what comes next there has to wait, and all behind it with it; asked again after `release`. For scripts. */
  holds: (from: PeerId, to: PeerId, parcel: Parcel) => boolean = () => false
  #lastLink = 0
  #closed = false

  constructor(peers: readonly PeerId[], options: NetworkOptions, ports: NetworkPorts) {
    this.#peers = peers
    this.#options = options
    this.#ports = ports
  }

  // --- what the peers do

  started(peer: PeerId): void {
    for (const remote of this.#peers) {
      if (remote < peer) this.#dialLater(peer, remote)
      else if (remote > peer && this.#current.get(key(remote, peer)) === undefined) this.#dialLater(remote, peer)
    }
  }

  send(link: LinkId, parcel: Parcel): void {
    const end = this.#ends.get(link)
    if (end === undefined || end.state !== 'open') return
    const { other } = end
    if (other.state === 'closed') {
      // The answer to it is a reset.
      if (!this.#isBlocked(end)) this.#ports.after(this.#options.delayMs(), () => this.#close(end))
      return
    }
    const due = Math.max(other.lastDue, this.#ports.now() + this.#options.delayMs())
    other.lastDue = due
    other.incoming.push({ due, parcel: parcel.kind === 'snapshotImage' ? parcel : this.#ports.handedOver(parcel) })
    if (other.incoming.length === 1) this.#pumpAt(other, due)
  }

  /** From the core: this end is closed at once, the other hears of it after what is on its way, or does not get all of that. */
  disconnect(link: LinkId): void {
    const end = this.#ends.get(link)
    if (end === undefined) return
    this.#closeOther(end, this.#ports.random.chance(0.2))
    this.#close(end)
  }

  // --- faults

  /** Both ends lose it, each in its own time; what arrives later than that is lost. */
  reset(a: PeerId, b: PeerId, halfOpenMs: number): boolean {
    const end = this.#current.get(key(a, b))
    if (end === undefined || end.state !== 'open') return false
    this.#ports.after(this.#options.delayMs(), () => this.#close(end))
    this.#ports.after(this.#options.delayMs() + halfOpenMs, () => this.#close(end.other))
    return true
  }

  block(from: PeerId, to: PeerId): void {
    this.#blocked.add(key(from, to))
  }

  unblock(from: PeerId, to: PeerId): void {
    if (!this.#blocked.delete(key(from, to))) return
    for (const end of this.#ends.values()) if (end.peer === to && end.remote === from) this.#pump(end)
  }

  /** `holds` answers otherwise now. */
  release(): void {
    for (const end of [...this.#ends.values()]) this.#pump(end)
  }

  heal(): void {
    for (const blocked of [...this.#blocked]) {
      this.unblock(Math.floor(blocked / PEERS_MAX) as PeerId, (blocked % PEERS_MAX) as PeerId)
    }
  }

  /** What is said over their present link waits, in this direction, until it is released; undefined without a link. */
  clog(from: PeerId, to: PeerId): (() => void) | undefined {
    const end = this.#current.get(key(to, from))
    if (end?.state !== 'open' || end.clogged) return undefined
    end.clogged = true
    return () => {
      end.clogged = false
      this.#pump(end)
    }
  }

  /** Over their present link `to` reads no faster than that, until it is released; undefined without a link. */
  slowReader(from: PeerId, to: PeerId, everyMs: number): (() => void) | undefined {
    const end = this.#current.get(key(to, from))
    if (end?.state !== 'open' || end.readEveryMs > 0) return undefined
    end.readEveryMs = everyMs
    return () => {
      end.readEveryMs = 0
      end.readableAt = 0
      this.#pump(end)
    }
  }

  /** The process is gone; its operating system closes the links, unless the machine is gone too. */
  crashed(peer: PeerId, silently: boolean): void {
    for (const end of [...this.#ends.values()]) {
      if (end.peer !== peer) continue
      if (!silently) this.#closeOther(end, true)
      else this.#ports.after(this.#ports.random.between(0, KEEPALIVE_MS), () => this.#close(end.other))
      this.#forget(end)
      if (this.#current.get(key(end.peer, end.remote)) === end) this.#current.delete(key(end.peer, end.remote))
    }
  }

  /** The world ends: nothing is dialled any more. */
  close(): void {
    this.#closed = true
  }

  get liveLinks(): number {
    return this.#ends.size
  }

  // --- the life of a link

  #dialLater(dialler: PeerId, remote: PeerId): void {
    const name = key(dialler, remote)
    if (this.#closed || this.#dialling.has(name)) return
    this.#dialling.add(name)
    this.#ports.after(this.#options.redialMs(), () => {
      this.#dialling.delete(name)
      if (!this.#ports.isUp(dialler) || this.#current.get(name) !== undefined) return
      if (!this.#ports.isUp(remote) || this.#blocked.has(name) || this.#blocked.has(key(remote, dialler)))
        this.#dialLater(dialler, remote)
      else this.#connect(dialler, remote)
    })
  }

  #connect(dialler: PeerId, remote: PeerId): void {
    const end = this.#end(dialler, remote)
    const other = this.#end(remote, dialler)
    end.other = other
    other.other = end
    this.#current.set(key(dialler, remote), end)
    for (const each of [end, other]) this.#ports.after(this.#options.delayMs(), () => this.#open(each))
  }

  #end(peer: PeerId, remote: PeerId): End {
    this.#lastLink += 1
    const link = this.#lastLink as LinkId
    const end = { peer, remote, link, state: 'pending', ...OPEN, incoming: [], lastDue: 0 } as unknown as End
    this.#ends.set(link, end)
    return end
  }

  #open(end: End): void {
    if (end.state !== 'pending') return
    const name = key(end.peer, end.remote)
    const former = this.#current.get(name)
    if (former !== undefined && former !== end) this.#close(former)
    this.#current.set(name, end)
    if (end.state !== 'pending') return
    end.state = 'open'
    this.#ports.deliver(end.peer, { kind: 'linked', peer: end.remote, link: end.link })
    this.#pump(end)
  }

  #pumpAt(end: End, at: number): void {
    this.#ports.after(Math.max(0, at - this.#ports.now()), () => this.#pump(end))
  }

  #pump(end: End): void {
    while (end.state === 'open') {
      const next = end.incoming[0]
      if (next === undefined || end.clogged || this.#blocked.has(key(end.remote, end.peer))) return
      const due = Math.max(next.due, end.readableAt)
      if (due > this.#ports.now()) return this.#pumpAt(end, due)
      if (this.holds(end.remote, end.peer, next.parcel)) return
      end.incoming.shift()
      end.readableAt = end.readEveryMs === 0 ? 0 : due + end.readEveryMs
      const { parcel } = next
      if (parcel.kind === 'snapshotImage') this.#ports.deliverImage(end.peer, end.link, parcel.image)
      else this.#ports.deliver(end.peer, { kind: 'message', link: end.link, message: parcel })
    }
  }

  /** The other end will find out: after what it has still to receive, or without it. */
  #closeOther({ other }: End, abruptly: boolean): void {
    const { now, after } = this.#ports
    const wait = abruptly ? this.#options.delayMs() : Math.max(other.lastDue - now(), 0) + this.#options.delayMs()
    const patience = now() + KEEPALIVE_MS
    const attempt = (): void => {
      if (other.state === 'closed') return
      const unheard =
        other.clogged || this.#blocked.has(key(other.remote, other.peer)) || (!abruptly && other.state === 'pending')
      if (unheard && now() < patience) after(this.#options.redialMs(), attempt)
      else this.#close(other)
    }
    after(wait, attempt)
  }

  #close(end: End): void {
    if (end.state === 'closed') return
    const opened = end.state === 'open'
    this.#forget(end)
    const name = key(end.peer, end.remote)
    if (this.#current.get(name) === end) this.#current.delete(name)
    this.#ports.linkClosed(end.peer, end.link)
    if (opened) this.#ports.deliver(end.peer, { kind: 'unlinked', peer: end.remote, link: end.link })
    if (end.peer > end.remote) this.#dialLater(end.peer, end.remote)
  }

  #forget(end: End): void {
    end.state = 'closed'
    end.incoming = []
    this.#ends.delete(end.link)
  }

  #isBlocked(end: End): boolean {
    return this.#blocked.has(key(end.peer, end.remote))
  }
}

/** A direction, as a number: it is looked up with every message. */
function key(from: PeerId, to: PeerId): number {
  return from * PEERS_MAX + to
}
