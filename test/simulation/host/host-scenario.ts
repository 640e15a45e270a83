/** What kind of run a seed stands for at the depth of hosts and clients: drawn from it, so that seeds differ in shape. */
import { SeededRandom } from '../../../lib/testing/seeded-random.js'

export const hostFaultKinds = [
  'crash',
  'crashSilently',
  'crashAll',
  'resetLink',
  'halfOpenLink',
  'partition',
  'oneWayPartition',
  'isolateLeader',
  'clog',
  'slowNetwork',
  'slowDisk',
  'diskError',
  'readError',
  'stuckDisk',
  'fullDisk',
  'lowDisk',
  'damagedDisk',
  'wipedDisk',
  'pause',
  'wallClockStep',
  'gracefulClose',
  'damagedFrame',
  'moveSession',
  'narrowLink',
  'crumblingLink',
] as const
export type HostFaultKind = (typeof hostFaultKinds)[number]

export interface HostScenario {
  /** Of all dice but the faults'. */
  readonly seed: number
  readonly voters: number
  readonly observers: number
  readonly networkMs: number
  readonly diskMs: number
  readonly splitChance: number
  readonly tickMs: number
  readonly checkpointLogBytes: number
  readonly logEntriesKept: number
  /** How much faster or slower than the others' a clock may run. */
  readonly drift: number
  readonly clients: number
  /** How many of them are in no peer's process, and go from one to another. */
  readonly roaming: number
  readonly pipelining: number
  /** How many of them are on their way at most, and how many writes a peer takes of all its clients. */
  readonly inFlightMax: number
  readonly outstandingMax: number
  /** Some values are so long at most: they fill links and logs. */
  readonly valueBytesMax: number
  /** Applications are somebody, and ACLs say what they may do (occasional-calls.ts); else all of them may do everything. */
  readonly access: boolean
  /** They make containers and TTL znodes, which the leader takes away. */
  readonly lifetimes: boolean
  /** They make several reads of one moment. */
  readonly multiReads: boolean
  /** New sessions are local ones, upgraded with their first ephemeral or not; whoever roams may be content with reads where there is no leader. */
  readonly localSessions: 'upgraded' | 'never upgraded' | undefined
  /** Mean time between two faults; undefined for none at all. */
  readonly faultEveryMs: number | undefined
  readonly faults: readonly HostFaultKind[]
  readonly durationMs: number
  /** Of the faults that the seed stands for, those that come, by name (../schedule.ts); all of them when undefined. */
  readonly kept?: readonly string[] | undefined
}

export type HostScenarioChange = Partial<HostScenario>

/** What came after planted bugs and old runs were recorded: those are looked for without it. */
export const asBefore = {
  access: false,
  lifetimes: false,
  multiReads: false,
  localSessions: undefined,
} satisfies HostScenarioChange

export function hostScenarioOf(seed: number, change: HostScenarioChange = {}): HostScenario {
  const random = new SeededRandom(seed, 'host scenario')
  const calm = random.chance(0.08)
  return {
    seed,
    voters: random.pick([3, 3, 3, 5, 1]),
    observers: random.pick([0, 0, 1]),
    networkMs: random.pick([0.3, 1, 3]),
    diskMs: random.pick([0.3, 1, 5]),
    splitChance: random.pick([0, 0.05, 0.3]),
    tickMs: 200,
    checkpointLogBytes: random.pick([1024, 4096, 65_536]),
    logEntriesKept: random.pick([0, 10, 100]),
    drift: random.pick([0, 0.02, 0.02, 0.3]),
    clients: 2 + random.below(5),
    roaming: random.pick([0, 1, 2]),
    pipelining: random.pick([1, 3, 8]),
    inFlightMax: random.pick([1, 2, 1000, 1000]),
    outstandingMax: random.pick([3, 10_000, 10_000, 10_000]),
    valueBytesMax: random.pick([0, 0, 0, 0, 3000, 30_000]),
    access: new SeededRandom(seed, 'host access').chance(0.25),
    lifetimes: new SeededRandom(seed, 'host lifetimes').chance(0.2),
    multiReads: new SeededRandom(seed, 'host multi reads').chance(0.3),
    localSessions: localSessionsOf(seed),
    faultEveryMs: calm ? undefined : random.pick([150, 300, 600, 1200]),
    faults: hostFaultKinds.filter(() => random.chance(0.6)),
    durationMs: random.between(3000, 8000),
    ...change,
  }
}

/** From a stream of its own, as what stands above it: they came later. */
function localSessionsOf(seed: number): HostScenario['localSessions'] {
  const random = new SeededRandom(seed, 'host local sessions')
  return random.chance(0.2) ? random.pick(['upgraded', 'upgraded', 'never upgraded'] as const) : undefined
}

/** Logs are short and links break: members come back to snapshots, and their clients attach anew. */
export const snapshots: HostScenarioChange = {
  voters: 3,
  observers: 1,
  checkpointLogBytes: 1024,
  logEntriesKept: 0,
  clients: 6,
  faultEveryMs: 300,
  faults: ['partition', 'resetLink', 'isolateLeader', 'clog'],
  durationMs: 6000,
}

/** Sessions go from peer to peer, with their requests still on the way and leaders that come and go. */
export const moving: HostScenarioChange = {
  voters: 3,
  clients: 5,
  roaming: 4,
  pipelining: 8,
  diskMs: 5,
  faultEveryMs: 80,
  // Moves above all: without a leader for long there are none that arrive.
  faults: [...Array<HostFaultKind>(9).fill('moveSession'), 'slowDisk', 'isolateLeader', 'pause', 'crash'],
  durationMs: 6000,
}

/** Disks that fail in every way: members stop, are repaired by the others, and come back with nothing. */
const failingDisks: HostScenarioChange = {
  faultEveryMs: 200,
  faults: [
    'diskError',
    'readError',
    'stuckDisk',
    'fullDisk',
    'damagedDisk',
    'damagedDisk',
    'wipedDisk',
    'slowDisk',
    'crash',
  ],
  durationMs: 6000,
}

/** Applications that are somebody, at home and on the way, with ACLs in the way of their calls and watches. */
export const somebodies: HostScenarioChange = { access: true, multiReads: true, clients: 6, roaming: 2 }

/** Sessions that one peer alone knows, and an ensemble that is often without a leader, for those who are content with reads. */
export const leaderless: HostScenarioChange = {
  localSessions: 'never upgraded',
  voters: 3,
  clients: 6,
  roaming: 5,
  faultEveryMs: 300,
  faults: ['isolateLeader', 'partition', 'crash', 'crashAll', 'moveSession'],
  durationMs: 6000,
}

/** By the name that `npm run simulate` knows each by. */
export const hostModes: Readonly<Record<string, HostScenarioChange>> = {
  snapshots,
  moving,
  'failing-disks': failingDisks,
  somebodies,
  leaderless,
}
