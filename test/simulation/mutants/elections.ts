/** Mutants in who is elected, in which epoch, and for how long it may lead. */
import { FastLeaderElection } from '../../../lib/core/election/fast-leader-election.js'
import { Outbox } from '../../../lib/core/outbox.js'
import { LeaderDiscovery } from '../../../lib/core/zab/leader-discovery.js'
import { LeaderSynchronization } from '../../../lib/core/zab/leader-synchronization.js'
import { Liveness } from '../../../lib/core/zab/liveness.js'
import { ZERO } from '../../../lib/model/zxid.js'
import { changeEffects, type Mutant, replaceGetter, replaceMethod } from './mutant.js'

export const electionMutants: readonly Mutant[] = [
  {
    name: 'a candidate says nothing of its log',
    about: 'ZOOKEEPER-335, 1081: elections compare what is not on the disk',
    rows: ['E6', 'L1'],
    plant: () =>
      replaceMethod(FastLeaderElection.prototype, 'notification', notification => {
        return function (this: FastLeaderElection) {
          return { ...notification.call(this), zxid: ZERO, epoch: 0 }
        }
      }),
  },
  {
    name: 'a vote of an older round counts in this one',
    about: 'ZOOKEEPER-1732, 3109: ballots of different rounds are mixed',
    rows: ['E3', 'E4', 'L1'],
    plant: () =>
      replaceMethod(FastLeaderElection.prototype, 'onNotification', onNotification => {
        return function (this: FastLeaderElection, from, heard, now) {
          return onNotification.call(this, from, { ...heard, round: Math.max(heard.round, this.round) }, now)
        }
      }),
  },
  {
    name: 'the epoch that becomes current is not saved',
    about: 'ZOOKEEPER-335, 1082: the start of an epoch is not recorded durably',
    rows: ['Z2', 'Z3', 'Z13', 'Z18', 'Z20'],
    plant: () =>
      replaceMethod(Outbox.prototype, 'saveEpochs', saveEpochs => {
        return function (this: Outbox, epochs, endsRepair) {
          return saveEpochs.call(this, { ...epochs, current: Math.max(0, epochs.current - 1) }, endsRepair)
        }
      }),
  },
  {
    name: 'a new epoch takes no notice of what voters have accepted',
    about: 'two leaders of one epoch: Zab paper, phase 1',
    rows: ['Z1', 'Z4', 'L1'],
    // Leaders that are gone before they are established, one after another.
    scenario: {
      world: { voters: 5, networkMs: 3, diskMs: 12 },
      faults: ['isolateLeader', 'partition', 'crash'],
      faultEveryMs: 100,
      diskFaultEveryMs: undefined,
      durationMs: 6000,
    },
    plant: () =>
      replaceMethod(LeaderDiscovery.prototype, 'onLearnerInfo', onLearnerInfo => {
        return function (this: LeaderDiscovery, learner) {
          ;(learner as { acceptedEpoch: number }).acceptedEpoch = 0
          onLearnerInfo.call(this, learner)
        }
      }),
  },
  {
    name: 'a promise that was made to another leader counts once more',
    about: 'two leaders of one epoch, each with a quorum of promises',
    rows: ['Z4'],
    plant: () =>
      changeEffects(effects =>
        effects.map(effect =>
          effect.kind === 'send' && effect.message.kind === 'ackEpoch'
            ? { ...effect, message: { ...effect.message, counted: true } }
            : effect,
        ),
      ),
  },
  {
    name: 'a leader does not notice that its quorum has left',
    about: 'etcd-20418: it believes that it leads',
    rows: ['Z24', 'C8', 'C14', 'L1', 'L2'],
    plant: () => replaceMethod(Liveness.prototype, 'silentMs', () => () => 0),
  },
  {
    name: 'the largest id leads, whatever its log has',
    about: 'Zab paper, phase 1: the leader knows everything that is committed',
    rows: ['Z13', 'Z20', 'Z12', 'Z24'],
    plant: () => {
      const undoElection = replaceMethod(FastLeaderElection.prototype, 'onNotification', onNotification => {
        return function (this: FastLeaderElection, from, heard, now) {
          const own = this.notification()
          const vote =
            heard.leader === own.leader
              ? { zxid: own.zxid, epoch: own.epoch }
              : heard.leader > own.leader
                ? { zxid: heard.zxid, epoch: 1_000_000 }
                : { zxid: ZERO, epoch: 0 }
          return onNotification.call(this, from, { ...heard, ...vote }, now)
        }
      })
      const undoDiscovery = replaceMethod(LeaderDiscovery.prototype, 'onAckEpoch', onAckEpoch => {
        return function (this: LeaderDiscovery, learner, message, now) {
          const currentEpoch = Math.min(1, message.currentEpoch)
          const advance = onAckEpoch.call(this, learner, { ...message, currentEpoch, lastZxid: ZERO }, now)
          learner.sent = message.lastZxid
          return advance
        }
      })
      return () => {
        undoElection()
        undoDiscovery()
      }
    },
  },
  {
    name: 'a leader serves as soon as it is elected',
    about: 'ZOOKEEPER-790: leadership that is not confirmed',
    rows: ['Z2', 'Z15', 'Z21'],
    plant: () => replaceGetter(LeaderSynchronization.prototype, 'quorumSynced', () => () => true),
  },
  {
    name: 'an epoch is written without its promise',
    about: 'ZOOKEEPER-2307: the current epoch ends up above the accepted one',
    rows: ['Z3'],
    plant: () =>
      replaceMethod(Outbox.prototype, 'saveEpochs', saveEpochs => {
        return function (this: Outbox, epochs, endsRepair) {
          const adopted = epochs.current === epochs.accepted
          return saveEpochs.call(this, adopted ? { ...epochs, accepted: epochs.accepted - 1 } : epochs, endsRepair)
        }
      }),
  },
  {
    name: 'the round of an election goes back now and then',
    rows: ['E2'],
    plant: () => {
      let said = 0
      return replaceMethod(FastLeaderElection.prototype, 'notification', notification => {
        return function (this: FastLeaderElection) {
          const word = notification.call(this)
          said += 1
          return said % 5 === 0 ? { ...word, round: Math.max(0, word.round - 1) } : word
        }
      })
    },
  },
]
