/**
 * The kind of run that looks for one cell of coverage.ts: what luck alone meets once in ten thousand seeds. The fault waits for its moment and for nothing
 * else, in an ensemble that elects and synchronises all the time; or whoever comes past the named point crashes there.
 * Before: simulate.ts, for each cell that a campaign has left empty, and `--seek CELL`. After: strikes.ts waits.
 */
import { crashPoints } from '../../lib/testing/crash-points.js'
import { moments } from './aim.js'
import { type ClockFault, clockFaultKinds } from './clock-faults.js'
import { requiredCells } from './coverage.js'
import { type NetworkFault, networkFaultKinds } from './network-faults.js'
import { type ProcessFault, processFaultKinds } from './process-faults.js'
import { diskFaultKinds, type FaultKind, faultKinds, type ScenarioChange } from './scenario.js'
import type { FamilyPlan } from './strikes.js'

/** @throws when no campaign is to hit it: it is none, or impossible. */
export function seek(cell: string): ScenarioChange {
  if (!requiredCells().includes(cell)) throw new Error(`no cell that is required is called ${cell}`)
  const world = { voters: 3, observers: 1, checkpointEntries: 4, networkMs: 0.3, diskMs: 1 }
  const restless: readonly FaultKind[] = ['crash', 'resetLink', 'flapLearner', 'isolateLeader']
  if (crashPoints.includes(cell)) {
    const process: FamilyPlan<ProcessFault> = { everyMs: 200, kinds: ['crashAtPoint'] }
    // Peers that differ say what they say at no other time.
    const faults = [...restless, 'falseState'] as const
    return { world, faults, faultEveryMs: 300, families: { crashesAt: [cell], process }, durationMs: 12_000 }
  }
  const [fault, phase, role] = cell.split(' ') as [string, string, string]
  const moment = moments.find(each => each.role === role && each.phase === phase)
  const plan = <Kind extends string>(kinds: readonly Kind[], others: readonly Kind[] = []) => {
    const sought = kinds.filter(each => each === fault)
    return sought.length + others.length > 0 ? { everyMs: 150, kinds: [...sought, ...others] } : undefined
  }
  return {
    world,
    faults: [...restless, ...faultKinds.filter(each => each === fault && !restless.includes(each))],
    faultEveryMs: 200,
    families: {
      seeks: moment && { fault, moment },
      network: plan<NetworkFault>(networkFaultKinds),
      process: plan<ProcessFault>(processFaultKinds, ['crashLeaders']),
      clock: plan<ClockFault>(clockFaultKinds),
    },
    diskFaultEveryMs: 80,
    diskFaults: diskFaultKinds.filter(each => each === fault),
    durationMs: 12_000,
  }
}
