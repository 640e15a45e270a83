/**
 * What the writers have reported, and the questions that it answers without looking at any replica: counts, and who has deleted what.
 * What a writer was doing when its process was killed is not in it: nobody can tell how that ended.
 */
import type { ConfirmedRead, Written } from './protocol.js'

export class Ledger {
  /** By token; deletes under the path that they deleted. */
  readonly writes: Written[] = []
  readonly counts = { acknowledged: 0, refused: 0, notApplied: 0, unknown: 0 }
  /** Paths whose deletion has begun and is not known to have failed. */
  readonly deleting = new Set<string>()
  /** Acknowledged. */
  readonly ephemerals: Written[] = []
  readonly confirmedReads: ConfirmedRead[] = []
  readonly violations: string[] = []
  /** By writer, when its acknowledged write that began last was begun (nanoseconds of the machine's monotonic clock). */
  readonly #lastBegun = new Map<number, bigint>()
  #lastAcknowledged = 0

  record(written: Written): void {
    this.writes.push(written)
    const { writer, outcome, operation, path, startedAt } = written
    if (outcome === 'ok' && startedAt > (this.#lastBegun.get(writer) ?? 0n)) this.#lastBegun.set(writer, startedAt)
    if (outcome === 'ok') this.counts.acknowledged += 1
    else if (outcome === 'refused') this.counts.refused += 1
    else if (outcome === 'not-applied') this.counts.notApplied += 1
    else this.counts.unknown += 1
    if (operation === 'delete' && outcome === 'not-applied') this.deleting.delete(path!)
    if (operation === 'ephemeral' && outcome === 'ok') this.ephemerals.push(written)
    if (operation === 'failing multi' && outcome === 'ok')
      this.violation(`a multi whose check must fail succeeded: ${path}`)
  }

  /** When the first write of these writers that began after this was acknowledged. */
  firstEndAfter(since: bigint, writers: readonly number[]): bigint | undefined {
    if (!writers.some(writer => (this.#lastBegun.get(writer) ?? 0n) > since)) return undefined
    let first: bigint | undefined
    for (const { writer, outcome, startedAt, endedAt } of this.writes) {
      if (!writers.includes(writer)) continue
      if (outcome === 'ok' && startedAt > since && (first === undefined || endedAt < first)) first = endedAt
    }
    return first
  }

  violation(what: string): void {
    if (this.violations.length < 50 && !this.violations.includes(what)) this.violations.push(what)
  }

  /** Acknowledged since the last call. */
  progress(): number {
    const since = this.counts.acknowledged - this.#lastAcknowledged
    this.#lastAcknowledged = this.counts.acknowledged
    return since
  }
}
