/**
 * Runs seeds on all cores and says what broke.
 *
 *   npm run simulate -- --seeds 500             seeds 1 to 500
 *   npm run simulate -- --minutes 120           fresh seeds, until the time is up
 *   npm run simulate -- --seed 17 --trace       one seed, every input and effect on a line
 *   npm run simulate -- --rotting               a run that looks for one thing: the names in `modes` of scenario.ts
 *   npm run simulate -- --depth host            hosts, codec, clients and observables, too, as every 20th seed is otherwise (core: none of them)
 *   npm run simulate -- --twice                 each seed in two processes: the hashes of their traces must be equal (R4)
 *   --from N (the first seed), --jobs N (processes; as many as there are cores)
 */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { Campaign } from './campaign.js'
import { farm, type Job, type JobResult } from './farm.js'
import { hostRun } from './host/host-run.js'
import { hostFaultKinds, hostModes } from './host/host-scenario.js'
import { run } from './run.js'
import { diskFaultKinds, faultKinds, modes } from './scenario.js'

/** Of the seeds of an ordinary run, those that are run at the depth of hosts, too. */
const HOST_SEED_EVERY = 20

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '100' },
    from: { type: 'string', default: '1' },
    minutes: { type: 'string' },
    jobs: { type: 'string', default: String(availableParallelism()) },
    seed: { type: 'string' },
    depth: { type: 'string', default: 'both' },
    trace: { type: 'boolean', default: false },
    twice: { type: 'boolean', default: false },
    ...Object.fromEntries(
      Object.keys({ ...modes, ...hostModes }).map(name => [name, { type: 'boolean' as const, default: false }]),
    ),
  },
})
const given = (names: object) => Object.keys(names).find(name => (values as Record<string, unknown>)[name] === true)
const hostMode = given(hostModes)
const mode = given(modes)
const depth = hostMode === undefined ? values.depth : 'host'
const campaign = new Campaign(mode, [...faultKinds, ...diskFaultKinds])
const deep = new Campaign(hostMode, hostFaultKinds, 'host')
const add = (result: JobResult) => (result.job.depth === 'host' ? deep : campaign).add(result)

if (values.seed !== undefined) {
  const seed = Number(values.seed)
  const trace = values.trace ? { trace: (line: string) => console.log(line) } : {}
  const { seed: _, ...result } =
    depth === 'host'
      ? await hostRun(seed, { ...trace, scenario: hostMode === undefined ? undefined : hostModes[hostMode] })
      : run(seed, { ...trace, scenario: mode === undefined ? undefined : modes[mode] })
  add({ job: depth === 'host' ? { seed, mode: hostMode, depth } : { seed, mode }, ...result })
  console.log(`trace hash ${result.traceHash}`)
} else {
  // Other processes the second time.
  for (let times = values.twice ? 2 : 1; times > 0; times--) {
    await farm(jobs(), add, Number(values.jobs))
  }
}

for (const each of [campaign, deep]) if (each.runs > 0) console.log(each.report())
process.exitCode = campaign.failed || deep.failed ? 1 : 0

function* jobs(): Generator<Job> {
  const first = Number(values.from)
  const endsAt = values.minutes === undefined ? undefined : performance.now() + Number(values.minutes) * 60_000
  for (
    let seed = first;
    endsAt === undefined ? seed < first + Number(values.seeds) : performance.now() < endsAt;
    seed++
  ) {
    if (depth !== 'host') yield { seed, mode }
    if (depth === 'host' || (depth === 'both' && mode === undefined && seed % HOST_SEED_EVERY === 0))
      yield { seed, mode: hostMode, depth: 'host' }
  }
}
