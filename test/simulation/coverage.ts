/**
 * What faults have hit: for each fault, what the peers that it struck were at that moment (role and phase, as they say themselves), and which named points of
 * crash-points.ts peers have crashed at. Every cell is required, or impossible for a reason that stands here; a campaign that leaves a required one
 * empty has not shown what it is there to show.
 * Before: faults tell the world whom they strike (`struck`, `diskFault`). After: campaign.ts sums the cells of all runs.
 */
import type { PeerPhase } from '../../lib/core/peer-status.js'
import type { RoleName } from '../../lib/core/zab/messages.js'
import { crashPoints } from '../../lib/testing/crash-points.js'
import type { SimulatedPeer } from '../../lib/testing/simulated-peer.js'
import type { World } from '../../lib/testing/world.js'
import { diskFaultKinds, familyFaultKinds, faultKinds } from './scenario.js'

export const phases: readonly PeerPhase[] = ['election', 'discovery', 'synchronization', 'broadcast']
export type Role = RoleName | 'down'
export const roles: readonly Role[] = ['looking', 'following', 'leading', 'observing', 'down']
export const coveredFaults = [...faultKinds, ...familyFaultKinds, ...diskFaultKinds] as const
export type CoveredFault = (typeof coveredFaults)[number]

export class Coverage {
  readonly cells = new Map<string, number>()

  constructor(world: World) {
    world.observe({
      struck: (peer, fault) => this.#count(peer, fault),
      diskFault: (peer, fault) => this.#count(peer, fault),
    })
  }

  #count({ core, fallen }: SimulatedPeer, fault: string): void {
    const { role, phase } = core?.status ?? fallen ?? DOWN
    const name = cellName(fault, phase, role)
    this.cells.set(name, (this.cells.get(name) ?? 0) + 1)
  }
}

const DOWN = { role: 'down', phase: 'election' } as const

export function cellName(fault: string, phase: PeerPhase, role: Role): string {
  return `${fault} ${phase} ${role}`
}

/** Cells, and named points, that a whole campaign must have hit. */
export function requiredCells(): string[] {
  const cells = coveredFaults.flatMap(fault =>
    roles.flatMap(role =>
      phases.filter(phase => impossible(fault, phase, role) === undefined).map(phase => cellName(fault, phase, role)),
    ),
  )
  return [...cells, ...crashPoints.filter(point => !(point in UNREACHED))]
}

/** Why there cannot be such a cell; undefined when it is required. */
export function impossible(fault: CoveredFault, phase: PeerPhase, role: Role): string | undefined {
  const isElection = phase === 'election'
  if (role === 'down')
    return isElection ? IMPOSSIBLE[fault]?.down : 'who is down is in no phase; it is counted under election'
  if (role === 'looking' && !isElection) return 'who looks is in the election'
  if (role !== 'looking' && isElection) return 'who has a role is past the election'
  const reasons = IMPOSSIBLE[fault] ?? {}
  return reasons[`${role} ${phase}` as keyof Reasons] ?? reasons[role]
}

/** By role, or by role and phase. */
type Reasons = Readonly<Partial<Record<Role | `${Role} ${PeerPhase}`, string>>>

const NOT_DOWN: Reasons = { down: 'only who is up can be hit' }
const LEADERS: Reasons = {
  looking: 'strikes leaders only',
  following: 'strikes leaders only',
  observing: 'strikes leaders only',
  down: 'strikes leaders only',
}
const AT_REST = 'found at a start: it strikes disks at rest, whose peers are down'
const RESTING: Reasons = { looking: AT_REST, following: AT_REST, leading: AT_REST, observing: AT_REST }
const SNAPSHOT = 'a snapshot goes from a leader to a learner that synchronises'
const WRITES: Reasons = { down: 'who is down writes nothing' }
const APPENDS = 'entries are appended by learners that synchronise, and in the broadcast'
const INSTALLS = 'only a learner that synchronises installs a snapshot'
const READS =
  'while it runs a peer reads its log and its tree for others only: as a leader with learners to synchronise'

const IMPOSSIBLE: Readonly<Partial<Record<CoveredFault, Reasons>>> = {
  crash: NOT_DOWN,
  crashMidStep: NOT_DOWN,
  crashAll: NOT_DOWN,
  pause: NOT_DOWN,
  gracefulClose: NOT_DOWN,
  falseState: NOT_DOWN,
  storageLow: NOT_DOWN,
  wipe: {
    ...NOT_DOWN,
    observing: 'only voters are wiped, one at a time; a voter that observes is under repair',
  },
  isolateLeader: LEADERS,
  slowLeaderDisk: LEADERS,
  cutSnapshot: {
    ...NOT_DOWN,
    looking: SNAPSHOT,
    'following discovery': SNAPSHOT,
    'following broadcast': SNAPSHOT,
    'leading discovery': SNAPSHOT,
    'observing discovery': SNAPSHOT,
    'observing broadcast': SNAPSHOT,
  },
  crashAtPoint: NOT_DOWN,
  crashInRecovery: NOT_DOWN,
  rollingCrash: NOT_DOWN,
  crashLeaders: LEADERS,
  longPause: NOT_DOWN,
  slowSteps: NOT_DOWN,
  rotMark: RESTING,
  rotIdentity: RESTING,
  lostName: RESTING,
  oldCopy: RESTING,
  syncFails: WRITES,
  writeFails: WRITES,
  lostWrite: WRITES,
  misdirectedWrite: {
    ...WRITES,
    'following discovery': APPENDS,
    'leading discovery': APPENDS,
    'leading synchronization': APPENDS,
    'observing discovery': APPENDS,
  },
  rotSnapshot: {
    ...WRITES,
    'following discovery': INSTALLS,
    'following broadcast': INSTALLS,
    leading: INSTALLS,
    'observing discovery': INSTALLS,
    'observing broadcast': INSTALLS,
  },
  readError: {
    looking: READS,
    following: READS,
    'leading discovery': READS,
    observing: READS,
  },
  stuckDisk: WRITES,
  unsyncedLost: WRITES,
  tornWrite: {
    ...WRITES,
    'leading synchronization':
      'its promise, on disk before it synchronises, was behind all appends and wrote the mark; it appends again in the broadcast',
  },
}

/** Named points that no run comes to. */
export const UNREACHED: Readonly<Record<string, string>> = {}
