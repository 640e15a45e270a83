/**
 * Runs on all cores: each worker is a process with its own copy of the code, so that a planted bug touches nobody else's run.
 *
 * Always holds: a worker has one job at a time; one that dies ends the whole with its error. Until it is closed, this process does not end.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Job, JobResult } from './job.js'

/** What an event makes is garbage soon after it: with room enough little of it is copied before it is. */
const NURSERY_MB = 64

export class Farm {
  readonly #workers: number
  readonly #idle: ChildProcess[] = []

  constructor(workers = availableParallelism()) {
    this.#workers = workers
  }

  /**
   * @param jobs asked for the next one whenever a worker is free.
   * @param done sees results in order of completion. When it says true nothing more is begun; what is under way still comes.
   */
  async run(jobs: Iterator<Job, unknown>, done: (result: JobResult) => unknown): Promise<void> {
    let enough = false
    const work = async (): Promise<void> => {
      const worker = this.#idle.pop() ?? begin()
      while (!enough) {
        const job = jobs.next()
        if (job.done) break
        if (done({ ...(await ask(worker, job.value)), job: job.value }) === true) enough = true
      }
      this.#idle.push(worker)
    }
    await Promise.all(Array.from({ length: this.#workers }, work))
  }

  close(): void {
    for (const worker of this.#idle.splice(0)) worker.disconnect()
  }
}

function begin(): ChildProcess {
  const path = fileURLToPath(new URL('./farm-worker.ts', import.meta.url))
  return fork(path, { execArgv: [`--max-semi-space-size=${NURSERY_MB}`, '--import', 'tsx'], serialization: 'advanced' })
}

function ask(worker: ChildProcess, job: Job): Promise<JobResult> {
  return new Promise((resolve, reject) => {
    const died = (code: number | null, signal: string | null) =>
      reject(new Error(`a worker ended with ${signal ?? code} in ${JSON.stringify(job)}`))
    worker.once('error', reject)
    worker.once('exit', died)
    worker.once('message', result => {
      worker.off('error', reject)
      worker.off('exit', died)
      resolve(result as JobResult)
    })
    worker.send(job)
  })
}
