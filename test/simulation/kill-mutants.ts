/**
 * Plants every bug, at both depths, and looks for the seeds that show it.
 *
 *   npm run test:mutants                          each on its recorded seeds; the table; fails if one lives
 *   npm run test:mutants -- --discover            looks through seeds 1 to 200 and writes mutants/kills.json
 *   npm run test:mutants -- --discover --only sync --seeds 500
 *   npm run test:mutants -- --depth host          only those in hosts and clients (core: only the others)
 */
import { parseArgs } from 'node:util'
import { Farm } from './farm.js'
import { hostMutants } from './host/host-mutants.js'
import type { Job } from './job.js'
import { type Kill, readKills, writeKills } from './mutants/kills.js'
import { mutants } from './mutants/mutants.js'

const KILLS = 3

const { values } = parseArgs({
  options: {
    discover: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    depth: { type: 'string', default: 'both' },
    seeds: { type: 'string', default: '200' },
  },
})

/** Runs of hosts take longer, and their bugs show sooner. */
const SLOW_SEEDS_MAX = 60

interface Planted {
  readonly name: string
  readonly rows: readonly string[]
  readonly depth?: 'host'
}

const all: readonly Planted[] = [...mutants, ...hostMutants.map(each => ({ ...each, depth: 'host' as const }))]
const chosen = all.filter(
  ({ name, depth = 'core' }) => name.includes(values.only) && (values.depth === 'both' || values.depth === depth),
)
const recorded = readKills()
const found = new Map<string, { seed: number; row: string; events: number }[]>(chosen.map(each => [each.name, []]))
const seen = new Map<string, Map<string, number>>(chosen.map(each => [each.name, new Map()]))

/** Mutant by mutant, seed by seed, until it is killed often enough; workers may be a few seeds ahead. */
function* jobs(): Generator<Job> {
  for (const { name, depth } of chosen) {
    const length = Math.min(Number(values.seeds), depth === undefined ? Number.POSITIVE_INFINITY : SLOW_SEEDS_MAX)
    const seeds = values.discover ? Array.from({ length }, (_, index) => index + 1) : (recorded.get(name)?.seeds ?? [])
    for (const seed of seeds) {
      if (values.discover && found.get(name)!.length >= KILLS) break
      yield { seed, depth, mutant: name }
    }
  }
}

const farm = new Farm()
await farm.run(jobs(), ({ job, violation }) => {
  if (violation === undefined) return
  const { name, rows } = all.find(each => each.name === job.mutant)!
  const first = seen.get(name)!
  first.set(violation.row, Math.min(job.seed, first.get(violation.row) ?? job.seed))
  if (rows.includes(violation.row)) {
    found.get(name)!.push({ seed: job.seed, row: violation.row, events: violation.event })
  }
})
farm.close()

const alive: string[] = []
const kills = new Map<string, Kill>(
  values.discover ? [...recorded].filter(([name]) => all.some(each => each.name === name)) : [],
)
for (const { name, rows, depth } of chosen) {
  const killed = found.get(name)!.sort((a, b) => a.seed - b.seed)
  const [first] = killed
  if (first === undefined) alive.push(name)
  else {
    const seeds = killed.slice(0, KILLS).map(each => each.seed)
    const named = Object.fromEntries([...seen.get(name)!].sort(([, a], [, b]) => a - b))
    kills.set(name, {
      ...(depth === undefined ? {} : { depth }),
      row: first.row,
      seeds,
      events: first.events,
      rows: named,
    })
  }
  const by = first === undefined ? `LIVES (expected ${rows.join(', ')})` : `${first.row} in seed ${first.seed}`
  const also = [...seen.get(name)!].filter(([row]) => row !== first?.row).map(([row, seed]) => `${row} (${seed})`)
  console.log(`${name}: ${[by, ...also].join(', ')}`)
}
if (values.discover) writeKills(new Map(all.flatMap(({ name }) => (kills.has(name) ? [[name, kills.get(name)!]] : []))))
const firsts = [...found.values()]
  .filter(each => each.length > 0)
  .map(each => each[0]!.seed)
  .sort((a, b) => a - b)
console.log(
  `\n${chosen.length - alive.length} of ${chosen.length} planted bugs are caught; median first seed ${firsts[Math.floor(firsts.length / 2)]}`,
)
process.exitCode = alive.length === 0 ? 0 : 1
