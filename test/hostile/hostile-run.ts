/**
 * Hostile connections by the ten thousand, with some well-behaved clients among them. What must hold: the service is up, whoever behaves is
 * answered as fast as before, and memory does not grow with the number of attacks.
 *
 * Attackers come from many addresses of 127.0.0.0/8, so that the limit per address does not keep them away. Invariants §5.3.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { SeededRandom } from '../../lib/testing/seeded-random.js'
import { type Attack, Attacker, attacks } from './attacks.js'
import type { Report } from './good-clients.js'
import type { Answer, Question } from './server.js'

export interface HostileOptions {
  readonly connections: number
  /** After so many the first look is taken at the memory that all the others must not raise. */
  readonly warmUp: number
  readonly seed: number
  readonly say: (line: string) => void
}

export interface HostileResult {
  readonly byKind: ReadonlyMap<string, number>
  readonly rssBytes: { readonly before: number; readonly warm: number; readonly after: number }
  /** Of that what the program itself still refers to, or has not been collected. */
  readonly heapBytes: { readonly before: number; readonly warm: number; readonly after: number }
  /** Of the well-behaved, before the attack and during it. */
  readonly p99Ms: { readonly before: number; readonly during: number }
  readonly answered: number
  /** Clients that are still attached when all attackers have left: the well-behaved. */
  readonly clientsLeft: number
  readonly perSecond: number
  /** Processor time of the server, those that behave included. */
  readonly cpuMsPerConnection: number
}

const ATTACKERS = 48
const WARM_MS = 2000
const QUIET_MS = 5000
const SETTLE_MS = 3000

export async function runHostile({ connections, warmUp, seed, say }: HostileOptions): Promise<HostileResult> {
  const server = new Child('server.ts', [])
  const behaving: Child[] = []
  try {
    const { port } = (await server.next()) as Required<Answer>
    const good = new Child('good-clients.ts', [String(port)])
    behaving.push(good)
    await pause(WARM_MS)
    await good.ask('report')
    await pause(QUIET_MS)
    const quiet = (await good.ask('report')) as Report
    const before = (await server.ask('memory' satisfies Question)) as Required<Answer>

    const byKind = new Map<string, number>()
    const began = performance.now()
    let next = 0
    const attack = async (until: number): Promise<void> => {
      while (next < until) {
        const number = next++
        const random = new SeededRandom(seed + number, 'hostile')
        const kind = drawn(random)
        byKind.set(kind.name, (byKind.get(kind.name) ?? 0) + 1)
        await kind.run(new Attacker(port, `127.0.${1 + (number % 50)}.${1 + random.below(200)}`, random))
        if (number % 10_000 === 9999) say(`${number + 1} connections`)
      }
    }
    const wave = (until: number) => Promise.all(Array.from({ length: ATTACKERS }, () => attack(until)))
    await wave(warmUp)
    await pause(SETTLE_MS)
    const warm = (await server.ask('memory' satisfies Question)) as Required<Answer>
    await wave(connections)
    const seconds = (performance.now() - began) / 1000
    const attacked = (await good.ask('report')) as Report
    await pause(SETTLE_MS)
    const after = (await server.ask('memory' satisfies Question)) as Required<Answer>
    return {
      byKind,
      rssBytes: { before: before.rssBytes, warm: warm.rssBytes, after: after.rssBytes },
      heapBytes: { before: before.heapBytes, warm: warm.heapBytes, after: after.heapBytes },
      p99Ms: { before: quiet.p99Ms, during: attacked.p99Ms },
      answered: attacked.answered,
      clientsLeft: after.clients,
      perSecond: Math.round(connections / seconds),
      cpuMsPerConnection: (after.cpuMs - before.cpuMs) / connections,
    }
  } finally {
    await Promise.all([...behaving, server].map(child => child.end()))
  }
}

/** A program of this folder, talked to over IPC. Its end is ours to notice: whoever is asked and gone has failed. */
class Child {
  readonly #process: ChildProcess
  readonly #ended: Promise<unknown>

  constructor(file: string, args: readonly string[]) {
    const path = fileURLToPath(new URL(file, import.meta.url))
    this.#process = fork(path, args, { execArgv: ['--import', 'tsx', '--expose-gc'] })
    this.#ended = once(this.#process, 'exit')
  }

  async next(): Promise<unknown> {
    const gone = this.#ended.then(() => {
      throw new Error('a process has ended that should serve')
    })
    const [message] = await Promise.race([once(this.#process, 'message'), gone])
    return message
  }

  ask(question: string): Promise<unknown> {
    this.#process.send(question)
    return this.next()
  }

  async end(): Promise<void> {
    if (this.#process.exitCode === null) this.#process.kill('SIGKILL')
    await this.#ended
  }
}

function drawn(random: SeededRandom): Attack {
  let draw = random.below(attacks.reduce((sum, { share }) => sum + share, 0))
  for (const attack of attacks) {
    draw -= attack.share
    if (draw < 0) return attack
  }
  return attacks[0]!
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}
