/** What kind of run a seed stands for: drawn from it, so that seeds differ in shape and not only in their dice. */
import { damageKinds } from '../../lib/testing/disk-damage.js'
import { SeededRandom } from '../../lib/testing/seeded-random.js'
import { type DiskFault, writeFaultKinds } from '../../lib/testing/simulated-disk.js'
import type { WorldOptions } from '../../lib/testing/world.js'
import { type ClockFault, clockFaultKinds } from './clock-faults.js'
import { type NetworkFault, networkFaultKinds } from './network-faults.js'
import { type ProcessFault, processFaultKinds } from './process-faults.js'
import type { FamilyPlan, Sought } from './strikes.js'

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
  'pause',
  'wallClockStep',
  'gracefulClose',
  'falseState',
  'storageLow',
  'slowLeaderDisk',
  'cutSnapshot',
  'wipe',
] as const
export type FaultKind = (typeof faultKinds)[number]

/** Each is drawn from a stream of its own: they came later, and seeds without them are to stay what they were. */
const later: ReadonlySet<FaultKind> = new Set(['falseState', 'storageLow', 'slowLeaderDisk', 'cutSnapshot', 'wipe'])

/** Of the families that came later, each with a file of its own. */
export const familyFaultKinds = [...networkFaultKinds, ...processFaultKinds, ...clockFaultKinds] as const

/** Of §4.2, besides slowDisk above. */
export const diskFaultKinds = [
  ...damageKinds,
  ...writeFaultKinds,
  'readError',
  'fullDisk',
  'stuckDisk',
  'unsyncedLost',
  'tornWrite',
] as const satisfies readonly DiskFault[]

/** What takes nothing acknowledged away: a single voter has nobody to bring it back. */
const mild: readonly DiskFault[] = ['syncFails', 'writeFails', 'readError', 'fullDisk', 'stuckDisk']
/** Comes with crashes; nobody causes it. */
const ofItself: readonly DiskFault[] = ['unsyncedLost']

/** Faults that come in series of their own, beside the others. */
export interface Families {
  readonly network?: FamilyPlan<NetworkFault> | undefined
  readonly process?: FamilyPlan<ProcessFault> | undefined
  readonly clock?: FamilyPlan<ClockFault> | undefined
  /** Half of all faults wait for a moment that peers are rarely in (aim.ts). */
  readonly aimed?: boolean
  /** This fault waits for this moment, and no other fault waits for anything (seek.ts). */
  readonly seeks?: Sought | undefined
  /** The named points of `crashAtPoint`; all of them when undefined. */
  readonly crashesAt?: readonly string[]
}

export interface Scenario {
  readonly world: WorldOptions
  readonly clients: number
  /** Mean time between two faults; undefined for none at all. */
  readonly faultEveryMs: number | undefined
  readonly faults: readonly FaultKind[]
  readonly families?: Families | undefined
  /** How long faults go on, in virtual time. */
  readonly durationMs: number
  /** Mean time between two faults of a disk; undefined for none. */
  readonly diskFaultEveryMs: number | undefined
  readonly diskFaults: readonly DiskFault[]
  /** From then on the disk of whoever leads is a hundred times slower than all others; four seconds later its successor crashes. */
  readonly slowLeaderAtMs?: number | undefined
  /** Somebody makes containers and TTL znodes, and the leader reaps them every now and then. */
  readonly lifetimes?: boolean
  /** Somebody sets quotas, and the leader enforces them. */
  readonly quotas?: boolean
  /** How many calls a client keeps outstanding at most. */
  readonly pipelining: number
  /** Between two turns of a client, mean. @default 25 */
  readonly turnMs?: number | undefined
  /** Clients are somebody, and ACLs say what they may do (acl-workload.ts); else all of them may do everything. */
  readonly acl: boolean
  /** … and a peer refuses by its own replica what they may not write. */
  readonly eagerAclCheck?: boolean
  /** New sessions are local ones, upgraded with their first ephemeral or not; some clients are content with reads. */
  readonly localSessions: 'upgraded' | 'never upgraded' | undefined
  /** Of the faults that the seed stands for, those that come, by name (schedule.ts); all of them when undefined. */
  readonly kept?: readonly string[] | undefined
  /** Clients begin nothing after that: a run that was cut down to a violation. No progress is asked for then. */
  readonly clientsStopAtMs?: number | undefined
}

export function scenarioOf(seed: number): Scenario {
  const scenario = ordinaryScenarioOf(seed)
  // What damage rarely hits when much else goes wrong: only one disk may be damaged at a time.
  const isCalm = scenario.faultEveryMs === undefined
  return !isCalm && new SeededRandom(seed, 'damage in motion').chance(0.15)
    ? changeScenario(scenario, damageInMotion)
    : scenario
}

