/**
 * Looks for the smallest run that still violates the same row: delta debugging over the faults, then less of the rest, then with other luck.
 *
 * Always holds: the best so far violates the row, and has no more faults than any before it. Of what is tried side by side the first in order counts,
 * so that the outcome depends on the number of processes only when time is short.
 * Source: Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input" (ddmin). Before: schedule.ts. After: regression.ts keeps the result.
 */
import type { HostScenario } from './host/host-scenario.js'
import { type Job, type JobResult, scenarioOfJob } from './job.js'
import type { Scenario } from './scenario.js'
import { smaller, smallerOfHosts } from './smaller.js'

/** Runs jobs until `done` says true (Farm.run). */
export type RunJobs = (jobs: Iterator<Job, unknown>, done: (result: JobResult) => unknown) => Promise<void>

export interface Shrunk {
  readonly before: JobResult
  readonly after: JobResult
}

/** How often the dice of networks and disks are thrown again, for the same faults. */
const LUCK = 4
/** A run that has violated nothing after so many times the events of the best one is given up. */
const PATIENCE = 1.2

/** @returns undefined when nothing is violated in the first place. */
export async function shrink(job: Job, runJobs: RunJobs, limitMs: number): Promise<Shrunk | undefined> {
  const results: JobResult[] = []
  await runJobs([job].values(), result => results.push(result))
  const before = results[0]!
  if (before.violation === undefined) return undefined
  return { before, after: await new Shrinker(before, runJobs, performance.now() + limitMs).shrink() }
}

class Shrinker {
  readonly #runJobs: RunJobs
  readonly #deadline: number
  #best: JobResult

  constructor(first: JobResult, runJobs: RunJobs, deadline: number) {
    this.#best = first
    this.#runJobs = runJobs
    this.#deadline = deadline
  }

  async shrink(): Promise<JobResult> {
    // In full, so that it stays what it is when seeds come to mean something else; and without what did nothing.
    const scenario = scenarioOfJob(this.#best.job)
    const same = await this.#try([this.#with(scenario, this.#faults), this.#with(scenario, undefined)])
    if (!same) throw new Error(`seed ${this.#best.job.seed} runs otherwise when it is told what it is`)
    for (const luck of [0, LUCK]) {
      let size: string
      do {
        size = this.#size
        await this.#fewerFaults(luck)
        await this.#lessOfTheRest()
      } while (this.#size !== size && this.#hasTime)
    }
    return this.#best
  }

  get #faults(): readonly string[] {
    return [...this.#best.caused.keys()]
  }
  get #size(): string {
    return `${this.#best.caused.size} ${this.#best.events}`
  }
  get #hasTime(): boolean {
    return performance.now() < this.#deadline
  }

  /** ddmin: leaves out one of `parts`, of which there are more whenever none can go. */
  async #fewerFaults(luck: number): Promise<void> {
    if (this.#faults.length > 0 && (await this.#try([this.#with(this.#scenario, [])]))) return
    let parts = 2
    while (this.#faults.length > 0 && this.#hasTime) {
      const faults = this.#faults
      const length = Math.ceil(faults.length / parts)
      if (await this.#try(this.#without(faults, length, luck))) parts = Math.max(parts - 1, 2)
      else if (length === 1) return
      else parts = Math.min(2 * parts, faults.length)
    }
  }

  *#without(faults: readonly string[], length: number, luck: number): Generator<Job> {
    const scenario = this.#scenario
    for (let other = 0; other <= luck; other++)
      for (let start = 0; start < faults.length; start += length)
        yield this.#with(luckier(scenario, other), [...faults.slice(0, start), ...faults.slice(start + length)])
  }

  async #lessOfTheRest(): Promise<void> {
    let again = true
    while (again && this.#hasTime) {
      const { job, virtualMs, events } = this.#best
      const scenario = this.#scenario
      const less =
        job.depth === 'host'
          ? smallerOfHosts(scenario as HostScenario, virtualMs)
          : smaller(scenario as Scenario, virtualMs)
      again = await this.#try(
        [...less].map(each => this.#with(each, this.#faults)),
        result => result.events < events,
      )
    }
  }

  get #scenario(): Scenario | HostScenario {
    return this.#best.job.change as Scenario | HostScenario
  }

  #with(scenario: Scenario | HostScenario, kept: readonly string[] | undefined): Job {
    const { seed, depth, mutant } = this.#best.job
    return { seed, depth, mutant, change: { ...scenario, kept }, eventsMax: Math.ceil(this.#best.events * PATIENCE) }
  }

  /** Whether one of these still violates the row; the first in order that does is the best from now on. */
  async #try(jobs: Iterable<Job>, isBetter: (result: JobResult) => boolean = () => true): Promise<boolean> {
    const what = gist(this.#best)
    const order: Job[] = []
    const found: JobResult[] = []
    const hasTime = (): boolean => this.#hasTime
    await this.#runJobs(inOrder(), result => {
      const same = gist(result) === what && isBetter(result)
      if (same) found.push(result)
      return same
    })
    const first = order.find(job => found.some(each => each.job === job))
    if (first === undefined) return false
    this.#best = found.find(each => each.job === first)!
    return true

    function* inOrder(): Generator<Job> {
      for (const job of jobs) {
        // One of them always: the first says how the whole is to be kept.
        if (order.length > 0 && !hasTime()) return
        order.push(job)
        yield job
      }
    }
  }
}

/** What is violated. R1 stands for whatever was thrown: two of those are the same if they say the same. */
function gist({ violation }: JobResult): string | undefined {
  return violation?.row === 'R1' ? violation.message.split('\n', 1)[0] : violation?.row
}

/** The same faults, on other networks and disks. */
function luckier<S extends Scenario | HostScenario>(scenario: S, by: number): S {
  if (by === 0) return scenario
  return 'world' in scenario
    ? { ...scenario, world: { ...scenario.world, seed: scenario.world.seed + by } }
    : { ...scenario, seed: scenario.seed + by }
}
