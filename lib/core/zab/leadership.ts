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

export interface Leadership {
  readonly self: PeerId
  readonly quorum: Quorum
  readonly port: ZabPort
  readonly events: ZabEvents
  readonly epochs: EpochKeeper
  readonly history: History
  readonly marks: StateMarks
  /** Nobody has any history: who has none counts all the same (Z29). */
  readonly firstStart: boolean
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
