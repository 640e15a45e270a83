/** One process of farm.ts: a job comes in, its result goes out; the end of the channel is its end. */
import type { Job, JobResult } from './farm.js'
import { hostRun } from './host/host-run.js'
import { hostModes } from './host/host-scenario.js'
import { mutants } from './mutants/mutants.js'
import { run } from './run.js'
import { modes } from './scenario.js'

process.on('message', (job: Job) => {
  void work(job).then(result => process.send!(result))
})

async function work(job: Job): Promise<JobResult> {
  if (job.depth === 'host') {
    const scenario = job.mode === undefined ? undefined : hostModes[job.mode]
    const { seed: _, ...result } = await hostRun(job.seed, { scenario })
    return { job, ...result }
  }
  const mutant = job.mutant === undefined ? undefined : mutants.find(each => each.name === job.mutant)!
  const { seed: _, ...result } = run(job.seed, {
    ...(mutant === undefined ? {} : { mutant }),
    scenario: job.mode === undefined ? undefined : modes[job.mode],
  })
  return { job, ...result }
}
