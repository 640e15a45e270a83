import type { PeerId } from './ids.js'
import type { Zxid } from './zxid.js'

export type MemberRole = 'participant' | 'observer'

export interface Member {
  readonly id: PeerId
  /** Where its peers dial it: `tcp://host:port`, `ipc:///path`, `memory://name`. */
  readonly address: string
  readonly role: MemberRole
}

/** Who belongs to the ensemble. Only participants vote; version is the zxid of the change that made it (zero at first start). */
export interface EnsembleConfig {
  readonly version: Zxid
  /** In ascending order of id. */
  readonly members: readonly Member[]
}

export function votersOf(config: EnsembleConfig): ReadonlySet<PeerId> {
  return new Set(config.members.filter(member => member.role === 'participant').map(member => member.id))
}
