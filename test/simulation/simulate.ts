/**
 * Runs seeds and says what broke.
 *
 *   npm run simulate -- --seeds 500             seeds 1 to 500
 *   npm run simulate -- --seed 17 --trace       one seed, every input and effect on a line
 *   npm run simulate -- --rotting               disks that are found damaged, one after the other
 *   npm run simulate -- --slow-leader           a leader whose disk is slow; --evenly-slow: every disk is
 *   npm run simulate -- --mutants '' --seeds 50 which planted bug is found by which seed (those whose name has the text)
 */
import { parseArgs } from 'node:util'
import { mutants } from './mutants/mutants.js'
import { run } from './run.js'
import { evenlySlow, falseStates, faultKinds, flapping, rotting, slowLeader } from './scenario.js'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '100' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    trace: { type: 'boolean', default: false },
    mutants: { type: 'string' },
    flapping: { type: 'boolean', default: false },
    'false-states': { type: 'boolean', default: false },
    rotting: { type: 'boolean', default: false },
    'slow-leader': { type: 'boolean', default: false },
    'evenly-slow': { type: 'boolean', default: false },
  },
})

const scenarios = {
  flapping,
  rotting,
  'false-states': falseStates,
  'slow-leader': slowLeader,
  'evenly-slow': evenlySlow,
}
const chosen = (Object.keys(scenarios) as (keyof typeof scenarios)[]).find(name => values[name])

const first = Number(values.seed ?? values.from)
const count = values.seed === undefined ? Number(values.seeds) : 1
const started = performance.now()
if (values.mutants !== undefined) {
  for (const mutant of mutants.filter(each => each.name.includes(values.mutants ?? ''))) {
    const found: string[] = []
    for (let seed = first; seed < first + count && found.length < 3; seed++) {
      const { violation, events } = run(seed, { mutant })
      if (violation !== undefined) found.push(`${violation.row} in seed ${seed} (${events} events)`)
    }
    console.log(`${mutant.name} [${mutant.rows}]: ${found.join(', ') || 'NOT FOUND'}`)
  }
  process.exit()
}
const faults = new Map<string, number>()
let events = 0
let commits = 0
let answered = 0
let virtualMs = 0
let rots = 0
const broken: number[] = []

for (let seed = first; seed < first + count; seed++) {
  const result = run(seed, {
    ...(values.trace ? { trace: line => console.log(line) } : {}),
    scenario: chosen === undefined ? undefined : scenarios[chosen],
  })
  events += result.events
  commits += result.commits
  answered += result.answered
  virtualMs += result.virtualMs
  rots += result.rots
  for (const [kind, times] of result.faults) faults.set(kind, (faults.get(kind) ?? 0) + times)
  if (values.seed !== undefined) console.log(`trace hash ${result.traceHash}`)
  if (result.violation === undefined) continue
  broken.push(seed)
  const { row, message, event } = result.violation
  console.log(`\n${row} violated in seed ${seed} at event ${event}: ${message}`)
  console.log(`  npm run simulate -- --seed ${seed}${chosen === undefined ? '' : ` --${chosen}`} --trace`)
}

const seconds = (performance.now() - started) / 1000
console.log(
  `\n${count} seeds, ${events} events, ${Math.round(virtualMs / 1000)} s of virtual time, ${commits} commits, ${answered} answers`,
)
console.log(`${seconds.toFixed(1)} s, ${Math.round(events / seconds)} events/s`)
console.log([...faultKinds.map(kind => `${kind} ${faults.get(kind) ?? 0}`), `bitRot ${rots}`].join(', '))
console.log(broken.length === 0 ? 'no violation' : `${broken.length} violations: seeds ${broken.join(', ')}`)
process.exitCode = broken.length === 0 ? 0 : 1
