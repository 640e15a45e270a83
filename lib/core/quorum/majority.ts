/**
 * The ordinary quorum system: more than half of the voters.
 * No voters, no quorum: an empty ensemble decides nothing.
 * ZooKeeper: QuorumMaj (acks > voters / 2).
 */
import type { PeerId } from '../../model/ids.js'
import type { Quorum } from './quorum.js'

/**
 * @param voters copied: a later change of the argument changes nothing.
 * @example majority([1, 2, 3] as PeerId[]).isQuorum([1, 3] as PeerId[]) // true
 */
export function majority(voters: Iterable<PeerId>): Quorum {
  const members: ReadonlySet<PeerId> = new Set(voters)
  const needed = Math.floor(members.size / 2) + 1
  return {
    voters: members,
    isQuorum(ids) {
      // Only a Set is sure not to name a voter twice.
      const distinct = ids instanceof Set ? (ids as ReadonlySet<PeerId>) : new Set(ids)
      let present = 0
      for (const id of distinct) if (members.has(id)) present += 1
      return present >= needed
    },
  }
}
