/**
 * The calls of one session that have no answer yet: first waiting to be sent, then sent.
 *
 * Always holds: calls are sent in the order in which they were made and a call settles exactly once. An abandoned call
 * (timeout, abort) keeps its place until its late answer came, so the order of the others is untouched (C2). Both parts
 * together are bounded in number and in bytes of data (R2). Nothing here knows a clock: the caller says what time it is.
 * Before: session.ts.
 */
import { type ErrorCode, type Outcome, ZooKeeperError } from '../model/errors.js'
import type { ClientRequest } from '../model/request.js'
import type { Response } from '../model/response.js'
import type { Zxid } from '../model/zxid.js'

export interface Answer {
  readonly zxid: Zxid
  readonly response: Response
}

export interface PendingCall {
  readonly request: ClientRequest
  /** For messages: the path as the application knows it. */
  readonly path?: string | undefined
  /** When to give up, on the caller's clock. @default never */
  readonly deadline?: number
  /** Neither may throw. */
  readonly answered: (answer: Answer) => void
  readonly failed: (error: ZooKeeperError) => void
  /** Of the client itself: not counted, bounded by the number of streams. */
  readonly internal?: boolean
  /** Sent again on the next attachment instead of failing with the old one. For requests that may be repeated. */
  readonly repeat?: boolean
}

export interface PendingLimits {
  /** Waiting and sent. */
  readonly calls: number
  /** Sent. The others wait here, so that one client does not fill the queues of its peer. */
  readonly inFlight: number
  readonly bytes: number
}

interface Entry {
  readonly call: PendingCall
  readonly bytes: number
  cxid: number | undefined
  settled: boolean
}

export type Abandon = (code: ErrorCode, message: string, cause?: unknown) => void

export class PendingCalls {
  readonly #limits: PendingLimits
  readonly #waiting = new Set<Entry>()
  /** Stands before the first one that waits: what is behind it has left the set. A new iterator would walk over the gaps. */
  readonly #next = this.#waiting.values()
  readonly #sent = new Map<number, Entry>()
  #calls = 0
  #bytes = 0
  #lastCxid = 0

  constructor(limits: PendingLimits) {
    this.#limits = limits
  }

  get count(): number {
    return this.#waiting.size + this.#sent.size
  }

  /** Takes a call in at the end of the line; returns how to abandon it. Throws OVERLOADED when full. */
  add(call: PendingCall): Abandon {
    const bytes = dataBytes(call.request)
    if (call.internal !== true) {
      if (this.#calls >= this.#limits.calls || this.#bytes + bytes > this.#limits.bytes) {
        throw new ZooKeeperError('OVERLOADED', `${this.#calls} calls with ${this.#bytes} bytes are already pending`)
      }
      this.#calls += 1
      this.#bytes += bytes
    }
    const entry: Entry = { call, bytes, cxid: undefined, settled: false }
    this.#waiting.add(entry)
    return (code, message, cause) => this.#abandon(entry, code, message, cause)
  }

  /** Gives up on every call whose deadline has come; returns the earliest of the other deadlines, Infinity if there is none. */
  expire(now: number): number {
    let earliest = Number.POSITIVE_INFINITY
    for (const entries of [this.#sent.values(), this.#waiting])
      for (const entry of entries) {
        const deadline = entry.settled ? undefined : entry.call.deadline
        if (deadline === undefined) continue
        if (deadline <= now) this.#abandon(entry, 'CONNECTION_LOSS', 'no answer within its timeout')
        else earliest = Math.min(earliest, deadline)
      }
    return earliest
  }

  /** A new attachment begins: its requests count from 1. */
  restart(): void {
    this.#lastCxid = 0
  }

  /** Hands out the waiting calls in order, as far as the bound of those in flight allows. */
  sendWaiting(send: (cxid: number, request: ClientRequest) => void): void {
    while (this.#waiting.size > 0 && this.#sent.size < this.#limits.inFlight) {
      const entry = this.#next.next().value!
      this.#waiting.delete(entry)
      entry.cxid = ++this.#lastCxid
      this.#sent.set(entry.cxid, entry)
      send(entry.cxid, entry.call.request)
    }
  }

  /** Sends a call before all that wait: for what a new attachment must be told first, and for the client's own reads. */
  sendFirst(call: PendingCall, send: (cxid: number, request: ClientRequest) => void): void {
    const entry: Entry = { call, bytes: 0, cxid: ++this.#lastCxid, settled: false }
    this.#sent.set(this.#lastCxid, entry)
    send(this.#lastCxid, call.request)
  }

  answered(cxid: number, answer: Answer): void {
    const entry = this.#sent.get(cxid)
    if (entry === undefined) return
    this.#forget(entry)
    if (entry.settled) return
    entry.settled = true
    entry.call.answered(answer)
  }

  failed(cxid: number, code: ErrorCode, outcome: Outcome): void {
    const entry = this.#sent.get(cxid)
    if (entry === undefined) return
    this.#forget(entry)
    const low = code === 'STORAGE_LOW'
    this.#fail(entry, code, low ? "this peer's disk, or the leader's, is low" : 'refused without an answer', outcome)
  }

  /** The attachment is gone: what was sent has an unknown outcome, or waits again if it may be repeated. */
  lost(code: ErrorCode, message: string): void {
    const sent = [...this.#sent.values()]
    const again = sent.filter(entry => entry.call.repeat === true && !entry.settled)
    for (const entry of again) {
      this.#sent.delete(entry.cxid!)
      entry.cxid = undefined
      this.#waiting.add(entry)
    }
    for (const entry of sent) {
      if (again.includes(entry)) continue
      this.#forget(entry)
      this.#fail(entry, code, message, 'unknown')
    }
  }

  /** The session is gone: nothing that is left will ever be answered. */
  end(code: ErrorCode, message: string): void {
    for (const entry of [...this.#sent.values(), ...this.#waiting]) {
      this.#forget(entry)
      this.#fail(entry, code, message, entry.cxid === undefined ? 'not-applied' : 'unknown')
    }
  }

  #abandon(entry: Entry, code: ErrorCode, message: string, cause?: unknown): void {
    if (entry.settled) return
    if (entry.cxid === undefined) this.#forget(entry)
    this.#fail(entry, code, message, entry.cxid === undefined ? 'not-applied' : 'unknown', cause)
  }

  #fail(entry: Entry, code: ErrorCode, message: string, outcome: Outcome, cause?: unknown): void {
    if (entry.settled) return
    entry.settled = true
    const { path, request, failed } = entry.call
    const what = path === undefined ? request.kind : `${request.kind} ${path}`
    failed(new ZooKeeperError(code, `${what}: ${message}`, { path, outcome, cause }))
  }

  #forget(entry: Entry): void {
    this.#waiting.delete(entry)
    if (entry.cxid !== undefined) this.#sent.delete(entry.cxid)
    if (entry.call.internal === true) return
    this.#calls -= 1
    this.#bytes -= entry.bytes
  }
}

function dataBytes(request: ClientRequest): number {
  if (request.kind === 'create' || request.kind === 'setData') return request.data?.length ?? 0
  if (request.kind === 'auth') return request.auth.length
  if (request.kind === 'multi') return request.steps.reduce((sum, step) => sum + dataBytes(step), 0)
  return 0
}
