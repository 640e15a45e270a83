/**
 * How fast sessions may begin: each takes tokens, which come back with time; none left, none begun, so that a flock of clients that lost its server
 * comes in bit by bit. With `freezeMs` some are turned away by chance before the tokens run out, the more the longer they were wanting: who always
 * comes last would else never get in.
 *
 * Always holds: never more than `max` tokens; off (`max` 0) it says yes and counts nothing.
 * Used by client-connection.ts, before everything else that is judged of a session. ZooKeeper: BlueThrottle (semantics §18).
 */
export interface ConnectionTokenLimits {
  readonly connectionTokensMax: number
  readonly connectionTokensFillMs: number
  readonly connectionTokensFillCount: number
  readonly connectionTokensFreezeMs: number
  readonly connectionDropIncrease: number
  readonly connectionDropDecrease: number
  readonly connectionDropDecreaseRatio: number
  readonly connectionTokenWeights: ConnectionTokenWeights | undefined
}

/** What a session costs: a new one that all peers know, one that goes on, a new one that only its peer knows. */
export interface ConnectionTokenWeights {
  readonly global: number
  readonly renew: number
  readonly local: number
}

export class ConnectionTokens {
  readonly #limits: ConnectionTokenLimits
  readonly #now: () => number
  /** Uniformly from [0, 1). */
  readonly #chance: () => number
  readonly #max: number
  readonly #fillCount: number
  #tokens: number
  #filledAt: number
  #dropChance = 0
  #adjustedAt: number

  constructor(limits: ConnectionTokenLimits, now: () => number, chance: () => number) {
    this.#limits = limits
    this.#now = now
    this.#chance = chance
    // Both are said in sessions of the dearest kind.
    const unit = limits.connectionTokenWeights?.global ?? 1
    this.#max = limits.connectionTokensMax * unit
    this.#fillCount = limits.connectionTokensFillCount * unit
    this.#tokens = this.#max
    this.#filledAt = now()
    this.#adjustedAt = this.#filledAt
  }

  /** How likely a session is turned away though there are tokens. */
  get dropChance(): number {
    return this.#dropChance
  }

  /** Whether a session of this kind may begin now. */
  take(kind: keyof ConnectionTokenWeights): boolean {
    if (this.#max === 0) return true
    const now = this.#now()
    this.#fill(now)
    if (this.#limits.connectionTokensFreezeMs >= 0 && this.#isUnlucky(now)) return false
    const cost = this.#limits.connectionTokenWeights?.[kind] ?? 1
    if (this.#tokens < cost) return false
    this.#tokens -= cost
    return true
  }

  #fill(now: number): void {
    const passed = now - this.#filledAt
    const { connectionTokensFillMs } = this.#limits
    if (passed <= connectionTokensFillMs) return
    this.#tokens = Math.min(this.#max, this.#tokens + Math.floor((passed * this.#fillCount) / connectionTokensFillMs))
    this.#filledAt = now
  }

  #isUnlucky(now: number): boolean {
    const { connectionTokensFreezeMs, connectionDropIncrease, connectionDropDecrease } = this.#limits
    if (now - this.#adjustedAt > connectionTokensFreezeMs) {
      const missing = this.#max - this.#tokens
      if (this.#tokens === 0) this.#dropChance = Math.min(1, this.#dropChance + connectionDropIncrease)
      else if (missing <= Math.round(this.#max * this.#limits.connectionDropDecreaseRatio))
        this.#dropChance = Math.max(0, this.#dropChance - connectionDropDecrease)
      this.#adjustedAt = now
    }
    return this.#chance() < this.#dropChance
  }
}
