/** One process of farm.ts: a job comes in, its result goes out; the end of the channel is its end. */
import { type Job, runJob } from './job.js'

process.on('message', (job: Job) => {
  void runJob(job).then(result => process.send!(result))
})
