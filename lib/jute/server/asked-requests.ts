/**
 * What one connection has asked and not heard of, in the order in which it asked; some of it may wait in request-throttle.ts.
 *
 * Always holds: requests reach the channel in their order, and answers are given to the first of them, and to no other (C2); what the connections of a
 * port share is told of each request once when it comes, and once when it is over.
 * Before: client-connection.ts, which reads and writes. After: the channel.
 */
import type { ClientClock } from '../../client/channel.js'
import { invariant } from '../../model/invariant.js'
import type { ClientRequest } from '../../model/request.js'
import { OpCode } from '../op-codes.js'
import { refused, type Translated } from '../translate.js'
import type { ClientPortLimits } from './client-port-limits.js'
import type { LargeRequests } from './large-requests.js'
import type { RequestThrottle, Throttled } from './request-throttle.js'
import type { SharedLimits } from './shared-limits.js'
import type { Traffic } from './traffic.js'
import type { WireRequest } from './wire-request.js'

export interface AskedPorts {
  readonly limits: Pick<ClientPortLimits, 'throttledOpWaitMs'>
  readonly shared: SharedLimits
  readonly throttle: RequestThrottle
  readonly large: LargeRequests
  readonly clock: ClientClock
  /** Of the whole port. */
  readonly traffic: Pick<Traffic, 'throttledOps' | 'dropped'>
}

/** The connection, as what it has asked knows it. */
export interface Asker {
  readonly timeoutMs: number
  send(cxid: number, request: ClientRequest): void
  giveUp(): void
}

export class Asked implements Throttled {
  /** Its number on the channel; `xid` is that on the wire. */
  readonly cxid: number
  readonly xid: number
  readonly opCode: number
  translated: Translated
  /** Of its frame. */
  readonly bytes: number
  readonly since: number
  readonly #asker: Asker
  readonly #ports: AskedPorts

  constructor(cxid: number, { xid, opCode, translated }: WireRequest, bytes: number, asker: Asker, ports: AskedPorts) {
    this.cxid = cxid
    this.xid = xid
    this.opCode = opCode
    this.translated = translated
    this.bytes = bytes
    this.since = ports.clock.now()
    this.#asker = asker
    this.#ports = ports
  }

  get endsSession(): boolean {
    return this.opCode === OpCode.closeSession
  }
  get lateAfterMs(): number {
    return this.endsSession ? Number.POSITIVE_INFINITY : this.#asker.timeoutMs
  }

  /** One that has waited too long keeps its place in the order, and nothing else. */
  pass(waitedMs: number): void {
    const { limits, traffic } = this.#ports
    const max = limits.throttledOpWaitMs
    if (max > 0 && waitedMs > max && this.#maySayThrottled) {
      this.translated = refused('THROTTLED_OP')
      traffic.throttledOps += 1
    }
    this.#asker.send(this.cxid, this.translated.request)
  }

  drop(): void {
    this.#ports.traffic.dropped += 1
    this.#asker.giveUp()
  }

  get #maySayThrottled(): boolean {
    return this.opCode !== OpCode.ping && this.opCode !== OpCode.auth && this.translated.last !== true
  }
}

export class AskedRequests {
  readonly #ports: AskedPorts
  readonly #asker: Asker
  #lastCxid = 0
  #asked: Asked[] = []
  /** The session that all of it is to belong to. */
  #opening: Throttled | undefined

  constructor(ports: AskedPorts, asker: Asker) {
    this.#ports = ports
    this.#asker = asker
  }

  /** Without an answer. */
  get count(): number {
    return this.#asked.length
  }
  get first(): Asked | undefined {
    return this.#asked[0]
  }

  /** A new session takes its turn like a request. */
  open(begin: () => void): void {
    const since = this.#ports.clock.now()
    this.#opening = { since, lateAfterMs: Number.POSITIVE_INFINITY, pass: begin, drop: () => this.#asker.giveUp() }
    this.#ports.throttle.submit(this.#opening)
  }

  opened(): void {
    if (this.#opening === undefined) return
    this.#opening = undefined
    this.#ports.throttle.over()
  }

  add(request: WireRequest, bytes: number): void {
    const { shared, throttle, large } = this.#ports
    this.#lastCxid += 1
    const asked = new Asked(this.#lastCxid, request, bytes, this.#asker, this.#ports)
    this.#asked.push(asked)
    shared.asked()
    large.taken(bytes)
    throttle.submit(asked)
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

  over({ bytes }: Asked): void {
    this.#ports.large.over(bytes)
    this.#ports.throttle.over()
    this.#ports.shared.answered()
  }

  /** Nobody waits for the rest any more. True when the end of the session is still to have its turn, by `send`. */
  clear(): boolean {
    const { shared, throttle, large } = this.#ports
    const asked = this.#asked
    this.#asked = []
    const waiting = asked.filter(each => throttle.isWaiting(each))
    const [first] = waiting
    const outlives = first?.endsSession === true && throttle.outlive(first)
    for (const each of asked) large.over(each.bytes)
    // Nothing is asked behind the end of a session.
    if (!outlives) for (const each of waiting) throttle.forget(each)
    if (this.#opening !== undefined && throttle.isWaiting(this.#opening)) throttle.forget(this.#opening)
    else this.opened()
    this.#opening = undefined
    if (asked.length > 0) shared.answered(asked.length)
    throttle.over(asked.length - waiting.length)
    return outlives
  }
}
