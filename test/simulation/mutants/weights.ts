/** Mutants in what a quorum is where members do not count alike: whoever counts heads believes too few, who together do not count enough. */
import { FastLeaderElection } from '../../../lib/core/election/fast-leader-election.js'
import { majority } from '../../../lib/core/quorum/majority.js'
import type { Quorum } from '../../../lib/core/quorum/quorum.js'
import { Leader } from '../../../lib/core/zab/leader.js'
import type { Notification, PeerMessage } from '../../../lib/core/zab/messages.js'
import type { PeerId } from '../../../lib/model/ids.js'
import { weights } from '../scenario.js'
import { type Mutant, replaceMethod } from './mutant.js'

/** While a leader hears one of these, each of its voters counts as much as another. */
function headsCount(...kinds: readonly PeerMessage['kind'][]): () => void {
  const counting = <R>(leader: Leader, act: () => R): R => {
    const changeable = leader as { quorum: Quorum }
    const { quorum } = leader
    changeable.quorum = majority(quorum.voters)
    try {
      return act()
    } finally {
      changeable.quorum = quorum
    }
  }
  const undoHeard = replaceMethod(Leader.prototype, 'onMessage', onMessage => {
    return function (this: Leader, peer, message, now) {
      if (kinds.includes(message.kind)) counting(this, () => onMessage.call(this, peer, message, now))
      else onMessage.call(this, peer, message, now)
    }
  })
  const undoLogged = replaceMethod(Leader.prototype, 'onLogged', onLogged => {
    return function (this: Leader) {
      if (kinds.includes('ack')) counting(this, () => onLogged.call(this))
      else onLogged.call(this)
    }
  })
  return () => {
    undoLogged()
    undoHeard()
  }
}

/** More than half of the voters of that scenario, of which one is none. */
const HEADS = 3
const VOTERS: ReadonlySet<number> = new Set([1, 2, 3, 5, 6])

export const weightMutants: readonly Mutant[] = [
  {
    name: 'a leader commits what most voters have, whatever they weigh',
    rows: ['Z15', 'Z21'],
    scenario: weights,
    plant: () => headsCount('ack'),
  },
  {
    name: 'a leader takes the answers of most voters for a proof that it leads',
    rows: ['C8', 'Z24', 'C14', 'L1', 'L2'],
    scenario: weights,
    plant: () => headsCount('pong'),
  },
  {
    name: 'a leader is established when most voters have its history',
    rows: ['Z2', 'Z15', 'Z21'],
    scenario: weights,
    plant: () => headsCount('ackNewLeader'),
  },
  {
    name: 'most voters elect a leader, whatever they weigh',
    rows: ['E4', 'E3'],
    scenario: weights,
    plant: () => {
      const said = new WeakMap<FastLeaderElection, Map<PeerId, Notification>>()
      return replaceMethod(FastLeaderElection.prototype, 'onNotification', onNotification => {
        return function (this: FastLeaderElection, from, heard, now) {
          const decision = onNotification.call(this, from, heard, now)
          const all = said.get(this) ?? new Map<PeerId, Notification>()
          said.set(this, all.set(from, heard))
          const own = this.notification()
          const backs = ({ role, round, leader }: Notification): boolean =>
            role === 'looking' && round === own.round && leader === own.leader
          const heads = [...all].filter(([peer, each]) => VOTERS.has(peer) && backs(each)).length
          if (decision !== undefined || own.role !== 'looking' || heads + 1 < HEADS) return decision
          return { vote: { leader: own.leader, zxid: own.zxid, epoch: own.epoch }, round: own.round }
        }
      })
    },
  },
]
