/**
 * Runs on all cores: each worker is a process with its own copy of the code, so that a planted bug touches nobody else's run.
 *
 * Always holds: a job goes to one worker, results come as they are ready; a worker that dies ends the whole with its error.
 */
import { fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'

export interface Job {
  readonly seed: number
  /** Hosts, codec and clients, too; the core alone otherwise. */
  readonly depth?: 'host' | undefined
  /** A scenario of scenario.ts, or of host/host-scenario.ts, by name, for a run that looks for one thing. */
  readonly mode?: string | undefined
  /** A planted bug by name. */
  readonly mutant?: string | undefined
}

/** What a run says, as far as it can be sent. */
export interface JobResult {
  readonly job: Job
  readonly violation: { readonly row: string; readonly message: string; readonly event: number } | undefined
  readonly traceHash: string
  readonly events: number
  readonly virtualMs: number
  readonly commits: number
  readonly answered: number
  readonly faults: ReadonlyMap<string, number>
}

/** @param jobs asked for the next one whenever a worker is free; `done` sees results in order of completion. */
export async function farm(
  jobs: Iterator<Job, unknown>,
  done: (result: JobResult) => void,
  workers = availableParallelism(),
): Promise<void> {
  await Promise.all(Array.from({ length: workers }, () => work(jobs, done)))
}

function work(jobs: Iterator<Job, unknown>, done: (result: JobResult) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const path = fileURLToPath(new URL('./farm-worker.ts', import.meta.url))
    const worker = fork(path, { execArgv: ['--import', 'tsx'], serialization: 'advanced' })
    const next = () => {
      const job = jobs.next()
      if (job.done) worker.disconnect()
      else worker.send(job.value)
    }
    worker.once('error', reject)
    worker.once('exit', (code, signal) =>
      code === 0 ? resolve() : reject(new Error(`a worker ended with ${signal ?? code}`)),
    )
    worker.on('message', result => {
      done(result as JobResult)
      next()
    })
    next()
  })
}
