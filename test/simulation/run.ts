/**
 * One run of a seed: faults while clients work, then a quorum is healed and must make progress in bounded virtual time, then everything is
 * healed and must converge, then every peer closes and nothing may be left.
 */
import { sameDigest } from '../../lib/model/digest.js'
import type { PeerId } from '../../lib/model/ids.js'
import { formatZxid, isAfter, sameZxid } from '../../lib/model/zxid.js'
import { World } from '../../lib/testing/world.js'
import { makeCheckers } from './checkers/checkers.js'
import type { Ledger } from './checkers/ledger.js'
import { GIVEN_UP, Violation } from './checkers/violation.js'
import { Coverage } from './coverage.js'
import { isFalseSession } from './false-state.js'
import { Faults, SUCCESSOR_CRASHES_MS } from './faults.js'
import type { Mutant } from './mutants/mutant.js'
import type { Outcome } from './outcome.js'
import { isQuorum } from './quorum.js'
import { asBefore, changeScenario, type Scenario, type ScenarioChange, scenarioOf } from './scenario.js'
import { Schedule } from './schedule.js'
import { Workload } from './workload.js'

export interface RunResult extends Outcome {
  readonly seed: number
  /** By what each struck peer was (coverage.ts), and at which named point it crashed. */
  readonly coverage: ReadonlyMap<string, number>
}

export interface RunOptions {
  readonly trace?: (line: string) => void
  /** Plants a bug into this world; returns how to take it out again. */
  readonly mutant?: Pick<Mutant, 'plant' | 'scenario'> | undefined
  readonly scenario?: ScenarioChange | undefined
  /** The run is given up after so many. */
  readonly eventsMax?: number | undefined
}

export function run(seed: number, options: RunOptions = {}): RunResult {
  const scenario = changeScenario(scenarioOf(seed), changeOf(options))
  const world = new World({
    ...scenario.world,
    protocol: protocolOf(scenario),
    ...(options.trace === undefined ? {} : { trace: options.trace }),
  })
  const undo = options.mutant?.plant()
  const checkers = makeCheckers(world)
  const coverage = new Coverage(world)
  const schedule = new Schedule(seed, scenario.kept, world)
  const faults = new Faults(world, scenario, schedule, checkers.ledger)
  const workload = new Workload(world, scenario)
  if (scenario.clientsStopAtMs !== undefined) world.after(scenario.clientsStopAtMs, () => workload.stop())
  const { eventsMax } = options
  if (eventsMax !== undefined)
    world.observe({
      stepped: () => {
        if (world.eventNumber > eventsMax) throw new Violation(GIVEN_UP, `${eventsMax} events`)
      },
    })
  let violation: RunResult['violation']
  try {
    for (const peer of world.peers.values()) peer.start()
    if (play(world, scenario, faults, workload, checkers.ledger)) for (const check of checkers.all) check.atEnd?.()
  } catch (error) {
    const row =
      error instanceof Violation
        ? error.row
        : (/^([A-Z]\d+): /.exec(error instanceof Error ? error.message : '')?.[1] ?? 'R1')
    const message =
      error instanceof Violation ? error.message : `${error instanceof Error ? error.stack : String(error)}`
    violation = { row, message, event: world.eventNumber }
    world.note(`VIOLATION ${row} ${message}`)
  } finally {
    undo?.()
  }
  return {
    seed,
    violation,
    traceHash: world.traceHash,
    events: world.eventNumber,
    virtualMs: world.now,
    commits: checkers.ledger.chain.length,
    answered: workload.answered,
    faults: faults.counts,
    coverage: new Map([...coverage.cells, ...faults.points]),
    caused: schedule.caused,
  }
}

/** Often enough to be met, and as fast as it can. */
const REAPS = { containerCheckIntervalMs: 300, containerNeverUsedMs: 800 }

function protocolOf({
  world,
  localSessions,
  lifetimes,
  quotas,
  acl,
  eagerAclCheck,
  faults,
}: Scenario): World['options']['protocol'] {
  return {
    ...world.protocol,
    ...(localSessions && {
      localSessionsEnabled: true,
      localSessionsUpgradingEnabled: localSessions === 'upgraded',
      readOnlyModeEnabled: true,
    }),
    ...(lifetimes && REAPS),
    enforceQuota: quotas === true,
    // What a false state forbids, nobody can justify.
    eagerAclCheck: acl && eagerAclCheck === true && !faults.includes('falseState'),
  }
}

function changeOf({ scenario, mutant }: RunOptions): ScenarioChange | undefined {
  return scenario ?? (mutant && { ...asBefore, ...mutant.scenario })
}

