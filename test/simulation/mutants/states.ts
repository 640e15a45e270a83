/** Mutants in what happens to a state that is not the ensemble's (Z31). All of them need false states to be found. */
import { Roles } from '../../../lib/core/roles.js'
import { Divergence } from '../../../lib/core/zab/divergence.js'
import { Leader } from '../../../lib/core/zab/leader.js'
import { StateMarks } from '../../../lib/core/zab/state-marks.js'
import { falseStates } from '../scenario.js'
import { type Mutant, replaceGetter, replaceMethod } from './mutant.js'

export const stateMutants: readonly Mutant[] = [
  {
    name: 'nobody compares states',
    rows: ['Z31'],
    scenario: falseStates,
    plant: () => replaceMethod(Divergence.prototype, 'onMark', () => () => {}),
  },
  {
    name: 'a state that differs is only reported',
    rows: ['Z31'],
    scenario: falseStates,
    plant: () => replaceGetter(Roles.prototype, 'diverged', () => () => false),
  },
  {
    name: 'a peer whose state is void comes back for a DIFF',
    rows: ['Z31', 'L1'],
    scenario: falseStates,
    plant: () => replaceMethod(Divergence.prototype, 'canSpare', () => () => false),
  },
  {
    name: 'a leader that differs from the majority goes on',
    rows: ['Z31', 'S2', 'L1'],
    scenario: falseStates,
    plant: () =>
      replaceMethod(Leader.prototype, 'stepDown', stepDown => {
        return function (this: Leader, reason) {
          if (reason !== 'its state differs from the majority') stepDown.call(this, reason)
        }
      }),
  },
  {
    name: 'a state that differs passes for right after the next election',
    rows: ['Z31'],
    scenario: falseStates,
    plant: () => replaceMethod(StateMarks.prototype, 'setAside', () => () => {}),
  },
]
