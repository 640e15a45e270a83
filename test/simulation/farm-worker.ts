/** One process of farm.ts: a job comes in, its result goes out; the end of the channel is its end. */
import type { Job, JobResult } from './farm.js'
import { mutants } from './mutants/mutants.js'
import { run } from './run.js'
import { modes } from './scenario.js'

process.on('message', (job: Job) => {
  const mutant = job.mutant === undefined ? undefined : mutants.find(each => each.name === job.mutant)!
  const { seed: _, ...result } = run(job.seed, {
    ...(mutant === undefined ? {} : { mutant }),
    scenario: job.mode === undefined ? undefined : modes[job.mode],
  })
  const message: JobResult = { job, ...result }
  process.send!(message)
})
