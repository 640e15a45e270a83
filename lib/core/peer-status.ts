import type { PeerId } from '../model/ids.js'
import type { Zxid } from '../model/zxid.js'
import type { RoleName } from './zab/messages.js'

export type PeerPhase = 'election' | 'discovery' | 'synchronization' | 'broadcast'

/** What a peer says of itself; told when role, phase or leader change (the zxids are read when asked for). */
export interface PeerStatus {
  readonly peer: PeerId
  readonly role: RoleName
  readonly phase: PeerPhase
  /** Known once this peer leads or follows. */
  readonly leader: PeerId | undefined
  /** Epoch of the leadership this peer is part of; the current epoch while it is looking. */
  readonly epoch: number
  /** True in broadcast, with a leader established: reads are current within the usual bounds and writes are taken. */
  readonly serving: boolean
  /** Without a leader it gives those who ask for that its reads. */
  readonly readOnly: boolean
  /** The state of this peer is not the ensemble's: it serves nobody until it has a snapshot, or is found to be right (Z31). */
  readonly diverged: boolean
  /** Its history was damaged: it does not vote, and serves nobody, until a leader has brought it up to date. */
  readonly repairing: boolean
  /** Voters known to be in that state, this peer included. */
  readonly damagedVoters: readonly PeerId[]
  /** Its log was too slow to lead: for a while it stands for no election. */
  readonly standsAside: boolean
  /** Voters known to have no leader's history on their disks, this peer included: they count in no quorum, except at the first start (Z29). */
  readonly freshVoters: readonly PeerId[]
  /** What keeps the voters from a first start; undefined once this peer has a history, or a leader. */
  readonly firstStartWait: FirstStartWait | undefined
  /** Last proposal in this peer's log, last known to be committed, last applied. */
  readonly logged: Zxid
  readonly committed: Zxid
  readonly applied: Zxid
}

/** What a leader has behind it. */
export interface LeadershipStatus {
  /** Voters, and observers, that have all of its history and are sent whatever comes. */
  readonly followers: number
  readonly observers: number
  /** Syncs that wait for what was proposed before them. */
  readonly pendingSyncs: number
  /** Monotonic time at which it was established. */
  readonly since: number
}

/** What stands in the way of a first start; nothing does when all are empty. Ids in ascending order. */
export interface FirstStartWait {
  /** Voters that have not been heard. */
  readonly unheard: readonly PeerId[]
  /** Voters that have, or may have, what a first start must not pass over. */
  readonly holding: readonly PeerId[]
  /** Members that were declared the origin: one at most. */
  readonly origins: readonly PeerId[]
}

/** The zxids and `standsAside` excepted, which are read when asked for. */
export function saysTheSame(a: PeerStatus, b: PeerStatus): boolean {
  return (
    a.role === b.role &&
    a.phase === b.phase &&
    a.leader === b.leader &&
    a.epoch === b.epoch &&
    a.serving === b.serving &&
    a.readOnly === b.readOnly &&
    a.diverged === b.diverged &&
    a.repairing === b.repairing &&
    sameIds(a.damagedVoters, b.damagedVoters) &&
    sameIds(a.freshVoters, b.freshVoters) &&
    saidOf(a.firstStartWait) === saidOf(b.firstStartWait)
  )
}

function sameIds(a: readonly PeerId[], b: readonly PeerId[]): boolean {
  return a.length === b.length && a.every((peer, index) => peer === b[index])
}

function saidOf(wait: FirstStartWait | undefined): string {
  return wait === undefined ? '' : `${wait.unheard};${wait.holding};${wait.origins}`
}
