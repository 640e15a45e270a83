/** Mutants in what the word of a voter without a history is worth (Z29). They need wiped disks to be found. */
import { FastLeaderElection } from '../../../lib/core/election/fast-leader-election.js'
import { Leader } from '../../../lib/core/zab/leader.js'
import { LeaderDiscovery } from '../../../lib/core/zab/leader-discovery.js'
import { Liveness } from '../../../lib/core/zab/liveness.js'
import { wipes } from '../scenario.js'
import { type Mutant, replaceMethod } from './mutant.js'

const countPromises = (): (() => void) =>
  replaceMethod(LeaderDiscovery.prototype, 'onAckEpoch', onAckEpoch => {
    return function (this: LeaderDiscovery, learner, message, now) {
      const isFresh = message.currentEpoch === 0 && !message.counted
      const old = isFresh ? { ...message, currentEpoch: 1, counted: true } : message
      return onAckEpoch.call(this, learner, old, now)
    }
  })

/** A learner that is gone keeps its place while nobody is established. */
export const forgetNothing = (): (() => void) =>
  replaceMethod(Leader.prototype, 'onUnlinked', onUnlinked => {
    return function (this: Leader, peer) {
      if (this.phase !== 'discovery') onUnlinked.call(this, peer)
    }
  })

/** Promises that came one after another make a quorum: nobody is asked whether they all still hold. */
export const askNobody = (): (() => void) => {
  let promising = false
  const undoPing = replaceMethod(Liveness.prototype, 'ping', ping => {
    return function (this: Liveness, now) {
      const number = ping.call(this, now)
      return promising ? 0 : number
    }
  })
  const undoAck = replaceMethod(LeaderDiscovery.prototype, 'onAckEpoch', onAckEpoch => {
    return function (this: LeaderDiscovery, learner, message, now) {
      promising = true
      const answer = onAckEpoch.call(this, learner, message, now)
      promising = false
      if (learner.promisedBefore !== undefined) learner.promisedBefore = 0
      return answer
    }
  })
  return () => {
    undoAck()
    undoPing()
  }
}

export const freshDiskMutants: readonly Mutant[] = [
  {
    name: 'a voter with a wiped disk counts like any other',
    rows: ['Z29', 'Z12', 'Z13', 'Z8', 'Z20'],
    scenario: wipes,
    plant: () => {
      const undoPromises = countPromises()
      const undoNotify = replaceMethod(FastLeaderElection.prototype, 'onNotification', onNotification => {
        return function (this: FastLeaderElection, from, { fresh: _, ...heard }, now) {
          return onNotification.call(this, from, heard, now)
        }
      })
      return () => {
        undoPromises()
        undoNotify()
      }
    },
  },
  {
    name: 'the promise of a wiped disk makes a quorum',
    rows: ['Z29'],
    scenario: wipes,
    plant: countPromises,
  },
  {
    name: 'a promise outlives the link that it came by, and the disk that it was on',
    rows: ['Z29'],
    // Discovery takes its time, and hardly anything else happens in it.
    scenario: {
      world: { voters: 5, observers: 0, networkMs: 3, diskMs: 12 },
      faults: ['wipe', 'wipe', 'isolateLeader', 'halfOpenLink', 'slowDisk'],
      faultEveryMs: 150,
      diskFaultEveryMs: undefined,
      clients: 2,
      durationMs: 9000,
    },
    plant: () => {
      const undo = [forgetNothing(), askNobody()]
      return () => {
        for (const each of undo) each()
      }
    },
  },
  {
    name: 'a voter with a wiped disk is made whole by a leader that is not established',
    rows: ['Z29'],
    scenario: wipes,
    plant: () =>
      replaceMethod(LeaderDiscovery.prototype, 'onAckEpoch', onAckEpoch => {
        return function (this: LeaderDiscovery, learner, message, now) {
          const answer = onAckEpoch.call(this, learner, message, now)
          learner.fresh = false
          return answer
        }
      }),
  },
]
