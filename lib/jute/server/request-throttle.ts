/**
 * How many requests of a port's connections are in the peer at once; the others wait here, in the order in which all of them came. It adds to
 * `outstandingMax`, which stops the reading of connections that have a request under way, but lets each have one.
 *
 * Always holds: past `inProcessMax` nothing is passed on; what waits is passed on in its order, as soon as there is room; off (0), nothing waits and
 * nothing is counted. A request of a connection that has gone is forgotten, so what waits is bounded by what connections may have asked: all but the
 * end of a session, which is what its client went with (at most ORPHANS_MAX of those wait; others leave it to the session's timeout).
 * Before: asked-requests.ts. After: the channel. ZooKeeper: RequestThrottler (semantics §18), whose stall time is here the time between two looks
 * at requests that may have become late; room itself is noticed at once.
 */
import type { ClientClock } from '../../client/channel.js'

export interface ThrottleLimits {
  /** 0 for any number. */
  readonly requestThrottleMax: number
  readonly requestThrottleStallMs: number
  /** A request that has waited longer than its session's timeout is dropped, with its connection. */
  readonly requestThrottleDropLate: boolean
}

export interface Throttled {
  /** When it came, monotonic. */
  readonly since: number
  /** It is not late before. Infinity: never. */
  readonly lateAfterMs: number
  /** Its turn has come; the throttle is told when it is `over`. */
  pass(waitedMs: number): void
  /** It is late: its connection goes, and with it all that this one asks. */
  drop(): void
}

const ORPHANS_MAX = 1000

export class RequestThrottle {
  readonly #limits: ThrottleLimits
  readonly #clock: ClientClock
  /** In order. */
  readonly #waiting = new Set<Throttled>()
  readonly #orphans = new Set<Throttled>()
  #inProcess = 0
  #advancing = false
  #cancelLook: (() => void) | undefined

  constructor(limits: ThrottleLimits, clock: ClientClock) {
    this.#limits = limits
    this.#clock = clock
  }

  get waiting(): number {
    return this.#waiting.size
  }

  submit(request: Throttled): void {
    if (this.#limits.requestThrottleMax === 0) return request.pass(0)
    this.#waiting.add(request)
    this.#advance()
  }

  /** So many of those that were passed on are over. */
  over(count = 1): void {
    if (this.#limits.requestThrottleMax === 0) return
    this.#inProcess -= count
    this.#advance()
  }

  isWaiting(request: Throttled): boolean {
    return this.#waiting.has(request)
  }

  /** Its connection has gone: it does not wait any more. */
  forget(request: Throttled): void {
    this.#waiting.delete(request)
  }

  /** Its connection has gone, but it is still to have its turn. False when too many such wait. */
  outlive(request: Throttled): boolean {
    if (this.#orphans.size >= ORPHANS_MAX) return false
    this.#orphans.add(request)
    return true
  }

  /** The port closes. */
  close(): void {
    this.#waiting.clear()
    this.#orphans.clear()
    this.#cancelLook?.()
    this.#cancelLook = undefined
  }

  readonly #advance = (): void => {
    // What is passed on, or dropped, comes back here: it is taken care of by the loop that is under way.
    if (this.#advancing) return
    this.#advancing = true
    try {
      this.#passOn()
    } finally {
      this.#advancing = false
    }
    this.#lookAgain()
  }

  #passOn(): void {
    const { requestThrottleMax, requestThrottleDropLate } = this.#limits
    for (const first of this.#waiting) {
      const waited = this.#clock.now() - first.since
      if (requestThrottleDropLate && waited > first.lateAfterMs && !this.#orphans.has(first)) {
        this.#waiting.delete(first)
        first.drop()
        continue
      }
      if (this.#inProcess >= requestThrottleMax) return
      this.#waiting.delete(first)
      // Nobody will say that one is over.
      if (!this.#orphans.delete(first)) this.#inProcess += 1
      first.pass(waited)
    }
  }

  #lookAgain(): void {
    if (!this.#limits.requestThrottleDropLate || this.#waiting.size === 0 || this.#cancelLook !== undefined) return
    this.#cancelLook = this.#clock.schedule(this.#limits.requestThrottleStallMs, () => {
      this.#cancelLook = undefined
      this.#advance()
    })
  }
}
