/**
 * Which seeds kill which planted bug, and by which row: kills.json, written by `npm run test:mutants -- --discover`.
 * A change of the core or of the world moves kills to other seeds; then it is made anew.
 */
import { readFileSync, writeFileSync } from 'node:fs'

export interface Kill {
  /** By the checkers of hosts and clients; of the core otherwise. */
  readonly depth?: 'host'
  /** The invariant that caught it first. */
  readonly row: string
  /** The first seeds that did, at most three. */
  readonly seeds: readonly number[]
  /** Events of the first of these runs until it was caught. */
  readonly events: number
  /** Every row that was named while they were looked for, with the first seed that did. */
  readonly rows: Readonly<Record<string, number>>
}

const file = new URL('./kills.json', import.meta.url)

export function readKills(): ReadonlyMap<string, Kill> {
  return new Map(Object.entries(JSON.parse(readFileSync(file, 'utf8')) as Record<string, Kill>))
}

export function writeKills(kills: ReadonlyMap<string, Kill>): void {
  const lines = [...kills].map(([name, kill]) => `  ${JSON.stringify(name)}: ${JSON.stringify(kill)}`)
  writeFileSync(file, `{\n${lines.join(',\n')}\n}\n`)
}
