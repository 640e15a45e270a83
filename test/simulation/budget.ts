/**
 * What the whole campaign must have seen (`npm run simulate -- --budget`): so many seeds, events and faults, and every required cell of coverage.ts. A cell
 * that is empty then is looked for (seek.ts). It goes on until all is so, or until it has cost too much: then it has failed. Its seeds are others whenever the code is,
 * and the same for the same code.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'

export const BUDGET = { seeds: 4000, events: 60_000_000, faults: 300_000 } as const
/** Fifteen minutes of two cores. Counted as processor time: a machine that is shared is slow by the clock. */
export const CPU_MINUTES = 30
/** Nothing more is begun then: also processor time is longer where others use the caches. */
export const CPU_MINUTES_MAX = 45

export interface Totals {
  readonly seeds: number
  readonly events: number
  readonly faults: number
}

/** What is missing; empty when nothing is. */
export function shortOf(totals: Totals): string[] {
  return (Object.keys(BUDGET) as (keyof Totals)[])
    .filter(each => totals[each] < BUDGET[each])
    .map(each => `${totals[each]} of ${BUDGET[each]} ${each}`)
}

/** Far above the seeds that people try by hand. */
export function firstSeedOf(code: string): number {
  return 1_000_000 + Number.parseInt(code.slice(0, 7), 16)
}

/**
 * What stands for the code that is run: the committed content of `lib` and of the simulation, so that a word in the documents asks for no other seeds. Without
 * a repository the date stands for it.
 */
export function currentCode(): string {
  try {
    const git = (...args: string[]): string =>
      execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    return createHash('sha256')
      .update(git('rev-parse', 'HEAD:lib', 'HEAD:test/simulation'))
      .digest('hex')
  } catch {
    return Math.floor(Date.now() / 86_400_000)
      .toString(16)
      .padStart(7, '0')
  }
}
