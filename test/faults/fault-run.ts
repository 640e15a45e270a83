/**
 * One phase of the fault test: an ensemble of processes, clients at every member, faults of one kind, cycle by cycle.
 *
 * After each fault: a leader within 2 × initLimit from when one is possible, writes acknowledged, every member serving, and a beat of every
 * member shown by the streams of all. Every few cycles, and at the end: equal digests, streams that show what is there; at the very
 * end the disks are read and every report of every client is judged (crash/verify.ts).
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkAnswers } from '../crash/answers.js'
import { Chance } from '../crash/chance.js'
import { Cluster, type MemberNumber, until } from '../crash/cluster.js'
import { Ledger } from '../crash/ledger.js'
import type { Network } from '../crash/network.js'
import type { PlantedBug } from '../crash/planted-bugs.js'
import { type Pace, TICK_MS } from '../crash/protocol.js'
import { checkLive, PATIENCE_MS, pause, startMissing } from '../crash/settled.js'
import { verifyDisks } from '../crash/verify.js'
import { inflict, type PhaseKind, whoServes } from './cycles.js'

export interface PhaseOptions {
  readonly kind: PhaseKind
  readonly members: number
  readonly cycles: number
  /** How many of this kind there were before: kinds take turns across ensembles. */
  readonly before?: number
  readonly seed: number
  readonly network: (members: number, chance: Chance) => Promise<Network>
  readonly plant?: PlantedBug | undefined
  readonly say: (line: string) => void
}

export interface CycleResult {
  readonly kind: string
  /** From when service was possible again to the first acknowledged write that had begun since. */
  readonly unavailableMs: number
  /** To the leader that was established in that time; 0 when the old one went on. */
  readonly leaderMs: number
}

export interface PhaseResult {
  readonly options: PhaseOptions
  readonly cycles: readonly CycleResult[]
  readonly elections: number
  readonly acknowledged: number
  readonly unknown: number
  readonly confirmedReads: number
  readonly violations: readonly string[]
}

/** Of a member's core: its default, in ticks. */
const INIT_LIMIT_TICKS = 10
export const LEADER_WITHIN_MS = 2 * INIT_LIMIT_TICKS * TICK_MS
const SESSION_TIMEOUT_MS = 1000
const PAUSE_MS_MAX = 10 * SESSION_TIMEOUT_MS
const CYCLES_PER_CHECK = 10

export async function runPhase(options: PhaseOptions): Promise<PhaseResult> {
  const { kind, members, cycles: count, before = 0, seed, plant, say } = options
  const chance = new Chance(seed)
  const directory = await mkdtemp(join(tmpdir(), 'vivarium-faults-'))
  const ledger = new Ledger()
  const network = await options.network(members, chance)
  const pace: Pace = { burstPauseMs: 100, sessionTimeoutMs: SESSION_TIMEOUT_MS, observe: true }
  const cluster = new Cluster({ directory, seed, members, network, pace }, ledger)
  const firstServed = (since: bigint, at: readonly MemberNumber[]) =>
    ledger.firstEndAfter(
      since,
      at.flatMap(member => cluster.writersOf(member)),
    )
  const resumed = (since: bigint, at: readonly MemberNumber[]) =>
    until(
      PATIENCE_MS,
      () => firstServed(since, at) !== undefined || ledger.violations.length > 0,
      () => `acknowledged write at ${at.join(' or ')}; ${describe(cluster)}`,
    )
  const cycles: CycleResult[] = []
  let beat = 0
  const everybodyWorks = async (): Promise<void> => {
    await until(
      PATIENCE_MS,
      () => whoServes(cluster).length === members || ledger.violations.length > 0,
      () => `ensemble in which everybody serves; ${describe(cluster)}`,
    )
    cluster.beat(++beat)
    const seen = () =>
      cluster.members.every(member => cluster.members.every(beater => cluster.seen(member, beater) >= beat))
    await until(
      PATIENCE_MS,
      () => seen() || ledger.violations.length > 0,
      () => `beat ${beat} of everybody in the streams of everybody; ${describe(cluster)}`,
    )
  }
  try {
    startMissing(cluster, plant)
    await everybodyWorks()
    for (let cycle = 0; cycle < count && ledger.violations.length === 0; cycle++) {
      await pause(chance.between(50, 1000))
      await until(PATIENCE_MS, () => cluster.leader !== undefined, 'leader')
      const setting = { cluster, network, chance, plant, cycle: before + cycle, pauseMsMax: PAUSE_MS_MAX, resumed }
      const { kind: what, what: details, since, at } = await inflict(kind, setting)
      await resumed(since, at)
      checkAnswers(cluster.established, ledger)
      const served = firstServed(since, at)
      if (served === undefined) break
      const leader = cluster.established.find(each => each.at > since && each.at < served)
      const result: CycleResult = {
        kind: what,
        unavailableMs: msBetween(since, served),
        leaderMs: leader === undefined ? 0 : msBetween(since, leader.at),
      }
      cycles.push(result)
      say(
        `${String(cycle + 1).padStart(4)}  ${kind} ${what}: ${details}; leader after ${result.leaderMs} ms, ` +
          `service after ${result.unavailableMs} ms; acknowledged ${ledger.counts.acknowledged}`,
      )
      if (result.leaderMs > LEADER_WITHIN_MS)
        ledger.violation(`a leader after ${result.leaderMs} ms, more than ${LEADER_WITHIN_MS} (${what}: ${details})`)
      await everybodyWorks()
      if ((cycle + 1) % CYCLES_PER_CHECK === 0 && cycle + 1 < count) {
        await checkLive(cluster, ledger)
        cluster.resume()
      }
    }
    if (ledger.violations.length === 0) {
      const live = await checkLive(cluster, ledger)
      await cluster.kill(...cluster.running)
      const dataDirs = cluster.members.map(member => cluster.dataDir(member))
      await verifyDisks(dataDirs, live, cluster.established, ledger)
    }
    checkAnswers(cluster.established, ledger)
  } catch (error) {
    checkAnswers(cluster.established, ledger)
    ledger.violation(error instanceof Error ? (error.stack ?? error.message) : String(error))
  } finally {
    await cluster.kill(...cluster.running)
    await network.close()
  }
  if (ledger.violations.length === 0) await rm(directory, { recursive: true, force: true })
  else say(`the data of the members are in ${directory}`)
  const { acknowledged, unknown } = ledger.counts
  return {
    options,
    cycles,
    elections: cluster.established.length,
    acknowledged,
    unknown,
    confirmedReads: ledger.confirmedReads.length,
    violations: ledger.violations,
  }
}

function describe(cluster: Cluster): string {
  return cluster.running
    .map(member => {
      const status = cluster.status(member)
      if (status === undefined) return `${member}: not open`
      const links = status.troubles.length === 0 ? '' : ` (${status.troubles.join('; ')})`
      return `${member}: ${status.role} in epoch ${status.epoch}${status.serving ? ', serving' : ''}${links}`
    })
    .join(', ')
}

function msBetween(from: bigint, to: bigint): number {
  return Number((to - from) / 1_000_000n)
}
