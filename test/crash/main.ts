/**
 * npm run test:crash -- [--kills 50] [--seed S] [--plant ack-early|lose-last-group|…]
 *
 * Ends with code 1 and says what was violated and how to run it again.
 */
import { parseArgs } from 'node:util'
import { runCrashTest } from './crash-run.js'
import { type PlantedBug, plantedBugs } from './planted-bugs.js'

const { values } = parseArgs({
  options: { kills: { type: 'string', default: '50' }, seed: { type: 'string' }, plant: { type: 'string' } },
})
const kills = Number(values.kills)
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed)
const plant = values.plant as PlantedBug | undefined
if (!Number.isInteger(kills) || kills < 1 || !Number.isInteger(seed))
  throw new Error('--kills and --seed are whole numbers')
if (plant !== undefined && !plantedBugs.includes(plant)) throw new Error(`--plant is one of ${plantedBugs.join(', ')}`)

console.log(`crash test: ${kills} kills, seed ${seed}${plant === undefined ? '' : `, planted bug ${plant}`}`)
const began = performance.now()
const { violations } = await runCrashTest({ kills, seed, plant, say: console.log })
console.log(`took ${Math.round((performance.now() - began) / 1000)} s`)
if (violations.length === 0) console.log('passed: every acknowledged write is there, in order; all digests are equal')
else {
  for (const violation of violations) console.log(`VIOLATION: ${violation}`)
  const again = `npm run test:crash -- --kills ${kills} --seed ${seed}${plant === undefined ? '' : ` --plant ${plant}`}`
  console.log(`again: ${again}`)
  process.exitCode = 1
}
