/**
 * The votes of one kind, one per voter (E5): the newest replaces the one before. A small map with the two questions an election asks.
 */
import type { PeerId } from '../../model/ids.js'
import type { Quorum } from '../quorum/quorum.js'
import type { Notification } from '../zab/messages.js'
import { isDamaged } from './damaged-voter.js'

export class BallotBox {
  readonly #quorum: Quorum
  readonly #ballots = new Map<PeerId, Notification>()

  constructor(quorum: Quorum) {
    this.#quorum = quorum
  }

  /** Ignores who does not vote (a voter that observes is being repaired: E7), and who is voted for without being a voter. */
  put(from: PeerId, ballot: Notification): void {
    if (isDamaged(ballot)) this.#ballots.delete(from)
    else if (this.#quorum.voters.has(from) && this.#quorum.voters.has(ballot.leader)) this.#ballots.set(from, ballot)
  }

  get(from: PeerId): Notification | undefined {
    return this.#ballots.get(from)
  }

  remove(from: PeerId): void {
    this.#ballots.delete(from)
  }

  clear(): void {
    this.#ballots.clear()
  }

  /** Who agrees, by the given test. */
  agreeing(test: (ballot: Notification) => boolean): PeerId[] {
    return [...this.#ballots].filter(([, ballot]) => test(ballot)).map(([peer]) => peer)
  }
}
