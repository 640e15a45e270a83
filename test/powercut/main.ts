/**
 * npm run test:powercut -- [--cuts 500] [--seed S] [--plant unsynced|unsynced-log|mark-first|no-directory-sync]
 *
 * One seed gives the same steps and the same choices; which operations they meet differs a little, since threads take their own time.
 * Ends with code 1 and says what was violated and how to run it again. Without strace (Debian: apt-get install strace) it says so and
 * ends with code 0: there is nothing else to record with.
 */
import { parseArgs } from 'node:util'
import { type PlantedBug, plantedBugs } from './planted.js'
import { runPowerCutTest } from './powercut-run.js'
import { cannotRecord } from './trace.js'

const { values } = parseArgs({
  options: { cuts: { type: 'string', default: '500' }, seed: { type: 'string' }, plant: { type: 'string' } },
})
const cuts = Number(values.cuts)
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed)
const planted = values.plant as PlantedBug | undefined
if (!Number.isInteger(cuts) || cuts < 1 || !Number.isInteger(seed))
  throw new Error('--cuts and --seed are whole numbers')
if (planted !== undefined && !plantedBugs.includes(planted))
  throw new Error(`--plant is one of ${plantedBugs.join(', ')}`)

const reason = cannotRecord()
if (reason !== undefined) console.log(`power cut test: SKIPPED, ${reason}`)
else {
  const what = planted === undefined ? '' : `, planted bug ${planted}`
  console.log(`power cut test: ${cuts} cuts, seed ${seed}${what}`)
  const began = performance.now()
  const { violations, verdicts, refusedUnordered, acknowledged } = await runPowerCutTest({
    cuts,
    seed,
    planted,
    say: console.log,
  })
  console.log(
    `${acknowledged} steps acknowledged; images: ${verdicts.found} whole, ${verdicts.lost} with a loss, ${verdicts.refused} refused ` +
      `(${refusedUnordered} of them where names keep no order); took ${Math.round((performance.now() - began) / 1000)} s`,
  )
  if (violations.length === 0) console.log('passed: everything acknowledged is there, and nothing else')
  else {
    for (const violation of violations.slice(0, 20)) console.log(`VIOLATION: ${violation}`)
    if (violations.length > 20) console.log(`and ${violations.length - 20} more`)
    console.log(
      `again: npm run test:powercut -- --cuts ${cuts} --seed ${seed}${planted === undefined ? '' : ` --plant ${planted}`}`,
    )
    process.exitCode = 1
  }
}
