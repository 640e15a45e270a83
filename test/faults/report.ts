/** The table at the end of a fault test: cycles by kind, how long nothing was acknowledged and no leader there, and what became of the writes. */
import type { CycleResult, PhaseResult } from './fault-run.js'

export function report(results: readonly PhaseResult[]): string {
  const cycles = results.flatMap(({ cycles }) => cycles)
  const kinds = [...new Set(cycles.map(({ kind }) => kind))]
  const rows = [
    ['fault', 'cycles', 'elections', 'unavailable min', 'median', 'max ms', 'leader max ms'],
    ...kinds.map(kind =>
      row(
        kind,
        cycles.filter(each => each.kind === kind),
      ),
    ),
    row('all', cycles),
  ]
  const sum = (count: (result: PhaseResult) => number) => results.reduce((total, each) => total + count(each), 0)
  return [
    table(rows),
    `ensembles ${results.length}, leaderships ${sum(each => each.elections)}, writes acknowledged ${sum(each => each.acknowledged)}, ` +
      `unknown ${sum(each => each.unknown)}, confirmed reads ${sum(each => each.confirmedReads)}, ` +
      `violations (lost writes among them) ${sum(each => each.violations.length)}`,
  ].join('\n')
}

function row(name: string, cycles: readonly CycleResult[]): string[] {
  const unavailable = cycles.map(({ unavailableMs }) => unavailableMs).sort((a, b) => a - b)
  const leaders = cycles.map(({ leaderMs }) => leaderMs)
  return [
    name,
    String(cycles.length),
    String(leaders.filter(ms => ms > 0).length),
    String(unavailable[0] ?? '-'),
    String(unavailable[Math.floor(unavailable.length / 2)] ?? '-'),
    String(unavailable.at(-1) ?? '-'),
    String(Math.max(0, ...leaders)),
  ]
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map(each => each[column]!.length)))
  return rows
    .map(cells =>
      cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join('  '),
    )
    .join('\n')
}
