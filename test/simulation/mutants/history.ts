/** Mutants that bring a learner to a history that is not the leader's, and elections that count wrongly. */
import { BallotBox } from '../../../lib/core/election/ballot-box.js'
import { Outbox } from '../../../lib/core/outbox.js'
import { History } from '../../../lib/core/zab/history.js'
import type { PeerId } from '../../../lib/model/ids.js'
import { changeEffects, type Mutant, replaceMethod } from './mutant.js'

export const historyMutants: readonly Mutant[] = [
  {
    name: 'a log is cut one entry too early',
    rows: ['Z14', 'Z19', 'Z20'],
    plant: () =>
      replaceMethod(Outbox.prototype, 'truncate', truncate => {
        return function (this: Outbox, after) {
          return truncate.call(this, after.counter > 1 ? { ...after, counter: after.counter - 1 } : after)
        }
      }),
  },
  {
    name: 'a log is cut in memory only',
    rows: ['Z14', 'Z19', 'L1', 'E6'],
    plant: () => changeEffects(effects => effects.filter(each => each.kind !== 'truncate')),
  },
  {
    name: 'a DIFF leaves out its first entry',
    rows: ['Z14', 'Z25'],
    plant: () =>
      replaceMethod(History.prototype, 'after', after => {
        return function (this: History, zxid) {
          const behind = after.call(this, zxid)
          return behind !== undefined && behind.length > 1 ? behind.slice(1) : behind
        }
      }),
  },
  {
    name: 'a learner changes a proposal that others hold too',
    rows: ['R1'],
    plant: () =>
      replaceMethod(History.prototype, 'append', append => {
        return function (this: History, proposal) {
          append.call(this, proposal)
          if (Object.isFrozen(proposal)) (proposal as { time: number }).time += 1
        }
      }),
  },
  {
    name: 'one voter counts as two in an election',
    rows: ['E4', 'L1'],
    plant: () =>
      replaceMethod(BallotBox.prototype, 'agreeing', agreeing => {
        return function (this: BallotBox, test) {
          const peers = agreeing.call(this, test)
          return peers.length === 0
            ? peers
            : [...peers, ((peers[0]! % 3) + 1) as PeerId, (((peers[0]! + 1) % 3) + 1) as PeerId]
        }
      }),
  },
]
