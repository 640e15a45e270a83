/**
 * npm run test:hostile -- [--connections 200000] [--seed S] [--nice 19] [--pace 1000]
 *
 * Prints what was measured; ends with code 1 when the service failed somebody, or kept memory. The last line counts the bounds.
 * Attackers stand back behind everybody (--nice); on a machine that has other things to do they hardly come through then, and --nice 0 helps.
 * With --pace 0 the server takes as many connections a second as come, so that each attack is heard.
 */
import { parseArgs } from 'node:util'
import type { Report } from './good-clients.js'
import { runHostile } from './hostile-run.js'
import type { Memory } from './server.js'

const { values } = parseArgs({
  options: {
    connections: { type: 'string', default: '200000' },
    seed: { type: 'string', default: '1' },
    nice: { type: 'string', default: '19' },
    pace: { type: 'string', default: '1000' },
  },
})
const connections = Number(values.connections)
/** After so many connections of a whole run memory is looked at for the first time; before, a heap has not found its size. */
const WARM_UP_WHOLE = 20_000
const warmUp = Math.min(WARM_UP_WHOLE, Math.ceil(connections / 3))
const MIB = 1024 ** 2
/** A millisecond more or less is the clock of the event loop. */
const P99_FLOOR_MS = 5
/** … and a few others who come first in one turn of it. */
const SERVED_P99_FLOOR_MS = 2
const BUSY_MS = 3
const growthMax = warmUp >= WARM_UP_WHOLE ? 16e6 : 48e6

const result = await runHostile({
  connections,
  warmUp,
  seed: Number(values.seed),
  niceness: Number(values.nice),
  pace: Number(values.pace),
  progress: (count, memory) => console.log(`${String(count).padStart(7)} connections: ${told(memory)}`),
})
const { byKind, memory, quiet, attacked, quietAgain, clientsLeft, rejected, perSecond, cpuMsPerConnection } = result
for (const [kind, count] of byKind) console.log(`${String(count).padStart(7)} ${kind}`)
console.log(
  `${connections} connections, ${perSecond} a second, ${rejected} of them not let in, ${cpuMsPerConnection.toFixed(2)} ms of the server's CPU each`,
)
const grown = memory.after.rss - memory.warm.rss
console.log(`before: ${told(memory.before)}`)
console.log(`after ${warmUp}: ${told(memory.warm)}`)
console.log(`at the end: ${told(memory.after)} (RSS ${mib(grown)} more)`)
const phases = (of: (report: Report) => number): string =>
  `p99 ${of(quiet).toFixed(1)} ms before, ${of(attacked).toFixed(1)} ms during, ${of(quietAgain).toFixed(1)} ms afterwards`
console.log(`those who behave: ${phases(({ p99Ms }) => p99Ms)}; ${attacked.answered} answers`)
console.log(`without what they waited for a processor: ${phases(({ servedP99Ms }) => servedP99Ms)}`)
console.log(
  `newcomers who behave: ${phases(({ newcomerP99Ms }) => newcomerP99Ms)}; ${attacked.newcomers} sessions, ${attacked.turnedAway} attempts turned away`,
)

const bounds: (readonly [string, boolean])[] = [
  ['everybody who behaves is served to the end', attacked.answered > 0 && attacked.newcomers > 0],
  // The newcomer may be there at that moment.
  ['nobody else is left', clientsLeft <= 5],
  [`RSS at most ${growthMax / 1e6} MB above that after the first`, grown <= growthMax],
]
// A measure of time, so of a whole run alone, by hand: the build machine is shared. And where a quiet server already takes long to be heard, the
// machine is busy with other things, so that only what is left without the waiting for a processor says something.
const within = (before: number, during: number, floor: number): boolean => during <= 2 * Math.max(before, floor)
const busy = Math.max(quiet.p99Ms, quietAgain.p99Ms) > BUSY_MS
if (warmUp < WARM_UP_WHOLE) console.log('not judged: p99, since this is a short run')
else
  bounds.push([
    'p99 without the waiting at most twice that of before',
    within(quiet.servedP99Ms, attacked.servedP99Ms, SERVED_P99_FLOOR_MS),
  ])
if (warmUp >= WARM_UP_WHOLE && busy) console.log('not judged: p99 with the waiting, since the machine is busy')
if (warmUp >= WARM_UP_WHOLE && !busy)
  bounds.push(['p99 at most twice that of before', within(quiet.p99Ms, attacked.p99Ms, P99_FLOOR_MS)])
for (const [bound, kept] of bounds) console.log(`${kept ? 'kept' : 'NOT kept'}: ${bound}`)
const kept = bounds.filter(([, each]) => each).length
console.log(`${kept} passed, ${bounds.length - kept} failed`)
process.exitCode = kept === bounds.length ? 0 : 1

function told({ rss, heapUsed, heapTotal, external }: Memory): string {
  return `RSS ${mib(rss)}, heap ${mib(heapUsed)} of ${mib(heapTotal)}, beside it ${mib(external)}`
}

function mib(bytes: number): string {
  return `${(bytes / MIB).toFixed(1)} MiB`
}
