/**
 * Runs seeds on all cores and says what broke. What broke first is shrunk and saved in regressions/, which every campaign begins with.
 *
 *   npm run simulate -- --seeds 500             seeds 1 to 500
 *   npm run simulate -- --minutes 120           fresh seeds, until the time is up
 *   npm run simulate -- --seed 17 --trace       one seed, every input and effect on a line
 *   npm run simulate -- --seed 17 --shrink      the smallest run that violates the same; saved
 *   npm run simulate -- --replay FILE --trace   what was saved, again
 *   npm run simulate -- --rotting               a run that looks for one thing: the names in `modes` of scenario.ts
 *   npm run simulate -- --depth host            hosts, codec, clients and observables, too, as every 20th seed is otherwise (core: none of them)
 *   npm run simulate -- --twice                 each seed in two processes: the hashes of their traces must be equal (R4)
 *   npm run simulate -- --coverage              says which roles and phases each fault has hit (coverage.ts); fails when a required cell is empty
 *   npm run simulate -- --seek 'wipe discovery leading'   runs that look for one cell of coverage.ts
 *   npm run simulate -- --budget                the whole campaign (budget.ts): other seeds whenever the code is another, until enough was seen
 *   --from N (the first seed), --jobs N (processes; as many as there are cores), --mutant NAME (with a bug planted; nothing is saved)
 */
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { CPU_MINUTES, CPU_MINUTES_MAX, currentCode, firstSeedOf, shortOf, type Totals } from './budget.js'
import { Campaign } from './campaign.js'
import { coveredFaults } from './coverage.js'
import { Farm } from './farm.js'
import { hostFaultKinds, hostModes } from './host/host-scenario.js'
import { commandOf, type Job, type JobResult, runJob } from './job.js'
import { jobOf, readRegression, regressionFiles, saveRegression } from './regression.js'
import { modes } from './scenario.js'
import { seek } from './seek.js'
import { shrink } from './shrink.js'

/** Of the seeds of an ordinary run, those that are run at the depth of hosts, too. */
const HOST_SEED_EVERY = 20
/** For each depth. */
const SHRINK_MS = 60_000

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '100' },
    from: { type: 'string', default: '1' },
    minutes: { type: 'string' },
    jobs: { type: 'string', default: String(availableParallelism()) },
    seed: { type: 'string' },
    replay: { type: 'string' },
    depth: { type: 'string', default: 'both' },
    mutant: { type: 'string' },
    seek: { type: 'string' },
    trace: { type: 'boolean', default: false },
    shrink: { type: 'boolean', default: false },
    coverage: { type: 'boolean', default: false },
    budget: { type: 'boolean', default: false },
    twice: { type: 'boolean', default: false },
    ...Object.fromEntries(
      Object.keys({ ...modes, ...hostModes }).map(name => [name, { type: 'boolean' as const, default: false }]),
    ),
  },
})
const given = (names: object) => Object.keys(names).find(name => (values as Record<string, unknown>)[name] === true)
const hostMode = given(hostModes)
const mode = given(modes)
const { mutant, seek: sought } = values
const depth = hostMode !== undefined ? 'host' : sought !== undefined ? 'core' : values.depth
const campaign = new Campaign(coveredFaults)
const deep = new Campaign(hostFaultKinds, 'host')
let told = 0
const add = (result: JobResult) => {
  ;(result.job.depth === 'host' ? deep : campaign).add(result)
  if (values.budget && spentMinutes() >= told + 5) tellProgress()
}
// Before anything is begun: there may be no such cell.
if (sought !== undefined) seek(sought)
const farm = new Farm(Number(values.jobs))

const one =
  values.replay !== undefined
    ? jobOf(resolve(values.replay))
    : values.seed !== undefined
      ? jobFor(Number(values.seed), depth === 'host')
      : undefined
if (one === undefined) {
  // Other processes the second time.
  for (let times = values.twice ? 2 : 1; times > 0; times--) await farm.run(jobs(), add)
} else if (!values.shrink) {
  const result = await runJob(one, values.trace ? line => console.log(line) : undefined)
  add(result)
  if (one.file !== undefined) compare(one.file, result)
  console.log(`trace hash ${result.traceHash}`)
}

