/**
 * What a peer remembers of having handed over because its log was slow, beyond that leadership: for a while it stands for no election.
 *
 * Always holds: between two such handovers of a peer lies a pause, twice as long each time, so leadership does not wander even when one disk after
 * the other is slow. Who stands aside votes below everybody; when that has brought nobody into office it stands again, for it may be
 * the only one who can lead.
 * Before: handover.ts begins one. After: roles.ts casts the vote.
 */

/** In ticks: a minute with the default of 2 s, up to an hour. */
const FIRST_PAUSE = 30
const LONGEST_PAUSE = 64 * FIRST_PAUSE

export class HandoverPause {
  readonly #longestMs: number
  #nextMs: number
  #endsAt = Number.NEGATIVE_INFINITY
  #needed = false

  constructor(tickMs: number) {
    this.#nextMs = FIRST_PAUSE * tickMs
    this.#longestMs = LONGEST_PAUSE * tickMs
  }

  begin(now: number): void {
    this.#endsAt = now + this.#nextMs
    this.#nextMs = Math.min(2 * this.#nextMs, this.#longestMs)
    this.#needed = false
  }

  lasts(now: number): boolean {
    return now < this.#endsAt
  }

  standsAside(now: number): boolean {
    return this.lasts(now) && !this.#needed
  }

  /** Whom this peer has followed did not come to lead. */
  nobodyElseLeads(): void {
    this.#needed = true
  }

  /** Somebody did, after all: what had failed was one attempt to join. */
  somebodyLed(): void {
    this.#needed = false
  }
}
