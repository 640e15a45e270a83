/**
 * A voter whose history was damaged (D3, E7): what it says of itself, and why it may count again when it does.
 *
 * It has kept its epochs and has lost acknowledged entries. It votes for nobody, and learns as an observer whatever its configured role is: only an
 * established leader takes it in, and no promise or acknowledgement of it is counted. So every quorum behind a new leader consists of whole voters,
 * and a commit that the damaged one had been counted for has another holder among them; with a majority damaged, no leader comes about at all.
 *
 * It is whole again once it holds, durably and in this order, the history that an established leader knows to be committed, and that leader's epoch. Then
 * everything it was ever counted for is in its log: of older epochs, because the leader's initial history, which is committed by then, has all that was
 * committed there, and the quorum behind that leader lets nothing more be committed in them; of the same epoch, because what it had been counted for
 * was committed at that moment, and the leader sends it all that is. Its disk is that of a voter that has acknowledged NEWLEADER. From then
 * on it votes and counts like anybody else. The end of the repair becomes durable after that history and never before: a crash leaves it damaged.
 * Before: storage/ finds the damage. After: roles.ts, zab/learner.ts (repairing).
 */
import type { PeerId } from '../../model/ids.js'
import type { Notification } from '../zab/messages.js'

const NOBODY: readonly PeerId[] = []

/** What a voter says when it is damaged: 'repairing' while it looks for a leader, 'observing' with one. Not for configured observers. */
export function isDamaged(voter: Pick<Notification, 'role'> | undefined): boolean {
  return voter?.role === 'repairing' || voter?.role === 'observing'
}

/** Voters that are damaged by their own last word, in ascending order; `self` if this peer is one of them. */
export function damagedVoters(
  voters: ReadonlySet<PeerId>,
  heard: ReadonlyMap<PeerId, Notification>,
  self: PeerId | undefined,
): readonly PeerId[] {
  let damaged = NOBODY
  for (const id of voters) if (id === self || isDamaged(heard.get(id))) damaged = [...damaged, id].sort((a, b) => a - b)
  return damaged
}
