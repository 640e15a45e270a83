/**
 * One run of a seed at the depth of hosts, codec, clients and observables: faults while applications work, then everything is healed and
 * must make progress in bounded virtual time, then it is quiet and must be current everywhere, then all closes and nothing may be left.
 */
import { config } from 'rxjs'
import { PeerCore } from '../../../lib/core/peer.js'
import type { Logger } from '../../../lib/host/logger.js'
import { sameDigest } from '../../../lib/model/digest.js'
import type { PeerId } from '../../../lib/model/ids.js'
import { formatZxid, sameZxid } from '../../../lib/model/zxid.js'
import { SeededRandom } from '../../../lib/testing/seeded-random.js'
import { VirtualTime } from '../../../lib/testing/virtual/timeline.js'
import { VirtualEnsemble } from '../../../lib/testing/virtual/virtual-ensemble.js'
import { GIVEN_UP, Violation } from '../checkers/violation.js'
import type { Outcome } from '../outcome.js'
import { Schedule } from '../schedule.js'
import { Chain } from './chain.js'
import { Knowledge } from './host-call.js'
import { HostFaults } from './host-faults.js'
import { hostPlaces, type Place } from './host-places.js'
import {
  asBefore,
  type HostFaultKind,
  type HostScenario,
  type HostScenarioChange,
  hostScenarioOf,
} from './host-scenario.js'
import { CALL_MS, HostWorkload } from './host-workload.js'
import { REAPS, Reaped } from './reaped.js'
import { SessionMoves } from './session-moves.js'
import { Verdict } from './verdict.js'

export interface HostRunResult extends Outcome<HostFaultKind> {
  readonly seed: number
  readonly calls: number
  /** What observables said. */
  readonly states: number
  /** How often a session went on at another attachment. */
  readonly moves: number
  /** How calls failed, by code. */
  readonly failed: ReadonlyMap<string, number>
}

export interface HostRunOptions {
  readonly trace?: (line: string) => void
  /** Plants a bug; returns how to take it out again. */
  readonly mutant?: { plant(): () => void; readonly scenario?: HostScenarioChange } | undefined
  readonly scenario?: HostScenarioChange | undefined
  /** The run is given up after so many. */
  readonly eventsMax?: number | undefined
}

/** How late a timer of a healthy process may come, and what the look at deadlines adds. */
const LATE_MS = 200
const LOOK_MS = 25
/** As much shorter than ordinarily as all other times. */
const READ_ONLY_AFTER_MS = 300
/** For each znode of a subtree: some dozens are read at a time, over ways of some dozens of ms. */
const WALK_MS = 20
/** More than twice the shortest session timeout. */
const QUIET_MS = 1500

export async function hostRun(seed: number, options: HostRunOptions = {}): Promise<HostRunResult> {
  const change = options.scenario ?? (options.mutant && { ...asBefore, ...options.mutant.scenario })
  const scenario = hostScenarioOf(seed, change)
  const undo = options.mutant?.plant()
  const run = new HostRun(seed, scenario, options)
  try {
    return await run.play()
  } finally {
    undo?.()
    await run.dispose()
  }
}

class HostRun {
  /** Of the faults. */
  readonly #seed: number
  readonly #scenario: HostScenario
  readonly #time = new VirtualTime()
  readonly #verdict = new Verdict()
  readonly #knowledge = new Knowledge()
  readonly #chain: Chain
  readonly #ensemble: VirtualEnsemble
  readonly #schedule: Schedule
  readonly #moves = new SessionMoves()
  readonly #reaped: Reaped
  readonly #places: readonly Place[]
  readonly #faults: HostFaults
  readonly #workload: HostWorkload
  readonly #undo: (() => void)[] = []
  #event = 0
  /** Errors that subscribers threw: RxJS reports them. */
  thrown = 0

