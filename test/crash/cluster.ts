/**
 * The parent's hand on three member processes: starts and kills them, keeps what they report. A process that ends without having been
 * killed by this hand is a violation.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePorts } from '../helpers/free-ports.js'
import type { Ledger } from './ledger.js'
import type { PlantedBug } from './planted-storage.js'
import type { FromMember, MemberConfig, MemberState, ToMember } from './protocol.js'

export const MEMBERS = [1, 2, 3] as const
export type MemberNumber = (typeof MEMBERS)[number]
export const WRITERS = 8

export interface ClusterOptions {
  readonly directory: string
  readonly seed: number
}

interface Member {
  readonly child: ChildProcess
  readonly exited: Promise<void>
  killed: boolean
  role: string
  serving: boolean
}

export class Cluster {
  readonly counts = { snapshots: 0, truncations: 0, expiredSessions: 0 }
  /** Every leadership that was established. */
  readonly epochs = new Set<number>()
  /** Bytes of log that the members keep from their next start on. */
  logBytesKept: (member: MemberNumber) => number = () => 1024 * 1024 * 1024
  readonly #options: ClusterOptions
  readonly #ports: readonly number[]
  readonly #ledger: Ledger
  readonly #members = new Map<MemberNumber, Member>()
  readonly #starts = new Map<MemberNumber, number>()
  readonly #listeners = new Set<(from: MemberNumber, message: FromMember) => void>()

  constructor(options: ClusterOptions, ports: readonly number[], ledger: Ledger) {
    this.#options = options
    this.#ports = ports
    this.#ledger = ledger
  }

  static async make(options: ClusterOptions, ledger: Ledger): Promise<Cluster> {
    return new Cluster(options, await freePorts(MEMBERS.length), ledger)
  }

  dataDir(member: MemberNumber): string {
    return join(this.#options.directory, String(member))
  }

  get running(): MemberNumber[] {
    return [...this.#members.keys()]
  }

  get leader(): MemberNumber | undefined {
    return this.running.find(each => this.#members.get(each)!.role === 'leading' && this.#members.get(each)!.serving)
  }

  start(member: MemberNumber, plant?: PlantedBug): void {
    const start = (this.#starts.get(member) ?? 0) + 1
    this.#starts.set(member, start)
    const config: MemberConfig = {
      id: member,
      dataDir: this.dataDir(member),
      ports: this.#ports,
      seed: this.#options.seed,
      start,
      writers: Array.from({ length: WRITERS }, (_, writer) => writer).filter(
        each => (each % MEMBERS.length) + 1 === member,
      ),
      checkpointLogBytes: 256 * 1024,
      logBytesKept: this.logBytesKept(member),
      plant,
    }
    const child = fork(fileURLToPath(new URL('./member.ts', import.meta.url)), [JSON.stringify(config)], {
      execArgv: ['--import', 'tsx'],
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    const ended = Promise.all([
      new Promise<void>(resolve => child.once('exit', () => resolve())),
      // After the last message that the process had sent.
      new Promise<void>(resolve => child.once('disconnect', () => resolve())),
    ])
    const entry: Member = { child, exited: ended.then(() => {}), killed: false, role: 'looking', serving: false }
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
    else if (message.kind === 'status') {
      member.role = message.role
      member.serving = message.serving
      if (message.role === 'leading' && message.serving) this.epochs.add(message.epoch)
    }
    for (const listener of [...this.#listeners]) listener(from, message)
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
export async function until(ms: number, condition: () => boolean, what: string): Promise<void> {
  const giveUpAt = performance.now() + ms
  while (!condition()) {
    if (performance.now() > giveUpAt) throw new Error(`no ${what} within ${ms} ms`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}
