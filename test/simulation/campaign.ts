/** What many runs say together: violations with how to see them again, totals, faults by kind. */
import type { Totals } from './budget.js'
import { requiredCells } from './coverage.js'
import { commandOf, type JobResult } from './job.js'

export class Campaign {
  readonly #faultKinds: readonly string[]
  readonly #depth: 'host' | undefined
  readonly #started = performance.now()
  readonly #faults = new Map<string, number>()
  /** By command: a seed is run in several ways. */
  readonly #hashes = new Map<string, string>()
  readonly #broken: JobResult[] = []
  readonly #unequal = new Set<string>()
  #runs = 0
  #events = 0
  #commits = 0
  #answered = 0
  #virtualMs = 0
  #cpuMs = 0
  readonly #cells = new Map<string, number>()

  constructor(faultKinds: readonly string[], depth?: 'host') {
    this.#faultKinds = faultKinds
    this.#depth = depth
  }

  get runs(): number {
    return this.#runs
  }

  get totals(): Totals {
    return { seeds: this.#runs, events: this.#events, faults: this.#caused }
  }

  /** Of the workers. */
  get cpuMs(): number {
    return this.#cpuMs
  }

  /** Required cells of coverage.ts that nothing has hit. */
  get emptyCells(): readonly string[] {
    return requiredCells().filter(each => !this.#cells.has(each))
  }

  get failed(): boolean {
    return this.#broken.length + this.#unequal.size > 0
  }

  /** The first run that violated anything. */
  get firstBroken(): JobResult | undefined {
    return this.#broken[0]
  }

  add(result: JobResult): void {
    const { job, violation, traceHash, events, virtualMs, commits, answered, faults, coverage, cpuMs = 0 } = result
    this.#runs += 1
    this.#events += events
    this.#commits += commits
    this.#answered += answered
    this.#virtualMs += virtualMs
    this.#cpuMs += cpuMs
    for (const [cell, times] of coverage ?? []) this.#cells.set(cell, (this.#cells.get(cell) ?? 0) + times)
    for (const [kind, times] of faults) this.#faults.set(kind, (this.#faults.get(kind) ?? 0) + times)
    const command = commandOf(job)
    if ((this.#hashes.get(command) ?? traceHash) !== traceHash) this.#unequal.add(command)
    this.#hashes.set(command, traceHash)
    if (violation === undefined) return
    this.#broken.push(result)
    console.log(`\n${violation.row} violated in seed ${job.seed} at event ${violation.event}: ${violation.message}`)
    console.log(`  ${command}`)
  }

  report(): string {
    const seconds = (performance.now() - this.#started) / 1000
    const perCpuSecond =
      this.#cpuMs > 0 ? `, ${Math.round((this.#events / this.#cpuMs) * 1000)} for each second of processor time` : ''
    const lines = [
      `\n${this.#depth === undefined ? '' : 'hosts and clients: '}${this.#runs} runs, ${this.#events} events, ${Math.round(this.#virtualMs / 1000)} s of virtual time, ${this.#commits} commits, ${this.#answered} answers`,
      `${seconds.toFixed(1)} s, ${Math.round(this.#events / seconds)} events/s${perCpuSecond}`,
      `${this.#caused} faults: ${this.#faultKinds.map(kind => `${kind} ${this.#faults.get(kind) ?? 0}`).join(', ')}`,
      this.#broken.length === 0
        ? 'no violation'
        : `${this.#broken.length} violations: seeds ${this.#broken.map(({ job }) => job.seed).join(', ')}`,
    ]
    if (this.#unequal.size > 0)
      lines.push(`R4 violated: the trace hashes differ in\n  ${[...this.#unequal].join('\n  ')}`)
    return lines.join('\n')
  }

  /** The cells that were hit, fewest first. */
  coverageReport(): string {
    const hit = [...this.#cells].sort(([, a], [, b]) => a - b).map(([cell, times]) => `${times} ${cell}`)
    return [`\n${hit.length} cells and points were hit; ${requiredCells().length} are required`, ...hit].join('\n')
  }

  get #caused(): number {
    return this.#faultKinds.reduce((sum, kind) => sum + (this.#faults.get(kind) ?? 0), 0)
  }
}