  constructor(ofFaults: number, scenario: HostScenario, options: HostRunOptions) {
    const { trace, eventsMax = Number.POSITIVE_INFINITY } = options
    this.#seed = ofFaults
    this.#scenario = scenario
    const { seed, voters, observers, networkMs, diskMs, splitChance, tickMs, checkpointLogBytes } = scenario
    this.#chain = new Chain({
      durable: peer => this.#ensemble.peer(peer).disk.durable,
      wrote: (value, zxid) => this.#moves.wrote(value, zxid),
      committed: entry => this.#reaped.committed(entry),
      now: () => this.#time.now(),
    })
    this.#reaped = new Reaped(this.#chain, scenario.drift)
    const verdict = this.#verdict
    this.#ensemble = new VirtualEnsemble({
      timeline: this.#time,
      seed,
      voters,
      observers,
      networkMs,
      diskMs,
      splitChance,
      peer: {
        tickMs,
        sessionTimeoutMinMs: 400,
        sessionTimeoutMaxMs: 4000,
        finalizeWaitMs: 20,
        notificationMinMs: 20,
        notificationMaxMs: 2000,
        checkpointLogBytes,
        logEntriesKept: scenario.logEntriesKept,
        logBytesKept: scenario.logEntriesKept === 0 ? 0 : 64 * 1024 * 1024,
        diskFreeBytesMin: 1_000_000,
        outstandingMax: scenario.outstandingMax,
        ...(scenario.lifetimes ? REAPS : {}),
        ...(scenario.localSessions && {
          localSessionsEnabled: true,
          localSessionsUpgradingEnabled: scenario.localSessions === 'upgraded',
          readOnlyModeEnabled: true,
        }),
      },
      protocol: { readOnlyAfterMs: READ_ONLY_AFTER_MS },
      pace: (_, random) => ({
        offsetMs: random.below(1_000_000),
        rate: 1 + random.between(-scenario.drift, scenario.drift),
        timerLateMs: () => (random.chance(0.02) ? random.between(0, 60) : random.between(0, 2)),
      }),
      observer: {
        started: (peer, initial) => verdict.guard(() => this.#chain.started(peer, initial)),
        stepped: (peer, core, input, now, effects) => {
          if (core instanceof PeerCore) this.#cores.set(peer, core)
          verdict.guard(() => this.#chain.stepped(peer, core, input, now, effects))
          if (this.#time.events > eventsMax) verdict.report(GIVEN_UP, `${eventsMax} events`)
        },
      },
      logger: peer => this.#logger(peer, trace),
      trace,
    })
    this.#schedule = new Schedule(ofFaults, scenario.kept, {
      after: (delayMs, run) => this.#time.after(delayMs, run),
      note: text => this.#note(text),
    })
    this.#places = hostPlaces(scenario, this.#ensemble, this.#moves, this.#chain)
    this.#faults = new HostFaults(this.#ensemble, this.#places, this.#time, scenario, this.#schedule)
    this.#workload = new HostWorkload(this.#places, scenario, {
      ensemble: this.#ensemble,
      chain: this.#chain,
      knowledge: this.#knowledge,
      verdict,
      now: () => this.#time.now(),
      wasUp: (peer, ms) =>
        peer === undefined ||
        (peer.process?.paused === false &&
          this.#time.now() - (this.#faults.resumedAt.get(peer.id) ?? Number.NEGATIVE_INFINITY) > ms),
    })
    this.#chain.rules.mayNotExpire = session => this.#mayNotExpire(session)
    this.#watchProcess()
  }

  async play(): Promise<HostRunResult> {
    try {
      await this.#phases()
    } catch (error) {
      this.#verdict.guard(() => {
        throw error
      })
    }
    const { violation } = this.#verdict
    if (violation !== undefined) this.#ensemble.note(`VIOLATION ${violation.row} ${violation.message}`)
    return {
      seed: this.#seed,
      violation: violation && { ...violation, event: this.#event },
      traceHash: this.#ensemble.traceHash,
      events: this.#time.events,
      virtualMs: this.#time.now(),
      commits: this.#chain.entries.length,
      answered: this.#knowledge.answered,
      calls: this.#knowledge.calls,
      states: this.#knowledge.states,
      moves: this.#moves.moves,
      failed: this.#knowledge.failed,
      faults: this.#faults.counts,
      caused: this.#schedule.caused,
    }
  }

  async dispose(): Promise<void> {
    // RxJS reports what subscribers throw by a timer of the process: this one comes behind it.
    await new Promise(resolve => setTimeout(resolve, 0))
    for (const undo of this.#undo) undo()
  }

  async #phases(): Promise<void> {
    const { durationMs, tickMs } = this.#scenario
    const patienceMs = 10 * 15 * tickMs
    for (const peer of this.#ensemble.peers.values()) this.#faults.start(peer)
    this.#look()
    await this.#pass(durationMs)
    this.#note('heal')
    this.#faults.heal()
    await this.#until(
      patienceMs,
      () => this.#serving,
      'L1',
      () => `not all peers serve: ${this.#states()}`,
    )
    const { answered } = this.#knowledge
    const progress = (): boolean =>
      this.#knowledge.answered > answered + 20 && this.#workload.actors.every(actor => actor.attached)
    await this.#until(patienceMs, progress, 'L2', () => `a healthy ensemble answers nothing: ${this.#states()}`)
    this.#note('quiet')
    this.#workload.quiet()
    await this.#until(
      patienceMs,
      () => this.#workload.idle,
      'L2',
      () => `calls hang: ${this.#hanging()}`,
    )
    // Nobody asks anything: sessions go on (S9), and whoever observes has what there is.
    await this.#pass(QUIET_MS)
    // The first walk through a subtree takes its time from afar (seed 3000840 of an older workload was slow, not dead).
    await this.#until(
      2 * CALL_MS + WALK_MS * [...this.#chain.ref.tree.entries()].length,
      () => this.#behind() === undefined,
      'W10',
      () => `silently dead: ${this.#behind()}`,
    )
    await this.#until(
      2 * CALL_MS + 4000,
      () => this.#watchesHeld() === this.#watchesWanted,
      'W9',
      () => `peers hold ${this.#watchesHeld()} watches for ${this.#watchesWanted}`,
    )
    for (const actor of this.#workload.actors) for (const session of actor.sessions) session.atEnd()
    this.#note('stop')
    this.#workload.stop()
    await this.#until(
      patienceMs,
      () => this.#workload.stopped,
      'L2',
      () => `sessions do not close: ${this.#states()}`,
    )
    const gone = (): boolean => this.#chain.ref.sessions.size === 0
    await this.#until(4 * 4000, gone, 'S3', () => `${this.#chain.ref.sessions.size} sessions are left`)
    await this.#until(
      patienceMs,
      () => this.#reaped.left === undefined,
      'L2',
      () => `${this.#reaped.left} is out of use, and there`,
    )
    await this.#until(
      patienceMs,
      () => this.#differing() === undefined,
      'L3',
      () => `${this.#differing()}`,
    )
    this.#nothingOfClients()
    await this.#close()
  }

  #nothingOfClients(): void {
    for (const [path] of this.#chain.ref.tree.entries())
      if ((this.#chain.now(path)?.owner ?? 0n) !== 0n) throw new Violation('S4', `${path} outlives its session`)
    for (const { id, host } of this.#ensemble.running)
      if (host!.channels.size > 0) throw new Violation('R3', `peer ${id} still has ${host!.channels.size} clients`)
  }

  /** The leader first: it hands over. */
  async #close(): Promise<void> {
    this.#note('close')
    this.#faults.stopRestarting()
    await this.#pass(1000)
    const { running } = this.#ensemble
    running.sort((a, b) => Number(b.opened!.status.role === 'leading') - Number(a.opened!.status.role === 'leading'))
    for (const peer of running) {
      const process = peer.process!
      let end: unknown
      peer.opened!.close().then(
        () => {
          end = 'closed'
        },
        error => {
          end = error
        },
      )
      await this.#until(
        10_000,
        () => end !== undefined,
        'R3',
        () => `peer ${peer.id} does not close: ${this.#states()}`,
      )
      if (end !== 'closed') throw new Violation('R3', `peer ${peer.id} closes with ${end}`)
      if (process.timers > 0) throw new Violation('R3', `peer ${peer.id} leaves ${process.timers} timers`)
      peer.crash(false)
    }
    for (const { home, process } of this.#places) {
      if (home !== undefined) continue
      if (process!.timers > 0) throw new Violation('R3', `an application leaves ${process!.timers} timers`)
    }
    await this.#pass(60_000)
    const { pending } = this.#time
    const { liveEnds } = this.#ensemble.network
    if (pending > 0 || liveEnds > 0) throw new Violation('R3', `${pending} events, ${liveEnds} ends of links are left`)
  }

  // --- what is asked all the time

  /** L2: no call outlives its time limit. C14: no stream of a peer that serves nobody claims to be current. */
  #look(): void {
    this.#verdict.guard(() => {
      const now = this.#time.now()
      for (const { place, open, streams } of this.#workload.actors) {
        const { home, process } = place
        if (process === undefined || process.paused) continue
        const resumedAt = (home && this.#faults.resumedAt.get(home.id)) ?? Number.NEGATIVE_INFINITY
        if ((home !== undefined && home.opened === undefined) || now - resumedAt < LATE_MS) continue
        for (const call of open)
          if (now - call.invokedAt > CALL_MS * (1.05 + 1.5 * this.#scenario.drift) + LATE_MS && !call.composite)
            throw new Violation('L2', `${call.kind} ${call.path} has no answer after ${now - call.invokedAt} ms`)
        // One that roams hears of it late.
        if (home?.opened === undefined) continue
        const serves = home.opened.status.serving
        for (const stream of streams)
          if (!serves && stream.end === undefined && stream.stale === false && this.#cutOffFor(home.id) > LOOK_MS)
            throw new Violation('C14', `${stream} claims to be current at peer ${home.id}, which serves nobody`)
      }
      if (!this.#faults.quiet || !this.#serving) this.#wellSince = undefined
      else this.#wellSince ??= now
      for (const { id, opened } of this.#ensemble.running) {
        if (opened!.status.serving) this.#servedAt.set(id, now)
      }
    })
    if (this.#verdict.violation === undefined && !this.#closed) this.#time.after(LOOK_MS, () => this.#look())
  }
  readonly #servedAt = new Map<PeerId, number>()
  readonly #cores = new Map<PeerId, PeerCore>()
  /** No fault is under way, and everybody serves. */
  #wellSince: number | undefined
  #closed = false

  #cutOffFor(peer: PeerId): number {
    return this.#time.now() - (this.#servedAt.get(peer) ?? this.#time.now())
  }

  get #serving(): boolean {
    const { running, peers } = this.#ensemble
    return running.length === peers.size && running.every(({ opened }) => opened!.status.serving)
  }

  #behind(): string | undefined {
    for (const actor of this.#workload.actors)
      for (const stream of actor.streams)
        if (stream.end === undefined && stream.behind !== undefined) return `${stream}: ${stream.behind}`
    for (const { name, session } of this.#workload.actors)
      if (session?.standing.readOnly) return `${name} is served as if there were no leader`
    for (const { events } of this.#workload.actors)
      for (const each of events) if (each.missing !== undefined) return `${each}: it was not told of ${each.missing}`
    return undefined
  }

  get #watchesWanted(): number {
    return this.#workload.actors.reduce((sum, { watches }) => sum + watches, 0)
  }

  #watchesHeld(): number {
    let sum = 0
    for (const { id } of this.#ensemble.running) sum += this.#cores.get(id)?.counts.watches ?? 0
    return sum
  }

  /** S9: attached to a peer that it lives with, and all has been well for so long that nobody can have missed it. */
  #mayNotExpire(id: bigint): boolean {
    const since = this.#wellSince
    const found = this.#workload.actors.find(({ place, session }) => place.home !== undefined && session?.id === id)
    if (found === undefined || since === undefined) return false
    const { beganAt, timeoutMs } = found.session!
    return this.#time.now() - Math.max(since, beganAt) > 2 * timeoutMs
  }

  #hanging(): string {
    const open = this.#workload.actors.flatMap(({ name, open }) => open.map(({ kind }) => `${name} ${kind}`))
    return `${open.join(', ')}; ${this.#states()}`
  }

  #differing(): string | undefined {
    const { running } = this.#ensemble
    const [first] = running
    for (const { id, host } of running) {
      const { replica } = host!.core
      const other = first!.host!.core.replica
      if (sameZxid(replica.zxid, other.zxid) && sameDigest(replica.digest, other.digest)) continue
      return `peers ${first!.id} and ${id} differ at ${formatZxid(other.zxid)}, ${formatZxid(replica.zxid)}`
    }
    return sameDigest(first!.host!.core.replica.digest, this.#chain.ref.digest)
      ? undefined
      : 'all differ from the chain'
  }

  // --- the pieces

  async #pass(ms: number): Promise<void> {
    if (ms >= 60_000) this.#closed = true
    await this.#time.run(this.#time.now() + ms, () => this.#verdict.violation !== undefined)
    this.#stopIfViolated()
  }

  async #until(ms: number, condition: () => boolean, row: string, what: () => string): Promise<void> {
    const held = await this.#time.run(this.#time.now() + ms, () => this.#verdict.violation !== undefined || condition())
    this.#stopIfViolated()
    if (!held) throw new Violation(row, `after ${ms} ms ${what()}`)
  }

  #stopIfViolated(): void {
    const { violation } = this.#verdict
    this.#event = this.#time.events
    if (violation !== undefined) throw new Violation(violation.row, violation.message)
  }

  #note(text: string): void {
    this.#ensemble.note(text)
  }

  #states(): string {
    return [...this.#ensemble.peers.values()]
      .map(({ id, opened, process }) => {
        if (opened === undefined) return `${id} down`
        const { role, phase, leader, epoch, serving } = opened.status
        return `${id} ${role} ${phase} of ${leader ?? '-'} epoch ${epoch}${serving ? ' serving' : ''}${process!.paused ? ' paused' : ''}`
      })
      .join('; ')
  }

  /** Throws now and then, as loggers do (R1). */
  #logger(peer: PeerId, trace: ((line: string) => void) | undefined): Logger {
    const random = new SeededRandom(this.#scenario.seed, `logger ${peer}`)
    const say = (level: string) => (message: string, fields?: unknown) => {
      const { code } = (fields ?? {}) as { code?: string }
      // Not a note: messages of peers are no part of the trace's hash.
      trace?.(`${' '.repeat(13)}${peer} ${level}: ${message} ${JSON.stringify(fields ?? {})}`)
      if (code !== undefined && level === 'error' && code !== 'STORAGE_FAILED')
        this.#verdict.report('R1', `peer ${peer} fails: ${code} ${JSON.stringify(fields)}`)
      if (random.chance(0.05)) throw new Error('of the application')
    }
    return { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') }
  }

  /** R1: nobody hears of us but by what we promise. */
  #watchProcess(): void {
    const rejected = (reason: unknown): void =>
      this.#verdict.report('R1', `an unhandled rejection: ${reason instanceof Error ? reason.stack : reason}`)
    process.on('unhandledRejection', rejected)
    this.#undo.push(() => process.off('unhandledRejection', rejected))
    const { onUnhandledError } = config
    config.onUnhandledError = error => {
      if (error?.message === 'of the application') this.thrown += 1
      else this.#verdict.report('R1', `thrown into RxJS: ${error?.stack}`)
    }
    this.#undo.push(() => {
      config.onUnhandledError = onUnhandledError
    })
  }
}
