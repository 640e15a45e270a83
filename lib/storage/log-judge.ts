/**
 * Judges a log that is read from the disk, record by record: which entries count, and whether what is missing was ever promised (D1, D3, Z14).
 *
 * Always holds: what counts is one chain; behind a break nothing does, however good it looks, unless the chain begins anew at or before the checkpoint: the tree
 * has what is missing, and the history is only shorter. A log that ends before `required` (the later of durable mark and checkpoint) has lost
 * something acknowledged, and is damaged; anything above was torn, and is cut.
 * Before: whoever reads the bytes (level/log-scan.ts; the simulated disk). After: recovery.
 */
import type { HistorySummary } from '../model/history.js'
import type { Proposal } from '../model/proposal.js'
import { formatZxid, isAfter, sameZxid, type Zxid } from '../model/zxid.js'
import { HistoryRanges } from './history-ranges.js'
import type { LostHistory } from './storage.js'

export interface LogBounds {
  readonly base: Zxid
  /** Entries behind it are handed out. */
  readonly checkpoint: Zxid
  readonly required: Zxid
}

export class LogJudge {
  readonly #bounds: LogBounds
  readonly #suffix: Proposal[] = []
  #ranges: HistoryRanges
  #last: Zxid
  /** What breaks the chain, and is not behind us. */
  #broken: string | undefined
  #lost: LostHistory | undefined

  constructor(bounds: LogBounds) {
    this.#bounds = bounds
    this.#ranges = new HistoryRanges(bounds.base)
    this.#last = bounds.base
  }

  /** The end of what counts. */
  get last(): Zxid {
    return this.#last
  }
  get suffix(): readonly Proposal[] {
    return this.#suffix
  }
  get history(): HistorySummary {
    return this.#ranges.summary()
  }
  /** What was bad and is behind the checkpoint, so that nobody misses it. */
  get lost(): LostHistory | undefined {
    return this.#lost
  }

  /**
   * The record under the key of `first`, in the order of keys: a group of entries, or what is wrong with it. It counts ('kept'), or does not
   * ('cut'), or the history begins with it, and what was before does not count ('begins').
   */
  take(first: Zxid | undefined, group: readonly Proposal[] | string): 'kept' | 'cut' | 'begins' {
    const wrong = this.#wrongWith(first, group)
    if (wrong !== undefined || typeof group === 'string') {
      this.#broken ??= wrong
      return 'cut'
    }
    const [{ zxid, previous }] = group as [Proposal]
    if (!sameZxid(previous, this.#last))
      this.#broken ??= `${formatZxid(zxid)} follows ${formatZxid(previous)}, not ${formatZxid(this.#last)}`
    const begins = this.#broken !== undefined
    if (begins) {
      // Behind the checkpoint nothing may be missing; and an end that was cut once must not come back as history.
      if (isAfter(previous, this.#bounds.checkpoint) || isAfter(this.#last, previous)) return 'cut'
      this.#lost = { base: previous, reason: this.#broken! }
      this.#broken = undefined
      this.#ranges = new HistoryRanges(previous)
    }
    for (const entry of group) {
      this.#last = entry.zxid
      this.#ranges.add(entry.zxid)
      if (isAfter(entry.zxid, this.#bounds.checkpoint)) this.#suffix.push(entry)
    }
    return begins ? 'begins' : 'kept'
  }

  /** What is wrong when the log ends here; undefined: nothing that was promised is missing. */
  get damage(): string | undefined {
    const { required } = this.#bounds
    if (!isAfter(required, this.#last)) return undefined
    return (
      `entries behind ${formatZxid(this.#last)}, at least up to ${formatZxid(required)}, were acknowledged and are lost or unreadable ` +
      `(${this.#broken ?? 'it ends there'})`
    )
  }

  /** By itself. */
  #wrongWith(first: Zxid | undefined, group: readonly Proposal[] | string): string | undefined {
    if (typeof group === 'string') return group
    if (first === undefined) return 'a key of a wrong form'
    const wrong = wrongIn(group, first, group[0]?.previous ?? first)
    return wrong === undefined ? undefined : `at ${formatZxid(first)}: ${wrong}`
  }
}

/** A group under the key of `first`, behind `last`: undefined when it continues the chain. */
export function wrongIn(group: readonly Proposal[], first: Zxid, last: Zxid): string | undefined {
  if (group.length === 0) return 'an empty group'
  if (!sameZxid(group[0]!.zxid, first)) return `the group of ${formatZxid(group[0]!.zxid)}`
  let before = last
  for (const { previous, zxid } of group) {
    if (!sameZxid(previous, before) || !isAfter(zxid, before)) {
      return `${formatZxid(zxid)} follows ${formatZxid(previous)}, not ${formatZxid(before)}`
    }
    before = zxid
  }
  return undefined
}

/** The durable mark has seen epochs that are not there, or what is there makes no sense; undefined: all is well (Z3, D5). */
export function wrongWithEpochs(
  found: { readonly accepted: number; readonly current: number },
  marked: { readonly accepted: number; readonly current: number },
): string | undefined {
  const { accepted, current } = found
  if (accepted >= marked.accepted && current >= marked.current && current <= accepted) return undefined
  return `says accepted ${accepted}, current ${current}, but they had been at least accepted ${marked.accepted}, current ${marked.current}`
}
