/** What kind of run a seed stands for: drawn from it, so that seeds differ in shape and not only in their dice. */
import { SeededRandom } from '../../lib/testing/seeded-random.js'
import type { WorldOptions } from '../../lib/testing/world.js'

export const faultKinds = [
  'crash',
  'crashMidStep',
  'crashAll',
  'resetLink',
  'halfOpenLink',
  'flapLearner',
  'partition',
  'oneWayPartition',
  'isolateLeader',
  'slowNetwork',
  'slowDisk',
  'diskError',
  'pause',
  'wallClockStep',
  'gracefulClose',
  'falseState',
  'storageLow',
  'slowLeaderDisk',
  'cutSnapshot',
] as const
export type FaultKind = (typeof faultKinds)[number]

/** Each is drawn from a stream of its own: they came later, and seeds without them are to stay what they were. */
const later: ReadonlySet<FaultKind> = new Set(['falseState', 'storageLow', 'slowLeaderDisk', 'cutSnapshot'])

export interface Scenario {
  readonly world: WorldOptions
  readonly clients: number
  /** Mean time between two faults; undefined for none at all. */
  readonly faultEveryMs: number | undefined
  readonly faults: readonly FaultKind[]
  /** How long faults go on, in virtual time. */
  readonly durationMs: number
  /** Mean time between two disks that are found damaged; undefined for none. */
  readonly rotEveryMs: number | undefined
  /** From then on the disk of whoever leads is a hundred times slower than all others; four seconds later its successor crashes. */
  readonly slowLeaderAtMs?: number | undefined
  /** How many calls a client keeps outstanding at most. */
  readonly pipelining: number
}

export function scenarioOf(seed: number): Scenario {
  const random = new SeededRandom(seed, 'scenario')
  const voters = random.pick([3, 3, 3, 5, 5, 1])
  const observers = random.pick([0, 0, 1, 2])
  const calm = random.chance(0.06)
  // A stream of its own, so that the other choices of a seed are what they were before.
  const rot = new SeededRandom(seed, 'rot')
  return {
    world: {
      seed,
      voters,
      observers,
      checkpointEntries: random.pick([4, 12, 40, 200]),
      entriesKept: random.pick([0, 3, 15, 60]),
      networkMs: random.pick([0.3, 1, 3]),
      diskMs: random.pick([0.3, 1, 5, 12]),
    },
    clients: 2 + random.below(4),
    faultEveryMs: calm ? undefined : random.pick([150, 300, 600, 1200]),
    faults: [
      ...faultKinds.filter(kind => !later.has(kind) && random.chance(0.6)),
      ...(voters > 1 && new SeededRandom(seed, 'falseState').chance(0.3) ? (['falseState'] as const) : []),
      ...(new SeededRandom(seed, 'storageLow').chance(0.3) ? (['storageLow'] as const) : []),
      ...(new SeededRandom(seed, 'slowLeaderDisk').chance(0.3) ? (['slowLeaderDisk'] as const) : []),
      ...(new SeededRandom(seed, 'cutSnapshot').chance(0.3) ? (['cutSnapshot'] as const) : []),
    ],
    durationMs: random.between(3000, 9000),
    rotEveryMs: !calm && voters > 1 && rot.chance(0.35) ? rot.pick([500, 1000, 2000]) : undefined,
    pipelining: random.pick([1, 3, 8]),
  }
}

/** For a run that looks for one thing. */
export type ScenarioChange = Partial<Omit<Scenario, 'world'>> & { readonly world?: Partial<WorldOptions> }

export function changeScenario(scenario: Scenario, change: ScenarioChange = {}): Scenario {
  return { ...scenario, ...change, world: { ...scenario.world, ...change.world } }
}

/** The states of peers are falsified while all goes well, now a follower's, now the leader's. */
export const falseStates: ScenarioChange = {
  world: { voters: 3, observers: 1 },
  faults: ['falseState'],
  faultEveryMs: 600,
  rotEveryMs: undefined,
  durationMs: 9000,
}

/** Disks are found damaged all the time, one at a time, and hardly anything else goes wrong. */
export const rotting: ScenarioChange = {
  world: { voters: 3, checkpointEntries: 12, entriesKept: 3 },
  faults: ['crash', 'crashMidStep', 'resetLink'],
  faultEveryMs: 600,
  rotEveryMs: 500,
  durationMs: 9000,
}

/** Nothing goes wrong, but the disk of one leader is slow from some time on: one of the others is to lead instead, and after its crash again. */
export const slowLeader: ScenarioChange = {
  world: { voters: 3, diskMs: 1, networkMs: 0.3 },
  clients: 4,
  pipelining: 3,
  faultEveryMs: undefined,
  rotEveryMs: undefined,
  slowLeaderAtMs: 2000,
  durationMs: 12_000,
}

/** Nothing goes wrong, but every disk is slow: nobody would do better. */
export const evenlySlow: ScenarioChange = {
  world: { voters: 3, diskMs: 100, networkMs: 0.3 },
  clients: 4,
  pipelining: 3,
  faultEveryMs: undefined,
  rotEveryMs: undefined,
  durationMs: 12_000,
}

/** Writes of a learner's clients are under way while its link to the leader comes and goes. */
export const flapping: ScenarioChange = {
  world: { voters: 3, observers: 1, diskMs: 12, networkMs: 0.3 },
  clients: 6,
  pipelining: 8,
  faults: ['flapLearner', 'slowDisk'],
  faultEveryMs: 150,
  durationMs: 9000,
}

/** By the name of the option that asks for them. */
export const modes: Readonly<Record<string, ScenarioChange>> = {
  flapping,
  rotting,
  'false-states': falseStates,
  'slow-leader': slowLeader,
  'evenly-slow': evenlySlow,
}
