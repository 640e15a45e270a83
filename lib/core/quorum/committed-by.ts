/**
 * How far is the log committed? Acknowledgements are cumulative: a voter that acked z has acked everything up to z, so the
 * answer is the highest acked zxid at or above which the voters form a quorum.
 * Whether a leader may commit it (its own epoch, in order: Z9, Z10) is decided in zab/leader-broadcast.ts.
 */
import type { PeerId } from '../../model/ids.js'
import { isAfter, type Zxid } from '../../model/zxid.js'
import type { Quorum } from './quorum.js'

/**
 * Undefined while no quorum has acked anything. Entries of non-voters are ignored.
 * Quadratic in the number of voters (at most 7), with one Set per call: a general quorum system has no "middle" element to pick.
 */
export function committedBy(quorum: Quorum, acked: ReadonlyMap<PeerId, Zxid>): Zxid | undefined {
  let highest: Zxid | undefined
  const reached = new Set<PeerId>()
  for (const candidateOf of quorum.voters) {
    const candidate = acked.get(candidateOf)
    if (candidate === undefined || (highest !== undefined && !isAfter(candidate, highest))) continue
    reached.clear()
    for (const voter of quorum.voters) {
      const last = acked.get(voter)
      if (last !== undefined && !isAfter(candidate, last)) reached.add(voter)
    }
    if (quorum.isQuorum(reached)) highest = candidate
  }
  return highest
}
