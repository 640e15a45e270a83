/**
 * Runs that once found something, in regressions/*.json: all of them are run with `npm test` and with every campaign.
 * A file has the scenario in full and the faults by name, each with what it did when it was found: a run that does other things by now is only one more run.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { HostScenarioChange } from './host/host-scenario.js'
import type { Job } from './job.js'
import type { ScenarioChange } from './scenario.js'
import type { Shrunk } from './shrink.js'

export interface Regression {
  readonly row: string
  /** What was wrong, in a sentence. */
  readonly found: string
  readonly message?: string
  readonly seed: number
  readonly depth?: 'host'
  /** What differs from the scenario of the seed. */
  readonly scenario?: ScenarioChange | HostScenarioChange
  /** Those that come, and what each did; all that the seed stands for, when undefined. */
  readonly faults?: Readonly<Record<string, string>>
}

/** Until somebody has understood it. */
export const UNEXPLAINED = 'not explained yet'

const directory = fileURLToPath(new URL('./regressions/', import.meta.url))

export function regressionFiles(): string[] {
  return readdirSync(directory)
    .filter(name => name.endsWith('.json'))
    .sort()
    .map(name => join(directory, name))
}

export function readRegression(file: string): Regression {
  return JSON.parse(readFileSync(file, 'utf8')) as Regression
}

export function jobOf(file: string): Job {
  const { seed, depth, scenario, faults } = readRegression(file)
  const change = { ...present(scenario ?? {}), ...(faults === undefined ? {} : { kept: Object.keys(faults) }) }
  return { seed, depth, change, file }
}

/** Null stands for what is undefined, which JSON does not have. */
function present<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value ?? (undefined as T)
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, present(each)])) as T
}

/** Where it was saved: what it found is for somebody to say. */
export function saveRegression({ after }: Shrunk, into = directory): string {
  const { seed, depth, change } = after.job
  const { kept, ...scenario } = change!
  const { row, message } = after.violation!
  const regression: Regression = {
    row,
    found: UNEXPLAINED,
    // Without the stack.
    message: message.split('\n', 1)[0]!,
    seed,
    ...(depth === undefined ? {} : { depth }),
    scenario,
    ...(kept === undefined ? {} : { faults: Object.fromEntries(after.caused) }),
  }
  const file = join(into, `${row}-${depth === undefined ? '' : 'host-'}seed-${seed}.json`)
  writeFileSync(file, format(regression))
  return file
}

/** A line for each value, lists on one. */
function format(regression: Regression): string {
  const text = JSON.stringify(regression, (_, value) => value ?? null, 2)
  return `${text.replaceAll(/\[[^[\]{}]*\]/g, list => list.replaceAll(/\s*\n\s*/g, ' ').replaceAll(/^\[ | \]$/g, end => end.trim()))}\n`
}