for (const each of [campaign, deep]) if (each.runs > 0) console.log(each.report())
if (values.coverage) console.log(campaign.coverageReport())
const lacking = [
  ...(values.budget ? shortOf(totals()) : []),
  ...(values.budget || values.coverage ? campaign.emptyCells.map(each => `nothing has hit: ${each}`) : []),
]
for (const each of lacking) console.log(each)
if (values.budget)
  console.log(`${spentMinutes().toFixed(1)} minutes of processor time; ${CPU_MINUTES} are what it should take at most`)
const broken = [campaign, deep].flatMap(({ firstBroken }) => firstBroken?.job ?? [])
for (const job of one === undefined ? broken : values.shrink ? [one] : []) await reduce(job)
farm.close()
process.exitCode = campaign.failed || deep.failed || lacking.length > 0 ? 1 : 0

/** Of both depths; a seed that was run at both is one. */
function totals(): Totals {
  const [core, host] = [campaign.totals, deep.totals]
  return { seeds: core.seeds, events: core.events + host.events, faults: core.faults + host.faults }
}

/** Of all workers together. */
function spentMinutes(): number {
  return (campaign.cpuMs + deep.cpuMs) / 60_000
}

/** It takes long. */
function tellProgress(): void {
  told = Math.floor(spentMinutes())
  const { seeds, events, faults } = totals()
  const empty = campaign.emptyCells.length
  console.log(`${told} min: ${seeds} seeds, ${events} events, ${faults} faults, ${empty} cells empty`)
}

/** Whether another seed is to be run. */
function goesOn(ran: number, endsAt: number | undefined): boolean {
  const isShort = () => shortOf(totals()).length + campaign.emptyCells.length > 0
  if (values.budget) return isShort() && spentMinutes() < CPU_MINUTES_MAX
  return endsAt === undefined ? ran < Number(values.seeds) : performance.now() < endsAt
}

function jobFor(seed: number, host: boolean): Job {
  return host ? { seed, mode: hostMode, mutant, depth: 'host' } : { seed, mode, sought, mutant }
}

/** First of all what was once found. */
function* jobs(): Generator<Job> {
  if ([mode, hostMode, mutant, sought].every(each => each === undefined))
    for (const job of regressionFiles().map(jobOf))
      if (depth === 'both' || (depth === 'host') === (job.depth === 'host')) yield job
  const code = currentCode()
  const first = values.budget ? firstSeedOf(code) : Number(values.from)
  if (values.budget) console.log(`code ${code.slice(0, 12)}: fresh seeds from ${first}`)
  const endsAt = values.minutes === undefined ? undefined : performance.now() + Number(values.minutes) * 60_000
  for (let seed = first; goesOn(seed - first, endsAt); seed++) {
    const lacking = values.budget && shortOf(totals()).length === 0 ? campaign.emptyCells : []
    // What luck has not met by now is looked for, one after the other.
    if (lacking.length > 0) yield { seed, sought: lacking[seed % lacking.length] }
    else if (depth !== 'host') yield jobFor(seed, false)
    if (depth === 'host' || (depth === 'both' && mode === undefined && seed % HOST_SEED_EVERY === 0))
      yield jobFor(seed, true)
  }
}

async function reduce(job: Job): Promise<void> {
  const shrunk = await shrink(job, (jobs, done) => farm.run(jobs, done), SHRINK_MS)
  if (shrunk === undefined) return console.log(`\nnothing to shrink: ${commandOf(job)} violates nothing`)
  const { before, after } = shrunk
  const { row, message } = after.violation!
  console.log(
    `\nshrunk from ${before.caused.size} faults and ${before.events} events to ${after.caused.size} and ${after.events}: ${row}: ${message}`,
  )
  for (const [name, what] of after.caused) console.log(`  ${name}: ${what}`)
  if (mutant === undefined && job.file === undefined) console.log(`  ${commandOf(jobOf(saveRegression(shrunk)))}`)
}

/** A file is worth most while its faults do what they did. */
function compare(file: string, { caused }: JobResult): void {
  for (const [name, what] of Object.entries(readRegression(file).faults ?? {}))
    if (caused.get(name) !== what) console.log(`${name} was: ${what}; now ${caused.get(name) ?? 'nothing'}`)
}
