/**
 * npm run test:disk-errors -- [--points 200] [--seed S] [--plant]
 *
 * Ends with code 1 and says what was violated and how to run it again. `--plant`: a store that swallows failed appends, to be found.
 */
import { parseArgs } from 'node:util'
import { runDiskErrors } from './disk-error-run.js'

const { values } = parseArgs({
  options: {
    points: { type: 'string', default: '200' },
    seed: { type: 'string' },
    plant: { type: 'boolean', default: false },
  },
})
const points = Number(values.points)
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed)
if (!Number.isInteger(points) || points < 1 || !Number.isInteger(seed)) {
  throw new Error('--points and --seed are whole numbers')
}
const began = performance.now()
const { violations, skipped, ...counts } = await runDiskErrors({ points, seed, say: console.log, plant: values.plant })
for (const reason of skipped) console.log(`skipped: ${reason}`)
console.log(
  `${counts.points} failed calls and ${counts.fullDisks} full disks: ${counts.failStops} stopped, ${counts.refusedStarts} starts refused, ` +
    `${counts.unharmed} did no harm; ${counts.acknowledged} acknowledged writes looked for; seed ${seed}; ` +
    `took ${Math.round((performance.now() - began) / 1000)} s`,
)
if (violations.length === 0) console.log('passed: nothing acknowledged is lost, and every restart is clean')
else {
  for (const violation of violations) console.log(`VIOLATION: ${violation}`)
  console.log(`again: npm run test:disk-errors -- --points ${points} --seed ${seed}${values.plant ? ' --plant' : ''}`)
  process.exitCode = 1
}