function ordinaryScenarioOf(seed: number): Scenario {
  const random = new SeededRandom(seed, 'scenario')
  const voters = random.pick([3, 3, 3, 5, 5, 1])
  const observers = random.pick([0, 0, 1, 2])
  const calm = random.chance(0.06)
  // A stream of its own, so that the other choices of a seed are what they were before.
  const disk = new SeededRandom(seed, 'disk faults')
  const possible = diskFaultKinds.filter(kind => !ofItself.includes(kind) && (voters > 1 || mild.includes(kind)))
  const lifetimes = new SeededRandom(seed, 'lifetimes').chance(0.25)
  const quotas = new SeededRandom(seed, 'quotas').chance(0.25)
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
    lifetimes,
    quotas,
    clients: 2 + random.below(4),
    faultEveryMs: calm ? undefined : random.pick([150, 300, 600, 1200]),
    faults: [
      ...faultKinds.filter(kind => !later.has(kind) && random.chance(0.6)),
      ...(voters > 1 && new SeededRandom(seed, 'falseState').chance(0.3) ? (['falseState'] as const) : []),
      ...(new SeededRandom(seed, 'storageLow').chance(0.3) ? (['storageLow'] as const) : []),
      ...(new SeededRandom(seed, 'slowLeaderDisk').chance(0.3) ? (['slowLeaderDisk'] as const) : []),
      ...(new SeededRandom(seed, 'cutSnapshot').chance(0.3) ? (['cutSnapshot'] as const) : []),
      ...(voters > 1 && new SeededRandom(seed, 'wipe').chance(0.3) ? (['wipe'] as const) : []),
    ],
    families: calm ? undefined : familiesOf(seed),
    durationMs: random.between(3000, 9000) * new SeededRandom(seed, 'duration').pick([1, 2, 3]),
    diskFaultEveryMs: calm || disk.chance(0.3) ? undefined : disk.pick([150, 400, 1000]),
    diskFaults: possible.filter(() => disk.chance(0.5)),
    pipelining: random.pick([1, 3, 8]),
    turnMs: new SeededRandom(seed, 'turns').pick([25, 12, 6]),
    acl: new SeededRandom(seed, 'acl').chance(0.25),
    eagerAclCheck: new SeededRandom(seed, 'eager ACL check').chance(0.5),
    localSessions: localSessionsOf(seed),
  }
}

/** With all their kinds. */
export const everyFamily: Families = {
  network: { everyMs: 150, kinds: networkFaultKinds },
  process: { everyMs: 300, kinds: processFaultKinds },
  clock: { everyMs: 150, kinds: clockFaultKinds },
}

/** From a stream of its own, as the families below. */
function localSessionsOf(seed: number): Scenario['localSessions'] {
  const random = new SeededRandom(seed, 'local sessions')
  return random.chance(0.15) ? random.pick(['upgraded', 'upgraded', 'never upgraded'] as const) : undefined
}

/** From a stream of their own: they came later. */
function familiesOf(seed: number): Families {
  const random = new SeededRandom(seed, 'families')
  const plan = <Kind extends string>(kinds: readonly Kind[], pace: readonly number[]): FamilyPlan<Kind> | undefined =>
    random.chance(0.7) ? { everyMs: random.pick(pace), kinds: kinds.filter(() => random.chance(0.6)) } : undefined
  return {
    network: plan(networkFaultKinds, [150, 300, 800]),
    process: plan(processFaultKinds, [300, 600, 1500]),
    clock: plan(clockFaultKinds, [150, 300, 800]),
    aimed: random.chance(0.7),
  }
}

/** For a run that looks for one thing. A change that says which faults there are, and how often, means these alone. */
export type ScenarioChange = Partial<Omit<Scenario, 'world'>> & { readonly world?: Partial<WorldOptions> }

/** What came after planted bugs and old runs were recorded: those are looked for without it. */
export const asBefore: ScenarioChange = { lifetimes: false, quotas: false, eagerAclCheck: false }

export function changeScenario(scenario: Scenario, change: ScenarioChange = {}): Scenario {
  const alone = change.faults !== undefined || 'faultEveryMs' in change
  const unless = alone ? { families: undefined, turnMs: undefined } : {}
  return { ...scenario, ...unless, ...change, world: { ...scenario.world, ...change.world } }
}

/** The states of peers are falsified while all goes well, now a follower's, now the leader's. */
export const falseStates: ScenarioChange = {
  world: { voters: 3, observers: 1 },
  faults: ['falseState'],
  faultEveryMs: 600,
  diskFaultEveryMs: undefined,
  durationMs: 9000,
}

/** Disks are found damaged all the time, one at a time, and hardly anything else goes wrong. */
export const rotting: ScenarioChange = {
  world: { voters: 3, checkpointEntries: 12, entriesKept: 3 },
  faults: ['crash', 'crashMidStep', 'resetLink'],
  faultEveryMs: 600,
  diskFaultEveryMs: 300,
  diskFaults: ['rotLog', 'rotTree', 'rotEpochs', 'lostName', 'oldCopy', 'lostWrite', 'misdirectedWrite'],
  durationMs: 9000,
}

