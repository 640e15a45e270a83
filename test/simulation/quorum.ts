/**
 * What a quorum is, told a second time, for the checkers and for whoever heals one: more than half of the weight in each of more than half of the groups.
 * Knows nothing of lib/core/quorum.
 */
import type { PeerId } from '../../lib/model/ids.js'
import type { World } from '../../lib/testing/world.js'

export function isQuorum({ config }: World, ids: Iterable<PeerId>): boolean {
  const present = new Set(ids)
  const groups = new Map<number, { total: number; present: number }>()
  for (const { id, role, weight = 1, group = 0 } of config.members) {
    if (role === 'observer' || weight === 0) continue
    const sums = groups.get(group) ?? { total: 0, present: 0 }
    sums.total += weight
    if (present.has(id)) sums.present += weight
    groups.set(group, sums)
  }
  const held = [...groups.values()].filter(sums => sums.present > sums.total / 2)
  return held.length > groups.size / 2
}
