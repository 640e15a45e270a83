/** One process of farm.ts: a job comes in, its result goes out; the end of the channel is its end. */
import { type Job, runJob } from './job.js'

process.on('message', (job: Job) => {
  const before = process.cpuUsage()
  void runJob(job).then(result => {
    const { user, system } = process.cpuUsage(before)
    process.send!({ ...result, cpuMs: (user + system) / 1000 })
  })
})
