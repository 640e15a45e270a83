/**
 * Whom a client port has closed without serving him: counted for those who ask, and told to the log, but not each: a flood of connections is no flood of
 * lines.
 *
 * Always holds: of each reason the log hears at most once a minute, then with how many there were since. The counts are since the start.
 * Before: admission.ts. After: the logger; four-letter-words.ts (mntr).
 */
import type { Refusal } from './admission.js'

export type Warn = (message: string, fields: Readonly<Record<string, unknown>>) => void

const QUIET_MS = 60_000

interface Reason {
  untold: number
  toldAt: number | undefined
}

export class Refusals {
  readonly #now: () => number
  readonly #warn: Warn
  readonly #reasons = new Map<Refusal, Reason>()
  #count = 0

  constructor(now: () => number, warn: Warn) {
    this.#now = now
    this.#warn = warn
  }

  get count(): number {
    return this.#count
  }

  readonly add = (why: Refusal, address: string): void => {
    this.#count += 1
    const reason = this.#reasons.get(why) ?? { untold: 0, toldAt: undefined }
    this.#reasons.set(why, reason)
    reason.untold += 1
    const now = this.#now()
    if (reason.toldAt !== undefined && now - reason.toldAt < QUIET_MS) return
    this.#warn('the client port closes connections: too many', { of: why, closed: reason.untold, last: address })
    reason.toldAt = now
    reason.untold = 0
  }
}
