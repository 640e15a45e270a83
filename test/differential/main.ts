/**
 * npm run test:differential -- [--seeds 1-500] [--ops 300] [--no-shrink]
 *
 * Each seed a sequence, played on Apache ZooKeeper and on three peers of ours; the last line counts. Ends with code 1 when they differ, with the
 * shortest sequence that shows it.
 */
import { parseArgs } from 'node:util'
import { described, judge, shrink } from './judge.js'
import { Ours } from './ours.js'
import { absence, Reference } from './reference.js'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1-500' },
    ops: { type: 'string', default: '300' },
    'no-shrink': { type: 'boolean', default: false },
  },
})
const [first, last = first] = values.seeds.split('-').map(Number)
const asks = Number(values.ops)
if (![first, last, asks].every(Number.isInteger)) throw new Error('--seeds 1-500 --ops 300')

const why = absence()
if (why !== undefined) {
  console.log(`skipped: ${why}`)
  process.exit(0)
}
const [reference, ours] = await Promise.all([Reference.start(), Ours.start()])
const court = { reference: [reference.port], ours: ours.ports }
const failed: number[] = []
const began = Date.now()
for (let seed = first!; seed <= last!; seed++) {
  const verdict = await judge(court, seed, asks)
  if ((seed - first! + 1) % 50 === 0) console.log(`up to seed ${seed}: ${failed.length} failed`)
  if (verdict === undefined) continue
  failed.push(seed)
  console.log(described(values['no-shrink'] ? verdict : await shrink(court, seed, verdict), seed))
}
await Promise.all([reference.stop(), ours.stop()])
const count = last! - first! + 1
console.log(`${Math.round((Date.now() - began) / 1000)} s, ${asks} requests a sequence`)
for (const seed of failed) console.log(`again: npm run test:differential -- --seeds ${seed} --ops ${asks}`)
console.log(`${count - failed.length} passed, ${failed.length} failed`)
process.exitCode = failed.length === 0 ? 0 : 1
