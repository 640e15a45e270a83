/** The quorum system that a configuration asks for: majority, or weighted where a member has a weight or a group. Every test of a quorum uses it. */
import { type EnsembleConfig, votersOf } from '../../model/ensemble-config.js'
import { majority } from './majority.js'
import type { Quorum } from './quorum.js'
import { weighted } from './weighted.js'

export function quorumOf(config: EnsembleConfig): Quorum {
  const voters = votersOf(config)
  const members = config.members.filter(({ id }) => voters.has(id))
  const plain = members.every(({ weight = 1, group }) => weight === 1 && group === undefined)
  if (plain) return majority(voters)
  return weighted(members.map(({ id, weight = 1, group = 1 }) => ({ id, weight, group })))
}