/** Damage waits for peers that elect, synchronise and observe, which leaders that crash keep them doing. */
const damageInMotion: ScenarioChange = {
  world: { voters: 3, observers: 1, checkpointEntries: 4 },
  faults: ['crash', 'resetLink', 'flapLearner'],
  faultEveryMs: 400,
  families: { aimed: true, process: { everyMs: 800, kinds: ['crashLeaders', 'crashAtPoint'] } },
  diskFaultEveryMs: 80,
  diskFaults: ['rotLog', 'rotTree', 'rotEpochs', 'lostWrite', 'misdirectedWrite', 'rotSnapshot', 'tornWrite'],
  durationMs: 12_000,
}

/** Disks fail in every way, and hardly anything else goes wrong. */
export const badDisks: ScenarioChange = {
  world: { voters: 3, checkpointEntries: 12, entriesKept: 3 },
  faults: ['crash', 'crashMidStep', 'crashAll', 'slowDisk'],
  faultEveryMs: 600,
  diskFaultEveryMs: 120,
  diskFaults: diskFaultKinds.filter(kind => !ofItself.includes(kind)),
  durationMs: 9000,
}

/** Nothing goes wrong, but the disk of one leader is slow from some time on: one of the others is to lead instead, and after its crash again. */
export const slowLeader: ScenarioChange = {
  world: { voters: 3, diskMs: 1, networkMs: 0.3 },
  clients: 4,
  pipelining: 3,
  faultEveryMs: undefined,
  diskFaultEveryMs: undefined,
  slowLeaderAtMs: 2000,
  durationMs: 12_000,
}

/** Nothing goes wrong, but every disk is slow: nobody would do better. */
export const evenlySlow: ScenarioChange = {
  world: { voters: 3, diskMs: 100, networkMs: 0.3 },
  clients: 4,
  pipelining: 3,
  faultEveryMs: undefined,
  diskFaultEveryMs: undefined,
  durationMs: 12_000,
}

/** Voters lose their disks, two of five at a time at most, and their links with others may seem to live on for a while. */
export const wipes: ScenarioChange = {
  world: { voters: 5, observers: 0 },
  faults: ['wipe', 'crash', 'isolateLeader', 'partition', 'slowDisk', 'halfOpenLink'],
  faultEveryMs: 300,
  durationMs: 9000,
}

/** Writes of a learner's clients are under way while its link to the leader comes and goes. */
export const flapping: ScenarioChange = {
  world: { voters: 3, observers: 1, diskMs: 12, networkMs: 0.3 },
  clients: 6,
  pipelining: 8,
  faults: ['flapLearner', 'slowDisk'],
  faultEveryMs: 150,
  diskFaultEveryMs: undefined,
  durationMs: 9000,
}

/** Many clients that are somebody, and set ACLs with others' writes under way. */
export const acls: ScenarioChange = { acl: true, clients: 6, pipelining: 8 }
/** Containers and TTL znodes, and clocks that are set while leaders change. */
export const lifetimes: ScenarioChange = {
  world: { voters: 3, observers: 1, checkpointEntries: 12, entriesKept: 3 },
  faults: ['wallClockStep', 'crash', 'isolateLeader', 'slowDisk'],
  faultEveryMs: 600,
  diskFaultEveryMs: undefined,
  durationMs: 9000,
  lifetimes: true,
}

/** Members that do not count alike: three groups of unequal weights, and one in them that counts nothing. */
export const weights: ScenarioChange = {
  world: {
    voters: 6,
    observers: 1,
    shares: {
      1: { group: 1, weight: 2 },
      2: { group: 1 },
      3: { group: 2 },
      4: { group: 2, weight: 0 },
      5: { group: 3, weight: 3 },
      6: { group: 3, weight: 2 },
    },
  },
  faults: ['crash', 'crashMidStep', 'isolateLeader', 'partition', 'slowDisk', 'resetLink', 'wipe', 'falseState'],
  faultEveryMs: 300,
  durationMs: 5000,
}

/** Quotas, and members that come back to checkpoints and snapshots. */
export const quotas: ScenarioChange = {
  world: { voters: 3, observers: 1, checkpointEntries: 12, entriesKept: 3 },
  faults: ['crash', 'crashMidStep', 'isolateLeader', 'slowDisk'],
  faultEveryMs: 600,
  diskFaultEveryMs: undefined,
  durationMs: 9000,
  quotas: true,
}

/** Sessions that only their peers know, and an ensemble that is often without a leader for long. */
export const localSessions: ScenarioChange = {
  localSessions: 'upgraded',
  clients: 6,
  pipelining: 3,
}

/** By the name of the option that asks for them. */
export const modes: Readonly<Record<string, ScenarioChange>> = {
  flapping,
  rotting,
  'bad-disks': badDisks,
  'damage-in-motion': damageInMotion,
  'false-states': falseStates,
  'slow-leader': slowLeader,
  'evenly-slow': evenlySlow,
  wipes,
  acls,
  'local-sessions': localSessions,
  lifetimes,
  quotas,
  weights,
}
