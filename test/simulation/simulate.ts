/**
 * Runs seeds on all cores and says what broke.
 *
 *   npm run simulate -- --seeds 500             seeds 1 to 500
 *   npm run simulate -- --minutes 120           fresh seeds, until the time is up
 *   npm run simulate -- --seed 17 --trace       one seed, every input and effect on a line
 *   npm run simulate -- --rotting               a run that looks for one thing: the names in `modes` of scenario.ts
 *   npm run simulate -- --twice                 each seed in two processes: the hashes of their traces must be equal (R4)
 *   --from N (the first seed), --jobs N (processes; as many as there are cores)
 */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { Campaign } from './campaign.js'
import { farm, type Job } from './farm.js'
import { run } from './run.js'
import { modes } from './scenario.js'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '100' },
    from: { type: 'string', default: '1' },
    minutes: { type: 'string' },
    jobs: { type: 'string', default: String(availableParallelism()) },
    seed: { type: 'string' },
    trace: { type: 'boolean', default: false },
    twice: { type: 'boolean', default: false },
    ...Object.fromEntries(Object.keys(modes).map(name => [name, { type: 'boolean' as const, default: false }])),
  },
})
const mode = Object.keys(modes).find(name => (values as Record<string, unknown>)[name] === true)
const campaign = new Campaign(mode)

if (values.seed !== undefined) {
  const seed = Number(values.seed)
  const { seed: _, ...result } = run(seed, {
    ...(values.trace ? { trace: line => console.log(line) } : {}),
    scenario: mode === undefined ? undefined : modes[mode],
  })
  campaign.add({ job: { seed, mode }, ...result })
  console.log(`trace hash ${result.traceHash}`)
} else {
  // Other processes the second time.
  for (let times = values.twice ? 2 : 1; times > 0; times--) {
    await farm(jobs(), result => campaign.add(result), Number(values.jobs))
  }
}

console.log(campaign.report())
process.exitCode = campaign.failed ? 1 : 0

function* jobs(): Generator<Job> {
  const first = Number(values.from)
  const endsAt = values.minutes === undefined ? undefined : performance.now() + Number(values.minutes) * 60_000
  for (
    let seed = first;
    endsAt === undefined ? seed < first + Number(values.seeds) : performance.now() < endsAt;
    seed++
  ) {
    yield { seed, mode }
  }
}
