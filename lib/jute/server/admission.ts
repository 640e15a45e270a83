/**
 * Who is let in at a client port. Whoever connects is a stranger until he has a session; strangers are few, and come at a pace that leaves the
 * peer to those it knows.
 *
 * What is too much is closed at once, as ZooKeeper closes it, and not left to wait: a client that is closed tries the next server or comes again in a
 * moment, one that waits knows nothing. So that a flood does not keep others out:
 * - an address has a pace of its own, and spends that before it spends the pace of all;
 * - when all places of strangers are taken, a newcomer takes that of the oldest who has said nothing yet and has had his time, or whose address
 *   has more of them. Who waits for a session waits for us, and keeps his place.
 *
 * Always holds: past a limit a newcomer or a stranger is closed, never a client with a session; the books have an entry for each address that has a
 * connection or has had one within a second or so, and for nobody else.
 * Before: client-port.ts. Invariants §5.3.
 */
import type { ClientPortLimits } from './client-port-limits.js'
import { TokenBucket } from './token-bucket.js'

/** Why somebody was closed. */
export type Refusal =
  | 'connections'
  | 'connections of the address'
  | 'pace'
  | 'pace of the address'
  | 'without a session'
  | 'sessions at once'
  | 'large requests'

export interface Stranger {
  /** Monotonic milliseconds. */
  readonly openedAt: number
  /** He has asked for a session, and it is for the peer to answer. */
  readonly waitsForUs: boolean
  giveUp(): void
}

type Limits = Pick<
  ClientPortLimits,
  | 'connectionsMax'
  | 'connectionsPerAddressMax'
  | 'connectionsPerSecondMax'
  | 'connectionsPerSecondPerAddressMax'
  | 'sessionlessMax'
>

interface Address {
  connections: number
  strangers: number
  readonly pace: TokenBucket | undefined
}

/** A stranger has as long as this to ask for a session, however many come behind him. */
const TIME_TO_ASK_MS = 100

export class Admission {
  readonly #limits: Limits
  readonly #refused: (why: Refusal, address: string) => void
  readonly #pace: TokenBucket | undefined
  readonly #byAddress = new Map<string, Address>()
  /** The oldest first, each with his address. */
  readonly #strangers = new Map<Stranger, string>()
  #connections = 0

  constructor(limits: Limits, now: number, refused: (why: Refusal, address: string) => void) {
    this.#limits = limits
    this.#refused = refused
    this.#pace = bucket(limits.connectionsPerSecondMax, now)
  }

  /** How many addresses are in the books. */
  get addresses(): number {
    return this.#byAddress.size
  }

  /** Whether one more may come from there; if so, `enter` follows. */
  admits(address: string, now: number): boolean {
    const refusal = this.#refusal(address, now)
    if (refusal !== undefined) this.#refused(refusal, address)
    return refusal === undefined
  }

  enter(stranger: Stranger, address: string, now: number): void {
    const from = this.#of(address, now)
    this.#connections += 1
    from.connections += 1
    from.strangers += 1
    this.#strangers.set(stranger, address)
  }

  /** He has a session, and is none any more. */
  knows(stranger: Stranger): void {
    const address = this.#strangers.get(stranger)
    if (address === undefined) return
    this.#strangers.delete(stranger)
    this.#byAddress.get(address)!.strangers -= 1
  }

  leave(stranger: Stranger, address: string): void {
    this.knows(stranger)
    this.#connections -= 1
    this.#byAddress.get(address)!.connections -= 1
  }

  /** Called now and then: forgets addresses of which nothing need be remembered. True while some are left. */
  sweep(now: number): boolean {
    for (const [address, { connections, pace }] of this.#byAddress)
      if (connections === 0 && (pace === undefined || pace.full(now))) this.#byAddress.delete(address)
    return this.#byAddress.size > 0
  }

  #refusal(address: string, now: number): Refusal | undefined {
    const { connectionsMax, connectionsPerAddressMax, sessionlessMax } = this.#limits
    if (reached(connectionsMax, this.#connections)) return 'connections'
    const from = this.#of(address, now)
    if (reached(connectionsPerAddressMax, from.connections)) return 'connections of the address'
    if (from.pace?.take(now) === false) return 'pace of the address'
    if (this.#pace?.take(now) === false) return 'pace'
    if (!reached(sessionlessMax, this.#strangers.size)) return undefined
    return this.#makeRoom(from.strangers, now) ? undefined : 'without a session'
  }

  /** For one whose address has so many strangers already. */
  #makeRoom(strangers: number, now: number): boolean {
    for (const [stranger, address] of this.#strangers) {
      if (stranger.waitsForUs) continue
      const hasHadHisTime = now - stranger.openedAt >= TIME_TO_ASK_MS
      if (!hasHadHisTime && this.#byAddress.get(address)!.strangers <= strangers + 1) continue
      this.knows(stranger)
      this.#refused('without a session', address)
      stranger.giveUp()
      return true
    }
    return false
  }

  #of(address: string, now: number): Address {
    let from = this.#byAddress.get(address)
    if (from === undefined) {
      from = { connections: 0, strangers: 0, pace: bucket(this.#limits.connectionsPerSecondPerAddressMax, now) }
      this.#byAddress.set(address, from)
    }
    return from
  }
}

/** 0 is no limit. */
function reached(limit: number, count: number): boolean {
  return limit > 0 && count >= limit
}

function bucket(perSecond: number, now: number): TokenBucket | undefined {
  return perSecond === 0 ? undefined : new TokenBucket(perSecond, now)
}
