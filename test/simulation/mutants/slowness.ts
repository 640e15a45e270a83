/** Mutants in what a leader does whose log is slow. */
import { Handover } from '../../../lib/core/zab/handover.js'
import { HandoverPause } from '../../../lib/core/zab/handover-pause.js'
import { LogRace } from '../../../lib/core/zab/log-race.js'
import { evenlySlow, slowLeader } from '../scenario.js'
import { type Mutant, replaceMethod } from './mutant.js'

export const slownessMutants: readonly Mutant[] = [
  {
    name: 'a leader stays in office however slow its log is',
    rows: ['L4'],
    scenario: slowLeader,
    plant: () => replaceMethod(Handover.prototype, 'tick', () => () => {}),
  },
  {
    name: 'who has handed over stands for the next election',
    rows: ['L4', 'L6'],
    scenario: slowLeader,
    plant: () => replaceMethod(HandoverPause.prototype, 'standsAside', () => () => false),
  },
  {
    name: 'a leader hands over without asking whether the others are any faster',
    rows: ['L6'],
    scenario: evenlySlow,
    plant: () =>
      replaceMethod(LogRace.prototype, 'times', times => {
        return function (this: LogRace, now) {
          const measured = times.call(this, now)
          return measured === undefined ? undefined : { ...measured, othersMs: 0 }
        }
      }),
  },
]
