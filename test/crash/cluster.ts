/**
 * The parent's hand on the member processes: starts, stops, continues and kills them, keeps what they report. A process that ends without
 * having been killed by this hand is a violation; so are two leaders of one epoch.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import type { Ledger } from './ledger.js'
import { memberProgram } from './member-program.js'
import type { Network } from './network.js'
import type { PlantedBug } from './planted-bugs.js'
import { type FromMember, type MemberConfig, type MemberState, type Pace, type ToMember, WRITERS } from './protocol.js'

export type MemberNumber = number

export interface ClusterOptions {
  readonly directory: string
  readonly seed: number
  readonly members: number
  readonly network: Network
  readonly pace: Pace
}

type Status = Extract<FromMember, { readonly kind: 'status' }>

interface Member {
  readonly child: ChildProcess
  readonly exited: Promise<void>
  killed: boolean
  /** Undefined until the peer is open. */
  status: Status | undefined
  openedAt: bigint | undefined
  /** Of each member, the last beat that a stream here has shown. */
  readonly seen: Map<MemberNumber, number>
}

/** A leadership that was established, and when its leader knew it (nanoseconds of the machine's monotonic clock). */
export interface Established {
  readonly epoch: number
  readonly leader: MemberNumber
  readonly at: bigint
}

export class Cluster {
  readonly counts = { snapshots: 0, truncations: 0, expiredSessions: 0 }
  readonly members: readonly MemberNumber[]
  /** In order of arrival. */
  readonly established: Established[] = []
  /** Bytes of log that the members keep from their next start on. */
  logBytesKept: (member: MemberNumber) => number = () => 1024 * 1024 * 1024
  readonly #options: ClusterOptions
  readonly #ledger: Ledger
  readonly #members = new Map<MemberNumber, Member>()
  readonly #starts = new Map<MemberNumber, number>()
  readonly #listeners = new Set<(from: MemberNumber, message: FromMember) => void>()

  constructor(options: ClusterOptions, ledger: Ledger) {
    this.#options = options
    this.#ledger = ledger
    this.members = Array.from({ length: options.members }, (_, index) => index + 1)
  }

