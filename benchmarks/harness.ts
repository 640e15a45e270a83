/**
 * Three members as three processes on this machine, TCP between them, LevelDB on disk; the questions ask them to work and measure.
 *
 * CPU time is process.cpuUsage() of each member over the time of the measurement, the clients that live in it included; on a shared
 * machine it is the figure to trust, then ratios within one run, then rates.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** What a member is asked to do; it answers with `Done`. */
export type Task =
  | { readonly kind: 'create'; readonly count: number; readonly bytes: number }
  | { readonly kind: 'set' | 'get'; readonly inFlight: number; readonly clients: number; readonly ms: number }
  | { readonly kind: 'view'; readonly ms: number }
  /** Opens a session now; the next task finds it open. */
  | { readonly kind: 'open session' }
  | { readonly kind: 'first write' }

export interface Done {
  readonly kind: 'done'
  readonly operations: number
  readonly errors: number
  /** A sample, in milliseconds. */
  readonly latencies: readonly number[]
  /** Milliseconds that the operations took. */
  readonly elapsed: number
  /** Microseconds, of this process. */
  readonly cpu: number
  /** When it was done: milliseconds of the machine's monotonic clock. */
  readonly at: number
}

export interface Status {
  readonly kind: 'status'
  readonly role: string
  readonly serving: boolean
}

export interface MemberConfig {
  readonly id: number
  readonly dataDir: string
  readonly ports: readonly number[]
}

interface Member {
  readonly child: ChildProcess
  role: string
  serving: boolean
}

export const MEMBERS = [1, 2, 3] as const
const extension = extname(import.meta.url)

export class Ensemble {
  readonly #directory: string
  readonly #ports: readonly number[]
  readonly #members = new Map<number, Member>()
  #changed: (() => void)[] = []

  constructor(directory: string, ports: readonly number[]) {
    this.#directory = directory
    this.#ports = ports
  }

  static async start(): Promise<Ensemble> {
    const ensemble = new Ensemble(await mkdtemp(join(tmpdir(), 'vivarium-bench-')), await freePorts(MEMBERS.length))
    for (const id of MEMBERS) ensemble.startMember(id)
    await ensemble.serving()
    return ensemble
  }

  get leader(): number {
    return MEMBERS.find(id => this.#members.get(id)?.role === 'leading') ?? 0
  }

  get followers(): number[] {
    return MEMBERS.filter(id => this.#members.get(id)?.role === 'following')
  }

  startMember(id: number): void {
    const config: MemberConfig = { id, dataDir: join(this.#directory, String(id)), ports: this.#ports }
    const child = fork(fileURLToPath(new URL(`./member${extension}`, import.meta.url)), [JSON.stringify(config)], {
      execArgv: [...(extension === '.ts' ? ['--import', 'tsx'] : []), ...profileArguments(id)],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      serialization: 'advanced',
    })
    const member: Member = { child, role: 'looking', serving: false }
    this.#members.set(id, member)
    child.on('message', (message: Done | Status) => {
      if (message.kind !== 'status') return
      member.role = message.role
      member.serving = message.serving
      for (const changed of this.#changed.splice(0)) changed()
    })
  }

  /** Resolves when a leader and two followers serve. */
  async serving(): Promise<void> {
    const whole = () => this.leader !== 0 && MEMBERS.every(id => this.#members.get(id)?.serving)
    while (!whole()) await new Promise<void>(resolve => this.#changed.push(resolve))
  }

  ask(id: number, task: Task): Promise<Done> {
    const { child } = this.#members.get(id)!
    return new Promise((resolve, reject) => {
      const hear = (message: Done | Status) => {
        if (message.kind !== 'done') return
        child.off('message', hear)
        child.off('exit', gone)
        resolve(message)
      }
      const gone = () => reject(new Error(`member ${id} ended`))
      child.on('message', hear)
      child.once('exit', gone)
      child.send(task)
    })
  }

  /** All at the same time; members that are not asked are told to do nothing, so that their CPU time counts. */
  async askAll(tasks: ReadonlyMap<number, Task>): Promise<ReadonlyMap<number, Done>> {
    const idle: Task = { kind: 'set', inFlight: 0, clients: 0, ms: 0 }
    const longest = Math.max(0, ...[...tasks.values()].map(task => ('ms' in task ? task.ms : 0)))
    const done = MEMBERS.map(async id => [id, await this.ask(id, tasks.get(id) ?? { ...idle, ms: longest })] as const)
    return new Map(await Promise.all(done))
  }

  /** SIGKILL. Resolves with the moment: milliseconds of the machine's monotonic clock. */
  async kill(id: number): Promise<number> {
    const { child } = this.#members.get(id)!
    this.#members.delete(id)
    const at = monotonicMs()
    child.kill('SIGKILL')
    await new Promise(resolve => child.once('exit', resolve))
    return at
  }

  /** Ends the members, in good order when they are to write a profile. */
  async stop(): Promise<void> {
    const ends = [...this.#members.values()].map(({ child }) => new Promise(resolve => child.once('exit', resolve)))
    for (const { child } of this.#members.values()) child.disconnect()
    await Promise.all(ends)
    await rm(this.#directory, { recursive: true, force: true })
  }
}

/** The same clock in all processes of a machine. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN
}

/** Columns aligned to the right, the first to the left. */
export function printTable(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map(row => row[column]!.length)))
  for (const row of [head, ...rows]) {
    console.log(
      row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join('  '),
    )
  }
}

export function whole(value: number): string {
  return Math.round(value).toLocaleString('en')
}

function profileArguments(id: number): string[] {
  const { VIVARIUM_CPU_PROFILE: directory } = process.env
  return directory === undefined
    ? []
    : ['--cpu-prof', `--cpu-prof-dir=${directory}`, `--cpu-prof-name=member-${id}.cpuprofile`]
}

/** Below the range from which the kernel takes ports for outgoing connections: a redial must not take a member's port. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = []
  while (ports.length < count) {
    const port = 12_000 + Math.floor(Math.random() * 20_000)
    if (!ports.includes(port) && (await isFree(port))) ports.push(port)
  }
  return ports
}

function isFree(port: number): Promise<boolean> {
  const server = createServer()
  return new Promise(resolve => {
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
