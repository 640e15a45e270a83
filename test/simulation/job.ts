/** One run as plain data, so that it can be sent to another process, or kept in a file; and what it says. */
import { relative } from 'node:path'
import { hostMutants } from './host/host-mutants.js'
import { hostRun } from './host/host-run.js'
import {
  type HostScenario,
  type HostScenarioChange,
  hostModes,
  hostScenarioOf,
  asBefore as hostsAsBefore,
} from './host/host-scenario.js'
import { mutants } from './mutants/mutants.js'
import type { Outcome } from './outcome.js'
import { run } from './run.js'
import { asBefore, changeScenario, modes, type Scenario, type ScenarioChange, scenarioOf } from './scenario.js'
import { seek } from './seek.js'

export interface Job {
  readonly seed: number
  /** Hosts, codec and clients, too; the core alone otherwise. */
  readonly depth?: 'host' | undefined
  /** A scenario of scenario.ts, or of host/host-scenario.ts, by name, for a run that looks for one thing. */
  readonly mode?: string | undefined
  /** A cell of coverage.ts that it looks for (seek.ts). */
  readonly sought?: string | undefined
  /** A planted bug by name. */
  readonly mutant?: string | undefined
  /** What is different from what seed and mode stand for: fewer faults, less of the rest. */
  readonly change?: ScenarioChange | HostScenarioChange | undefined
  /** It is given up after so many. */
  readonly eventsMax?: number | undefined
  /** The file that it was kept in (regression.ts). */
  readonly file?: string | undefined
}

export interface JobResult extends Outcome {
  readonly job: Job
  /** Of the core alone: see coverage.ts. */
  readonly coverage?: ReadonlyMap<string, number>
  /** Of the process that ran it. */
  readonly cpuMs?: number
}

export async function runJob(job: Job, trace?: (line: string) => void): Promise<JobResult> {
  const { seed, eventsMax } = job
  const given = { eventsMax, ...(trace === undefined ? {} : { trace }) }
  const { seed: _, ...result } =
    job.depth === 'host'
      ? await hostRun(seed, { ...given, mutant: hostMutant(job), scenario: hostChangeOf(job) })
      : run(seed, { ...given, mutant: coreMutant(job), scenario: coreChangeOf(job) })
  return { job, ...result }
}

/** How to see it again. */
export function commandOf({ seed, depth, mode, sought, mutant, file }: Job): string {
  const start = 'npm run simulate --'
  if (file !== undefined) return `${start} --replay ${relative('', file)} --trace`
  const of = [
    depth && `--depth ${depth}`,
    mode && `--${mode}`,
    sought && `--seek '${sought}'`,
    mutant && `--mutant '${mutant}'`,
  ].filter(Boolean)
  return [start, `--seed ${seed}`, ...of, '--trace'].join(' ')
}

/** In full: nothing of it depends on the seed any more but the dice. */
export function scenarioOfJob(job: Job): Scenario | HostScenario {
  return job.depth === 'host'
    ? hostScenarioOf(job.seed, hostChangeOf(job))
    : changeScenario(scenarioOf(job.seed), coreChangeOf(job))
}

function coreChangeOf(job: Job): ScenarioChange {
  const mode = job.sought !== undefined ? seek(job.sought) : modeOf(job)
  const change = job.change as ScenarioChange | undefined
  return { ...mode, ...change, world: { ...mode?.world, ...change?.world } }
}

function modeOf(job: Job): ScenarioChange | undefined {
  if (job.mode !== undefined) return modes[job.mode]
  const mutant = coreMutant(job)
  return mutant && { ...asBefore, ...mutant.scenario }
}

function hostChangeOf(job: Job): HostScenarioChange {
  const mutant = hostMutant(job)
  const mode = job.mode === undefined ? mutant?.scenario : hostModes[job.mode]
  return { ...(mutant && hostsAsBefore), ...mode, ...(job.change as HostScenarioChange | undefined) }
}

const coreMutant = ({ mutant }: Job) => named(mutants, mutant)
const hostMutant = ({ mutant }: Job) => named(hostMutants, mutant)

function named<T extends { readonly name: string }>(all: readonly T[], name: string | undefined): T | undefined {
  const found = all.find(each => each.name === name)
  if (name !== undefined && found === undefined) throw new Error(`no planted bug is called ${name}`)
  return found
}
