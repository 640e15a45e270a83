/**
 * Hostile connections by the ten thousand, with some well-behaved clients among them. What must hold: the service is up, whoever behaves is
 * answered as fast as before, and memory does not grow with the number of attacks.
 *
 * Three processes: the server, those that behave, and the attackers, who get what processor time the others leave (attackers.ts says why). Invariants §5.3.
 */
import { word } from '../helpers/wire-client.js'
import type { Progress } from './attackers.js'
import { Child } from './child.js'
import type { Report } from './good-clients.js'
import type { Answer, Memory, Question } from './server.js'

export interface HostileOptions {
  readonly connections: number
  /** After so many the first look is taken at the memory that all the others must not raise. */
  readonly warmUp: number
  readonly seed: number
  /** Of the attackers, 0 to 19: how far they stand back behind the server and those that behave. */
  readonly niceness: number
  /** How many connections a second the server takes, 0 for any number. */
  readonly pace: number
  /** Told of each ten thousand. */
  readonly progress: (connections: number, memory: Memory) => void
}

export interface HostileResult {
  readonly byKind: ReadonlyMap<string, number>
  readonly memory: { readonly before: Memory; readonly warm: Memory; readonly after: Memory }
  /** Of the well-behaved, before the attack, during it and when it is over. */
  readonly quiet: Report
  readonly attacked: Report
  readonly quietAgain: Report
  /** Clients that are still attached when all attackers have left: the well-behaved. */
  readonly clientsLeft: number
  /** Connections that were not let in, or had to make room. */
  readonly rejected: number
  readonly perSecond: number
  /** Processor time of the server, those that behave included. */
  readonly cpuMsPerConnection: number
}

const WARM_MS = 2000
const QUIET_MS = 5000
const SETTLE_MS = 3000

export async function runHostile(options: HostileOptions): Promise<HostileResult> {
  const { connections, warmUp, seed, niceness, pace, progress } = options
  const server = new Child('server.ts', [String(pace)])
  const children = [server]
  const look = (question: Question) => server.ask(question) as Promise<Answer>
  try {
    const { port, pid } = (await server.next()) as { readonly port: number; readonly pid: number }
    const good = new Child('good-clients.ts', [port, pid].map(String))
    const attackers = new Child('attackers.ts', [port, seed, niceness].map(String))
    children.push(good, attackers)
    await pause(WARM_MS)
    await good.ask('report')
    await pause(QUIET_MS)
    const quiet = (await good.ask('report')) as Report
    const before = await look('settled')

    const began = performance.now()
    const wave = async (until: number): Promise<ReadonlyMap<string, number>> => {
      attackers.tell(until)
      for (;;) {
        const { connections, byKind } = (await attackers.next()) as Progress
        if (byKind !== undefined) return new Map(byKind)
        progress(connections, (await look('as it is')).memory)
      }
    }
    await wave(warmUp)
    await pause(SETTLE_MS)
    const warm = await look('settled')
    const byKind = await wave(connections)
    const seconds = (performance.now() - began - SETTLE_MS) / 1000
    const attacked = (await good.ask('report')) as Report
    await pause(SETTLE_MS)
    const after = await look('settled')
    await good.ask('report')
    await pause(QUIET_MS)
    return {
      byKind,
      memory: { before: before.memory, warm: warm.memory, after: after.memory },
      quiet,
      attacked,
      quietAgain: (await good.ask('report')) as Report,
      clientsLeft: after.clients,
      rejected: Number(/zk_connection_rejected\t(\d+)/.exec(await word(port, 'mntr'))?.[1]),
      perSecond: Math.round(connections / seconds),
      cpuMsPerConnection: (after.cpuMs - before.cpuMs) / connections,
    }
  } finally {
    await Promise.all(children.map(child => child.end()))
  }
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}
