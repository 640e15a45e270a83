/**
 * What the phases of one leadership share. Made when leading begins, dropped when it ends: nothing stale survives a role.
 */
import type { PeerId } from '../../model/ids.js'
import type { Quorum } from '../quorum/quorum.js'
import type { EpochKeeper } from './epochs.js'
import type { History } from './history.js'
import type { LearnerProgress } from './learner-progress.js'
import type { StateMarks } from './state-marks.js'
import type { ZabEvents, ZabPort } from './zab-port.js'

/** What it begins with. */
export interface LeadershipSetup {
  readonly self: PeerId
  readonly quorum: Quorum
  readonly port: ZabPort
  readonly events: ZabEvents
  readonly epochs: EpochKeeper
  readonly history: History
  readonly marks: StateMarks
  /** Nobody has any history: who has none counts. Else it does not until it has this leader's (Z29). */
  readonly firstStart: boolean
}

export interface Leadership extends LeadershipSetup {
  readonly learners: Map<PeerId, LearnerProgress>
  /** The new epoch; zero until discovery has chosen it. */
  epoch: number
  /** A quorum holds this leader's history: it may commit (Z2). */
  established: boolean
  /** Ends this leadership. */
  stepDown(reason: string): void
  /** Ends the relationship with one learner. */
  drop(learner: LearnerProgress, reason: string): void
}
