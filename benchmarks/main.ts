/** npm run bench -- [write] [read] [failover] [million] [--seconds 3] [--in-flight 512] [--trials 20] [--znodes 1000] [--nodes 1000000]; VIVARIUM_CPU_PROFILE=<directory> keeps a profile of each member */
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { failover } from './failover.js'
import { million } from './million.js'
import { read } from './read.js'
import { write } from './write.js'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '3' },
    trials: { type: 'string', default: '20' },
    'in-flight': { type: 'string' },
    znodes: { type: 'string', default: '1000' },
    nodes: { type: 'string', default: '1000000' },
  },
})
const ms = Number(values.seconds) * 1000
const inFlight = values['in-flight'] === undefined ? [1, 8, 64, 512] : [Number(values['in-flight'])]
const questions = new Map([
  ['write', () => write(ms, inFlight)],
  ['read', () => read(ms)],
  ['failover', () => failover(Number(values.trials), Number(values.znodes))],
  ['million', () => million(Number(values.nodes))],
])
const asked = positionals.length === 0 ? ['write', 'read', 'failover'] : positionals
for (const name of asked)
  if (!questions.has(name)) throw new Error(`${name} is none of ${[...questions.keys()].join(', ')}`)
console.log(`node ${process.version}, ${cpus().length} cores of ${cpus()[0]?.model}`)
for (const name of asked) await questions.get(name)!()
