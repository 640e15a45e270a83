/**
 * Voters with weights, in groups: a quorum has more than half of the weight in each of more than half of the groups. So a group can be a place, and
 * the ensemble lives through the loss of one.
 *
 * Always holds: any two quorums share a voter, for they share a group, and in it more than half of the weight each. Nobody has weight 0 here: such
 * a member is no voter (model/ensemble-config.ts). No voters, no quorum. Before: quorum-of.ts. ZooKeeper: QuorumHierarchical.
 */
import type { PeerId } from '../../model/ids.js'
import type { Quorum } from './quorum.js'

export interface WeightedVoter {
  readonly id: PeerId
  readonly group: number
  /** A whole number above 0. */
  readonly weight: number
}

/**
 * @param members copied: a later change of the argument changes nothing.
 * @example weighted([{ id: 1, group: 1, weight: 2 }, { id: 2, group: 1, weight: 1 }]).isQuorum([1]) // true
 */
export function weighted(members: Iterable<WeightedVoter>): Quorum {
  const byId = new Map<PeerId, WeightedVoter>()
  const totals = new Map<number, number>()
  for (const { id, group, weight } of members) {
    byId.set(id, { id, group, weight })
    totals.set(group, (totals.get(group) ?? 0) + weight)
  }
  return {
    voters: new Set(byId.keys()),
    isQuorum(ids) {
      const present = new Map<number, number>()
      for (const id of new Set(ids)) {
        const voter = byId.get(id)
        if (voter !== undefined) present.set(voter.group, (present.get(voter.group) ?? 0) + voter.weight)
      }
      let groups = 0
      for (const [group, weight] of present) if (weight * 2 > totals.get(group)!) groups += 1
      return groups * 2 > totals.size
    },
  }
}