  dataDir(member: MemberNumber): string {
    return join(this.#options.directory, String(member))
  }

  get running(): MemberNumber[] {
    return [...this.#members.keys()]
  }

  /** Of those who say that they lead a working ensemble, the one of the latest epoch: an older one may not know better yet. */
  get leader(): MemberNumber | undefined {
    const leading = this.running.filter(each => {
      const status = this.status(each)
      return status?.role === 'leading' && status.serving
    })
    return leading.toSorted((a, b) => this.status(b)!.epoch - this.status(a)!.epoch)[0]
  }

  /** What a running member has said of itself last. */
  status(member: MemberNumber): Status | undefined {
    return this.#members.get(member)?.status
  }

  openedAt(member: MemberNumber): bigint | undefined {
    return this.#members.get(member)?.openedAt
  }

  /** The writers that live in this member. */
  writersOf(member: MemberNumber): number[] {
    return Array.from({ length: WRITERS }, (_, writer) => writer).filter(
      each => (each % this.members.length) + 1 === member,
    )
  }

  /** The last beat of `beater` that a stream at `member` has shown. */
  seen(member: MemberNumber, beater: MemberNumber): number {
    return this.#members.get(member)?.seen.get(beater) ?? 0
  }

  start(member: MemberNumber, plant?: PlantedBug): void {
    const start = (this.#starts.get(member) ?? 0) + 1
    this.#starts.set(member, start)
    const { network, seed, pace } = this.#options
    const config: MemberConfig = {
      id: member,
      dataDir: this.dataDir(member),
      addresses: network.addresses,
      listen: network.listen(member),
      seed,
      pace,
      start,
      writers: this.writersOf(member),
      checkpointLogBytes: 256 * 1024,
      logBytesKept: this.logBytesKept(member),
      plant,
    }
    const [execPath, ...execArgv] = [...network.prefix(member), process.execPath]
    const child = fork(memberProgram(), [JSON.stringify(config)], {
      execPath: execPath!,
      execArgv,
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    const ended = Promise.all([
      new Promise<void>(resolve => child.once('exit', () => resolve())),
      // After the last message that the process had sent.
      new Promise<void>(resolve => child.once('disconnect', () => resolve())),
    ])
    const entry: Member = {
      child,
      exited: ended.then(() => {}),
      killed: false,
      status: undefined,
      openedAt: undefined,
      seen: new Map(),
    }
    this.#members.set(member, entry)
    child.on('message', message => this.#hear(member, entry, message as FromMember))
    child.once('exit', (code, signal) => {
      if (entry.killed) return
      this.#members.delete(member)
      this.#ledger.violation(`member ${member} ended by itself: ${signal ?? `code ${code}`}`)
    })
  }

  /** SIGKILL; resolves when the process is gone and all that it had reported has been heard. */
  async kill(...victims: readonly MemberNumber[]): Promise<void> {
    const entries = victims.map(victim => this.#members.get(victim)!)
    for (const entry of entries) {
      entry.killed = true
      entry.child.kill('SIGKILL')
    }
    await Promise.all(entries.map(entry => entry.exited))
    for (const victim of victims) this.#members.delete(victim)
  }

  /** SIGSTOP: the process stands still, in the middle of whatever it does. */
  stop(...members: readonly MemberNumber[]): void {
    for (const member of members) this.#members.get(member)!.child.kill('SIGSTOP')
  }

  continue(...members: readonly MemberNumber[]): void {
    for (const member of members) this.#members.get(member)!.child.kill('SIGCONT')
  }

  /** Every member writes this into its own beat, as soon as it can. */
  beat(beat: number): void {
    for (const { child } of this.#members.values()) child.send({ kind: 'beat', beat } satisfies ToMember)
  }

  /** Resolves when all writers stand still, with the sessions that live. */
  async pause(): Promise<ReadonlySet<bigint>> {
    const answers = await this.ask({ kind: 'pause' }, 'paused')
    return new Set([...answers.values()].flatMap(({ sessions }) => sessions.map(({ session }) => session)))
  }

  resume(): void {
    for (const { child } of this.#members.values()) child.send({ kind: 'resume' } satisfies ToMember)
  }

  states(): Promise<ReadonlyMap<MemberNumber, MemberState>> {
    return this.ask({ kind: 'state' }, 'state')
  }

  async ask<K extends FromMember['kind']>(
    question: ToMember,
    kind: K,
  ): Promise<ReadonlyMap<MemberNumber, Extract<FromMember, { readonly kind: K }>>> {
    const answers = new Map<MemberNumber, Extract<FromMember, { readonly kind: K }>>()
    const all = new Promise<void>(resolve => {
      const listener = (from: MemberNumber, message: FromMember) => {
        if (message.kind !== kind) return
        answers.set(from, message as Extract<FromMember, { readonly kind: K }>)
        if (answers.size < this.#members.size) return
        this.#listeners.delete(listener)
        resolve()
      }
      this.#listeners.add(listener)
    })
    for (const { child } of this.#members.values()) child.send(question)
    await within(60_000, all, `an answer to '${question.kind}' from all members`)
    return answers
  }

  #hear(from: MemberNumber, member: Member, message: FromMember): void {
    if (message.kind === 'written') this.#ledger.record(message)
    else if (message.kind === 'deleting') this.#ledger.deleting.add(message.path)
    else if (message.kind === 'violation') this.#ledger.violation(message.what)
    else if (message.kind === 'expired') this.counts.expiredSessions += 1
    else if (message.kind === 'synchronized') this.counts[message.by === 'snapshot' ? 'snapshots' : 'truncations'] += 1
    else if (message.kind === 'confirmed read') this.#ledger.confirmedReads.push(message)
    else if (message.kind === 'seen') member.seen.set(message.beater, message.beat)
    else if (message.kind === 'status') {
      member.openedAt ??= message.at
      member.status = message
      if (message.role === 'leading' && message.serving) this.#establish(message.epoch, from, message.at)
    }
    for (const listener of [...this.#listeners]) listener(from, message)
  }

  #establish(epoch: number, leader: MemberNumber, at: bigint): void {
    const known = this.established.find(each => each.epoch === epoch)
    if (known === undefined) this.established.push({ epoch, leader, at })
    else if (known.leader !== leader)
      this.#ledger.violation(`members ${known.leader} and ${leader} both lead epoch ${epoch}`)
  }
}

/** Rejects, saying what was waited for, when it takes longer. */
export async function within<T>(ms: number, work: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no ${what} within ${ms} ms`)), ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Looks every 20 ms. */
export async function until(ms: number, condition: () => boolean, what: string | (() => string)): Promise<void> {
  const giveUpAt = performance.now() + ms
  while (!condition()) {
    if (performance.now() > giveUpAt) throw new Error(`no ${typeof what === 'string' ? what : what()} within ${ms} ms`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}
