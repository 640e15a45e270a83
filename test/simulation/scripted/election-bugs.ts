/** Bugs in elections and epochs that stories are about, each as it was where its story was first told; the random runs have their own (../mutants). */
import { FastLeaderElection } from '../../../lib/core/election/fast-leader-election.js'
import type { PeerCore } from '../../../lib/core/peer.js'
import { Roles } from '../../../lib/core/roles.js'
import { Leader } from '../../../lib/core/zab/leader.js'
import { LearnerProgress } from '../../../lib/core/zab/learner-progress.js'
import type { PeerId } from '../../../lib/model/ids.js'
import { zxid } from '../../../lib/model/zxid.js'
import { changeEffects, replaceGetter, replaceMethod } from '../mutants/mutant.js'
import type { Bug } from './played.js'

export const roundForEpoch: Bug = {
  name: 'who is settled says its round where its epoch should be',
  rows: ['L1'],
  plant: () =>
    replaceMethod(FastLeaderElection.prototype, 'onNotification', onNotification => {
      return function (this: FastLeaderElection, from, heard, now) {
        const settled = heard.role !== 'looking' && heard.role !== 'repairing'
        return onNotification.call(this, from, settled ? { ...heard, epoch: heard.round } : heard, now)
      }
    }),
}

export const mindChanged: Bug = {
  name: 'who has decided looks again when a better vote comes',
  rows: ['L6', 'L1'],
  plant: () =>
    replaceMethod(Roles.prototype, 'onMessage', onMessage => {
      return function (this: Roles, peer, link, message, now) {
        const { leaderId } = this
        const looks = message.kind === 'notification' && message.role === 'looking'
        if (looks && leaderId !== undefined && !this.serving && message.leader > leaderId) this.look('a better vote')
        onMessage.call(this, peer, link, message, now)
      }
    }),
}

export const observersCount: Bug = {
  name: 'whoever follows counts for a quorum',
  rows: ['C14', 'E5', 'Z15'],
  plant: () => {
    const undoCounts = replaceGetter(LearnerProgress.prototype, 'counts', () => {
      return function (this: LearnerProgress) {
        return this.has('accepted')
      }
    })
    const undoStart = replaceMethod(Leader.prototype, 'start', start => {
      return function (this: Leader) {
        const { voters } = this.quorum
        const isQuorum = (ids: Iterable<PeerId>): boolean => new Set(ids).size > voters.size / 2
        Object.assign(this, { quorum: { voters, isQuorum } })
        start.call(this)
      }
    })
    return () => {
      undoStart()
      undoCounts()
    }
  },
}

export const runsOver: Bug = {
  name: 'a counter that is used up runs over into the epoch, and nobody is elected',
  rows: ['Z5', 'Z6'],
  plant: () =>
    replaceMethod(Leader.prototype, 'nextZxid', nextZxid => {
      return function (this: Leader) {
        return nextZxid.call(this) ?? zxid(this.epoch + 1, 1)
      }
    }),
}

export const waitsForStreams: Bug = {
  name: 'while one is given the history nothing is sent to the others',
  rows: ['L4', 'L6', 'L1'],
  plant: () => {
    const streaming = new WeakSet<PeerCore>()
    return changeEffects((effects, input, core) => {
      if (input.kind === 'message' && input.message.kind === 'ackNewLeader') streaming.delete(core)
      const stuck = streaming.has(core)
      const begins = effects.some(
        each => each.kind === 'sendHistory' || (each.kind === 'send' && each.message.kind === 'diff'),
      )
      if (begins && core.status.serving) streaming.add(core)
      return stuck ? effects.filter(each => each.kind !== 'send') : effects
    })
  },
}
