/**
 * Counts who has agreed to one question, until a quorum has.
 * Always holds: each voter counts once, nobody else counts (E5); once reached, a tally stays reached.
 */
import type { PeerId } from '../../model/ids.js'
import type { Quorum } from './quorum.js'

export class Tally {
  readonly #quorum: Quorum
  readonly #agreed = new Set<PeerId>()
  #reached = false

  constructor(quorum: Quorum) {
    this.#quorum = quorum
  }

  /** Returns true if the peer counts now and did not before. */
  add(peer: PeerId): boolean {
    if (!this.#quorum.voters.has(peer) || this.#agreed.has(peer)) return false
    this.#agreed.add(peer)
    this.#reached ||= this.#quorum.isQuorum(this.#agreed)
    return true
  }

  has(peer: PeerId): boolean {
    return this.#agreed.has(peer)
  }

  get reached(): boolean {
    return this.#reached
  }

  /** The voters counted so far. */
  get agreed(): ReadonlySet<PeerId> {
    return this.#agreed
  }
}
