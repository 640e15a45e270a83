/**
 * What one connection has asked and not heard of, in the order in which it asked.
 *
 * Always holds: answers are given to the first of it, and to no other (C2); what the connections of a port share is told of each request once when it
 * comes, and once when it is over.
 * Before: client-connection.ts, which reads and writes. After: shared-limits.ts.
 */
import { invariant } from '../../model/invariant.js'
import type { SharedLimits } from './shared-limits.js'
import type { WireRequest } from './wire-request.js'

export interface Asked extends WireRequest {
  /** Its number on the channel; `xid` is that on the wire. */
  readonly cxid: number
  /** Monotonic milliseconds. */
  readonly since: number
}

export class AskedRequests {
  readonly #shared: SharedLimits
  #lastCxid = 0
  #asked: Asked[] = []

  constructor(shared: SharedLimits) {
    this.#shared = shared
  }

  /** Without an answer. */
  get count(): number {
    return this.#asked.length
  }
  get first(): Asked | undefined {
    return this.#asked[0]
  }

  add({ xid, opCode, translated }: WireRequest, since: number): Asked {
    this.#lastCxid += 1
    const asked = { cxid: this.#lastCxid, xid, opCode, translated, since }
    this.#asked.push(asked)
    this.#shared.asked()
    return asked
  }

  xidOf(cxid: number): number | undefined {
    return this.#asked.find(each => each.cxid === cxid)?.xid
  }

  /** The answer to this one has come; `over` follows when it has been given. */
  take(cxid: number): Asked {
    const asked = this.#asked.shift()
    invariant(asked?.cxid === cxid, 'answers come in the order of the requests')
    return asked
  }

  over(): void {
    this.#shared.answered()
  }

  /** Nobody waits for the rest any more. */
  clear(): void {
    const { length } = this.#asked
    this.#asked = []
    if (length > 0) this.#shared.answered(length)
  }
}