/** False when it has come to a state of which no end can be asked. */
function play(world: World, scenario: Scenario, faults: Faults, workload: Workload, ledger: Ledger): boolean {
  const { tickMs, initLimitTicks, syncLimitTicks } = world.protocol
  const patienceMs = 10 * (initLimitTicks + syncLimitTicks) * tickMs
  const calm = (leaderships: number) => {
    if (scenario.faultEveryMs === undefined && ledger.leaderships.size > leaderships)
      throw new Violation('L6', `${ledger.leaderships.size} leaderships without any fault`)
  }
  const { slowLeaderAtMs } = scenario
  let leaderships = 1
  if (slowLeaderAtMs !== undefined) {
    // The slow leader and its successor, until that one crashes.
    world.run(slowLeaderAtMs + SUCCESSOR_CRASHES_MS)
    calm(2)
    // What was on its way still arrives.
    world.run(world.now + 20)
    // Its successor's, and one more if the slow one alone knows everything: it leads, and hands over again.
    const slow = world.livePeers.find(peer => peer.diskSlowness !== 1)!.core!.status
    const others = world.livePeers.filter(peer => peer.diskSlowness === 1).map(peer => peer.core!.status)
    leaderships = others.every(other => isAfter(slow.logged, other.logged)) ? 4 : 3
  }
  world.run(scenario.durationMs)
  calm(leaderships)
  const leader = world.livePeers.find(peer => peer.core!.status.role === 'leading')
  if (slowLeaderAtMs !== undefined && leader?.diskSlowness !== 1)
    throw new Violation('L4', `peer ${leader?.id}, whose disk is slow, still leads: ${states(world)}`)
  world.note('heal a quorum')
  faults.healQuorum()
  const serving = () => world.livePeers.length > 0 && world.livePeers.every(peer => peer.core!.status.serving)
  // Of two, nobody knows whose state is false: one of them waits for the third.
  const working = () =>
    serving() ||
    (world.livePeers.some(peer => peer.core!.status.serving) &&
      world.livePeers.every(({ core }) => core!.status.serving || core!.status.diverged))
  if (!world.run(world.now + patienceMs, working))
    throw new Violation('L1', `no leader with all live peers after ${patienceMs} ms: ${states(world)}`)
  const before = workload.answered
  const progress = () => workload.answered > before + 20 || scenario.clientsStopAtMs !== undefined
  if (!world.run(world.now + patienceMs, progress)) {
    throw new Violation('L2', `a healthy quorum answers nothing within ${patienceMs} ms: ${workload}; ${states(world)}`)
  }
  world.note('heal everything')
  faults.healAll()
  const { falseStates } = ledger
  if (!world.run(world.now + patienceMs, serving)) {
    // Those who contradict the leader stay out of service, and so do their clients: no more can be asked.
    if (working() && isUndecided(world, falseStates)) return false
    throw new Violation('L1', `not all peers are back after ${patienceMs} ms: ${states(world)}`)
  }
  const voters = world.voterIds()
  const whole = () =>
    serving() && (falseStates.size === 0 || voters.filter(id => falseStates.has(id)).length * 2 > voters.length)
  if (!world.run(world.now + patienceMs, whole))
    throw new Violation(
      'Z31',
      `peers ${[...falseStates]} still have a false state after ${patienceMs} ms: ${states(world)}`,
    )
  workload.stop()
  if (!world.run(world.now + patienceMs, () => workload.idle))
    throw new Violation('L2', `calls hang: ${workload}; ${states(world)}`)
  world.run(world.now + 2 * world.protocol.sessionTimeoutMaxMs)
  // What a slow disk was in the middle of when all was healed has taken its time: a leader may have handed over because of it.
  if (!world.run(world.now + patienceMs, serving))
    throw new Violation('L1', `not all peers are back for good after ${patienceMs} ms: ${states(world)}`)
  converged(world)
  close(world, faults)
  return true
}

/** Nobody can say whose state is right: as many say this as say that, or the many are no quorum by what they weigh. */
function isUndecided(world: World, falseStates: ReadonlySet<PeerId>): boolean {
  const voters = world.voterIds()
  const wrong = voters.filter(id => falseStates.has(id))
  const right = voters.filter(id => !falseStates.has(id))
  if (wrong.length === 0 || wrong.length === right.length) return wrong.length > 0
  return !isQuorum(world, wrong.length > right.length ? wrong : right)
}

export function converged(world: World): void {
  const peers = world.livePeers
  const first = peers[0]!.core!
  for (const peer of peers) {
    const { replica, counts } = peer.core!
    if (!sameZxid(replica.zxid, first.replica.zxid) || !sameDigest(replica.digest, first.replica.digest)) {
      throw new Violation(
        'L3',
        `peers ${peers[0]!.id} and ${peer.id} differ: ${formatZxid(first.replica.zxid)}, ${formatZxid(replica.zxid)}; ${states(world)}`,
      )
    }
    if (counts.clients + counts.outstanding + counts.watches > 0)
      throw new Violation('W9', `peer ${peer.id} still holds ${JSON.stringify(counts)}`)
    // What most of them have is the truth, false as it may be.
    const left = [...replica.sessions.all()].filter(({ session }) => !isFalseSession(session))
    if (left.length > 0) throw new Violation('S3', `peer ${peer.id} still has ${replica.sessions.size} sessions`)
  }
}

/** One after another, the leader not last: each hands over or stops, in bounded time, with nothing left. */
export function close(world: World, faults: Pick<Faults, 'stopRestarting'>): void {
  const { tickMs, syncLimitTicks } = world.protocol
  faults.stopRestarting()
  world.network.close()
  const leaderFirst = world.livePeers.sort(
    (a, b) => Number(b.core!.status.role === 'leading') - Number(a.core!.status.role === 'leading'),
  )
  for (const peer of leaderFirst) {
    peer.receive({ kind: 'close' })
    if (!world.run(world.now + 2 * syncLimitTicks * tickMs, () => !peer.isUp))
      throw new Violation('R3', `peer ${peer.id} does not close`)
    if (peer.stoppedBy !== 'closed')
      throw new Violation('R3', `peer ${peer.id} closed with ${JSON.stringify(peer.stoppedBy)}`)
  }
  world.run(world.now + 60_000)
  if (world.pendingEvents > 0 || world.network.liveLinks > 0)
    throw new Violation('R3', `${world.pendingEvents} events, ${world.network.liveLinks} links are left`)
}

export function states(world: World): string {
  return [...world.peers.values()]
    .map(({ id, core, isPaused }) => {
      if (core === undefined) return `${id} down`
      const { role, phase, leader, epoch, logged, committed, applied } = core.status
      const zxids = [logged, committed, applied].map(formatZxid).join('/')
      return `${id} ${role} ${phase} of ${leader ?? '-'} epoch ${epoch} ${zxids}${isPaused ? ' paused' : ''}`
    })
    .join('; ')
}
