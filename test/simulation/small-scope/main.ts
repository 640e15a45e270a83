/**
 * npm run test:small-scope -- [--states 1000000] [--seed 1] [--txns 2] [--crashes 2] [--partitions 1] [--timers 1] [--all] [--mutant NAME]
 *
 * Three peers, two transactions, two crashes, one partition: every order of events, as many as --states allows. Ends with code 1 and the
 * events that lead to what was violated. --all: not here and there, but one state after the other, to the last of a scope that is small enough. --mutant plants one of the bugs of test/simulation/mutants.
 */
import { parseArgs } from 'node:util'
import { mutants } from '../mutants/mutants.js'
import { search } from './search.js'

const { values } = parseArgs({
  options: {
    states: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '1' },
    txns: { type: 'string', default: '2' },
    crashes: { type: 'string', default: '2' },
    partitions: { type: 'string', default: '1' },
    timers: { type: 'string', default: '1' },
    all: { type: 'boolean', default: false },
    mutant: { type: 'string' },
  },
})
const [states, seed, txns, crashes, partitions, timers] = (
  ['states', 'seed', 'txns', 'crashes', 'partitions', 'timers'] as const
).map(name => {
  const value = Number(values[name])
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`--${name} is a whole number`)
  return value
}) as [number, number, number, number, number, number]
const scope = { txns, crashes, partitions, timers }
const mutant = mutants.find(({ name }) => name === values.mutant)
if (values.mutant !== undefined && mutant === undefined)
  throw new Error(`--mutant is one of: ${mutants.map(({ name }) => name).join('; ')}`)
mutant?.plant()

const began = performance.now()
const cpu = process.cpuUsage()
const found = search({ scope, states, seed, all: values.all })
const { user, system } = process.cpuUsage(cpu)
const { seen } = found
console.log(
  `small scope ${JSON.stringify(scope)}, seed ${seed}${mutant === undefined ? '' : `, planted: ${mutant.name}`}: ` +
    `${found.states} states${found.complete ? ', all there are' : ''} by ${found.steps} steps, ${found.localStates} states of single peers (${found.checkedSteps} steps taken by two ways), ` +
    `up to ${found.deepest} events deep; acknowledged in ${seen.acknowledged}, a second epoch in ${seen.epochs}, ` +
    `a crash in ${seen.crashed}, cut in ${seen.cut}; ` +
    `${Math.round((performance.now() - began) / 1000)} s, ${((user + system) / 1e6).toFixed(1)} s of CPU`,
)
if (found.violation !== undefined) {
  console.log(`VIOLATION: ${found.violation.message}`)
  for (const event of found.path) console.log(`  ${event}`)
  process.exitCode = 1
}
