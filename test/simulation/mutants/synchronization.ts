/** Mutants in how a learner gets the leader's history, and in what is counted as held by it. */
import { History } from '../../../lib/core/zab/history.js'
import { LeaderBroadcast } from '../../../lib/core/zab/leader-broadcast.js'
import { LearnerProgress } from '../../../lib/core/zab/learner-progress.js'
import { ZERO, type Zxid } from '../../../lib/model/zxid.js'
import { flapping } from '../scenario.js'
import { changeEffects, type Mutant, replaceMethod } from './mutant.js'

export const synchronizationMutants: readonly Mutant[] = [
  {
    name: 'an acknowledgement counts for everything that was sent',
    about: 'ZOOKEEPER-4646: entries in memory count as logged',
    rows: ['Z15', 'Z21'],
    plant: () =>
      replaceMethod(LeaderBroadcast.prototype, 'onAck', onAck => {
        return function (this: LeaderBroadcast, learner, _acked) {
          return onAck.call(this, learner, learner.sent)
        }
      }),
  },
  {
    name: 'an entry counts as acknowledged when NEWLEADER is',
    about: 'ZOOKEEPER-4785, 3911: what was sent behind NEWLEADER is taken for durable',
    rows: ['Z15', 'Z21'],
    plant: () =>
      replaceMethod(LeaderBroadcast.prototype, 'onSynced', onSynced => {
        return function (this: LeaderBroadcast, learner) {
          learner.acked = learner.sent
          onSynced.call(this, learner)
        }
      }),
  },
  {
    name: 'UPTODATE carries an old commit point',
    about: 'Zab-spec-3: the learner serves what it had before',
    rows: ['Z25', 'C3', 'C5', 'C14', 'C1'],
    plant: () =>
      changeEffects(effects =>
        effects.map(effect =>
          effect.kind === 'send' && effect.message.kind === 'upToDate'
            ? { ...effect, message: { ...effect.message, committed: ZERO } }
            : effect,
        ),
      ),
  },
  {
    name: 'proposals go only to learners that serve',
    about: 'Zab-spec-1: those made between NEWLEADER and UPTODATE are lost for the learner',
    rows: ['Z25', 'Z14', 'L1', 'L6'],
    scenario: flapping,
    plant: () =>
      replaceMethod(LearnerProgress.prototype, 'has', has => {
        return function (this: LearnerProgress, stage) {
          return has.call(this, stage === 'streamed' ? 'active' : stage)
        }
      }),
  },
  {
    name: 'a log is cut one entry too late',
    about: 'ZOOKEEPER-1154, 1156: truncation leaves an entry that the leader has not',
    rows: ['Z14', 'Z19', 'L1'],
    plant: () =>
      replaceMethod(History.prototype, 'lastAtMost', lastAtMost => {
        return function (this: History, after) {
          const cut = lastAtMost.call(this, after)
          if (cut === undefined) return cut
          const next: Zxid = { ...cut, counter: cut.counter + 1 }
          return this.contains(next) ? next : cut
        }
      }),
  },
  {
    name: 'a snapshot that was broken off has replaced the log',
    about: 'ZOOKEEPER-3642, 5094: an interrupted synchronisation is kept in memory',
    rows: ['Z7', 'Z8'],
    scenario: {
      ...flapping,
      faults: ['flapLearner', 'cutSnapshot'],
      world: { ...flapping.world, checkpointEntries: 4, entriesKept: 0 },
    },
    plant: () =>
      replaceMethod(History.prototype, 'snapshotAborted', () => {
        return function (this: History, op) {
          return this.snapshotInstalled(op)
        }
      }),
  },
  {
    name: 'a learner takes an entry that does not follow its last one',
    about: 'ZOOKEEPER-2418, 962: a gap in a DIFF',
    rows: ['Z6', 'Z14', 'Z25', 'R1'],
    plant: () => {
      const undoAfter = replaceMethod(History.prototype, 'after', after => {
        return function (this: History, zxid) {
          const behind = after.call(this, zxid)
          if (behind === undefined || behind.length < 3) return behind
          const [first, , third, ...rest] = behind
          return [first!, { ...third!, previous: first!.zxid }, ...rest]
        }
      })
      return undoAfter
    },
  },
  {
    name: 'a commit is taken for one of everything that is logged',
    about: 'ZOOKEEPER-4394: COMMIT and the list of what waits for it disagree',
    rows: ['Z15', 'Z16', 'Z21', 'Z8', 'R1', 'Z9'],
    plant: () =>
      changeEffects(effects =>
        effects.map(effect =>
          effect.kind === 'send' && effect.message.kind === 'commit'
            ? {
                ...effect,
                message: {
                  ...effect.message,
                  zxid: { ...effect.message.zxid, counter: effect.message.zxid.counter + 1 },
                },
              }
            : effect,
        ),
      ),
  },
  {
    name: 'each third commit is not sent',
    about: 'the next one makes up for it; the last one has no next',
    rows: ['L3', 'L2', 'S3'],
    plant: () => {
      let commits = 0
      return changeEffects(effects =>
        effects.filter(effect => effect.kind !== 'send' || effect.message.kind !== 'commit' || ++commits % 3 !== 0),
      )
    },
  },
]
