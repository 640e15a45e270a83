/** What many runs say together: violations with how to see them again, totals, faults by kind. */
import type { JobResult } from './farm.js'

export class Campaign {
  readonly #mode: string | undefined
  readonly #faultKinds: readonly string[]
  readonly #depth: 'host' | undefined
  readonly #started = performance.now()
  readonly #faults = new Map<string, number>()
  readonly #hashes = new Map<number, string>()
  readonly #broken = new Set<number>()
  readonly #unequal = new Set<number>()
  #runs = 0
  #events = 0
  #commits = 0
  #answered = 0
  #virtualMs = 0

  constructor(mode: string | undefined, faultKinds: readonly string[], depth?: 'host') {
    this.#mode = mode
    this.#faultKinds = faultKinds
    this.#depth = depth
  }

  get runs(): number {
    return this.#runs
  }

  get failed(): boolean {
    return this.#broken.size + this.#unequal.size > 0
  }

  add({ job: { seed }, violation, traceHash, events, virtualMs, commits, answered, faults }: JobResult): void {
    this.#runs += 1
    this.#events += events
    this.#commits += commits
    this.#answered += answered
    this.#virtualMs += virtualMs
    for (const [kind, times] of faults) this.#faults.set(kind, (this.#faults.get(kind) ?? 0) + times)
    if ((this.#hashes.get(seed) ?? traceHash) !== traceHash) this.#unequal.add(seed)
    this.#hashes.set(seed, traceHash)
    if (violation === undefined) return
    this.#broken.add(seed)
    const option = `${this.#depth === undefined ? '' : ' --depth host'}${this.#mode === undefined ? '' : ` --${this.#mode}`}`
    console.log(`\n${violation.row} violated in seed ${seed} at event ${violation.event}: ${violation.message}`)
    console.log(`  npm run simulate -- --seed ${seed}${option} --trace`)
  }

  report(): string {
    const seconds = (performance.now() - this.#started) / 1000
    const caused = this.#faultKinds.reduce((sum, kind) => sum + (this.#faults.get(kind) ?? 0), 0)
    const lines = [
      `\n${this.#depth === undefined ? '' : 'hosts and clients: '}${this.#runs} runs, ${this.#events} events, ${Math.round(this.#virtualMs / 1000)} s of virtual time, ${this.#commits} commits, ${this.#answered} answers`,
      `${seconds.toFixed(1)} s, ${Math.round(this.#events / seconds)} events/s`,
      `${caused} faults: ${this.#faultKinds.map(kind => `${kind} ${this.#faults.get(kind) ?? 0}`).join(', ')}`,
      this.#broken.size === 0
        ? 'no violation'
        : `${this.#broken.size} violations: seeds ${[...this.#broken].join(', ')}`,
    ]
    if (this.#unequal.size > 0)
      lines.push(`R4 violated: the trace hashes differ in seeds ${[...this.#unequal].join(', ')}`)
    return lines.join('\n')
  }
}
