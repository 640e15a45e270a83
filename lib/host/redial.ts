/**
 * When to dial a peer again: the first time at once, then after doubling pauses with jitter, so that a restarted ensemble does not
 * knock in step. A link that lived for a while starts the count anew; one that fell at once does not, or two peers that refuse
 * each other would dial in a tight loop.
 *
 * Before and after: links.ts.
 */
import type { Random } from '../core/random.js'

const FIRST_PAUSE_MS = 50
/** A peer that comes back waits for this long at most: with seven members, knocking once a second costs nothing. */
const PAUSE_MS_MAX = 1000
const LIVED_MS = 1000

export class Redial {
  readonly #random: Pick<Random, 'uint32'>
  #failures = 0

  constructor(random: Pick<Random, 'uint32'>) {
    this.#random = random
  }

  /** Milliseconds to wait before the next attempt. */
  next(): number {
    const failures = this.#failures++
    if (failures === 0) return 0
    const pause = Math.min(PAUSE_MS_MAX, FIRST_PAUSE_MS * 2 ** Math.min(failures - 1, 20))
    return pause / 2 + (pause / 2) * (this.#random.uint32() / 0x1_0000_0000)
  }

  /** A link is gone that was up for so long. */
  ended(livedMs: number): void {
    if (livedMs >= LIVED_MS) this.#failures = 0
  }
}
