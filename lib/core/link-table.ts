/** The live links of this peer: at most one per member. A link that the core has given up is forgotten at once. */
import type { LinkId, PeerId } from '../model/ids.js'
import { PROTOCOL_HIGHEST } from '../model/peer-protocol.js'

export class LinkTable {
  readonly #byPeer = new Map<PeerId, LinkId>()
  readonly #byLink = new Map<LinkId, PeerId>()

  /** Only those below the highest. */
  readonly #olderProtocols = new Map<LinkId, number>()

  add(peer: PeerId, link: LinkId, protocol: number = PROTOCOL_HIGHEST): void {
    this.#byPeer.set(peer, link)
    this.#byLink.set(link, peer)
    if (protocol < PROTOCOL_HIGHEST) this.#olderProtocols.set(link, protocol)
  }

  /** The peer at its other end; undefined when the link was given up before. */
  remove(link: LinkId): PeerId | undefined {
    const peer = this.#byLink.get(link)
    if (peer === undefined) return undefined
    this.#byLink.delete(link)
    this.#olderProtocols.delete(link)
    this.#byPeer.delete(peer)
    return peer
  }

  peerOf(link: LinkId): PeerId | undefined {
    return this.#byLink.get(link)
  }

  protocolOf(link: LinkId): number {
    return this.#olderProtocols.get(link) ?? PROTOCOL_HIGHEST
  }

  /** What every peer that is linked now understands. */
  get lowestProtocol(): number {
    return Math.min(PROTOCOL_HIGHEST, ...this.#olderProtocols.values())
  }

  linkTo(peer: PeerId): LinkId | undefined {
    return this.#byPeer.get(peer)
  }

  peers(): Iterable<PeerId> {
    return this.#byPeer.keys()
  }

  entries(): Iterable<[PeerId, LinkId]> {
    return this.#byPeer
  }
}
