import type { PeerId } from './ids.js'
import type { Zxid } from './zxid.js'

export type MemberRole = 'participant' | 'observer'

export interface Member {
  readonly id: PeerId
  /** Where its peers dial it: `tcp://host:port`, `ipc:///path`, `memory://name`. */
  readonly address: string
  readonly role: MemberRole
  /** How much a participant's vote counts; with 0 it follows without one, and never leads. @default 1 */
  readonly weight?: number
  /** Of whom this participant is one; a quorum needs more than half of the groups. @default all in one */
  readonly group?: number
}

/** Who belongs to the ensemble. Only participants with a weight vote; version is the zxid of the change that made it (zero at first start). */
export interface EnsembleConfig {
  readonly version: Zxid
  /** In ascending order of id. */
  readonly members: readonly Member[]
}

export function votersOf(config: EnsembleConfig): ReadonlySet<PeerId> {
  const voters = config.members.filter(({ role, weight = 1 }) => role === 'participant' && weight > 0)
  return new Set(voters.map(({ id }) => id))
}
