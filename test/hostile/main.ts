/**
 * npm run test:hostile -- [--connections 200000] [--seed S]
 *
 * Prints what was measured; ends with code 1 when the service failed somebody, or kept memory. The last line counts the bounds.
 */
import { parseArgs } from 'node:util'
import { runHostile } from './hostile-run.js'

const { values } = parseArgs({
  options: { connections: { type: 'string', default: '200000' }, seed: { type: 'string', default: '1' } },
})
const connections = Number(values.connections)
const warmUp = Math.min(20_000, Math.ceil(connections / 3))
const MIB = 1024 ** 2
/** On a machine that has other things to do, less than this says nothing. */
const P99_FLOOR_MS = 50

const { byKind, rssBytes, p99Ms, answered, clientsLeft, perSecond } = await runHostile({
  connections,
  warmUp,
  seed: Number(values.seed),
  say: line => console.log(line),
})
for (const [kind, count] of byKind) console.log(`${String(count).padStart(7)} ${kind}`)
const grown = (rssBytes.after - rssBytes.warm) / MIB
console.log(`${connections} connections, ${perSecond} a second; ${answered} answers to those who behave`)
console.log(
  `RSS ${mib(rssBytes.before)} before, ${mib(rssBytes.warm)} after ${warmUp}, ${mib(rssBytes.after)} at the end (${grown.toFixed(1)} MiB more)`,
)
console.log(`p99 of those who behave: ${p99Ms.before.toFixed(1)} ms before, ${p99Ms.during.toFixed(1)} ms during`)

const bounds: readonly (readonly [string, boolean])[] = [
  ['everybody who behaves is served to the end', answered > 0],
  ['nobody else is left', clientsLeft <= 4],
  ['RSS at most 16 MB above that after the first', grown * MIB <= 16e6],
  [`p99 at most twice that of before, or ${P99_FLOOR_MS} ms`, p99Ms.during <= Math.max(2 * p99Ms.before, P99_FLOOR_MS)],
]
for (const [bound, kept] of bounds) console.log(`${kept ? 'kept' : 'NOT kept'}: ${bound}`)
const kept = bounds.filter(([, each]) => each).length
console.log(`${kept} passed, ${bounds.length - kept} failed`)
process.exitCode = kept === bounds.length ? 0 : 1

function mib(bytes: number): string {
  return `${(bytes / MIB).toFixed(1)} MiB`
}
