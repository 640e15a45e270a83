/**
 * One session over one channel: attaches, attaches again when the connection is lost, and carries requests and events.
 *
 * Always holds: a request is sent only while attached, and after the watches of the session were told; expired and closed are
 * final (C16); lastZxidSeen never falls and moves with ordinary answers only (C3); after `close()` no timer, no attachment and
 * no pending call is left (R3). It never declares its own expiry: the channel knows the deadline that the leader confirmed.
 * Before: requests.ts, observe.ts and watches.ts, which ask. After: a Channel.
 * ZooKeeper: sessions, client behaviour; ZOOKEEPER-22 (what is not answered is in doubt).
 */
import { BehaviorSubject, defer, type Observable, of } from 'rxjs'
import { type ErrorCode, ZooKeeperError } from '../model/errors.js'
import { type SessionId, sessionIdToBigint } from '../model/ids.js'
import type { AuthRequest, ClientRequest, Request } from '../model/request.js'
import type { WatchEvent } from '../model/watch-event.js'
import { later, ZERO, type Zxid } from '../model/zxid.js'
import { onAbort } from './abort-listeners.js'
import { AwaitedWork } from './awaited-work.js'
import type { AttachOptions, Channel, ChannelAttachment } from './channel.js'
import { type Answer, type PendingCall, PendingCalls } from './pending-calls.js'
import { backOffMs, type ClientRandom } from './retry.js'
import { endedBy, isFinal, whyEnded } from './session-end.js'
import { DeadlineTimer, SessionTimers } from './session-timers.js'

/**
 * `connecting`: not attached, calls wait. `connected`: attached to a working ensemble. `suspended`: attached to a replica that
 * has no ensemble right now, so answers may be stale or wait. `expired` and `closed` are final.
 */
export type ClientState = 'connecting' | 'connected' | 'suspended' | 'expired' | 'closed'

export interface SessionInfo {
  readonly id: bigint
  /** As negotiated. */
  readonly timeoutMs: number
}

/** Whoever must be told about the life of the session: the watches. None of these may throw. */
export interface SessionListener {
  /** What a new attachment must be told before any other request. */
  greeting(since: Zxid): readonly Request[]
  /** Attached and told, or serving again: what was read before may be outdated. */
  resumed(): void
  /** Cut off: what is known may become stale. */
  suspended(): void
  event(event: WatchEvent): void
  /** The end: with an error, or undefined when it was asked for. */
  ended(error: ZooKeeperError | undefined): void
}

export interface SessionOptions {
  readonly sessionTimeoutMs: number
  readonly timeoutMs: number
  readonly pendingCallsMax: number
  readonly pendingBytesMax: number
  readonly inFlightMax: number
}

/** How long a call may take, as settled when it began; steps of one call share it. */
export interface CallScope {
  readonly signal: AbortSignal | undefined
  /** On the channel's clock. */
  readonly deadline: number
}

export class Session {
  readonly #channel: Channel
  readonly #options: SessionOptions
  readonly #random: ClientRandom
  readonly #pending: PendingCalls
  readonly #state = new BehaviorSubject<ClientState>('connecting')
  readonly #timers: SessionTimers
  readonly #deadlines: DeadlineTimer
  readonly #awaited: AwaitedWork
  readonly #opening: Array<(error: ZooKeeperError | undefined) => void> = []
  #listener: SessionListener | undefined
  #attachment: ChannelAttachment | undefined
  #attached = false
  #serving = true
  #attempt = 0
  /** What this client has proved to be: said again on every attachment, before anything else. */
  readonly #auths: AuthRequest[] = []
  #lastZxidSeen: Zxid = ZERO
  #lastLoss: ErrorCode | undefined
  #identity: { readonly session: SessionId; readonly password: Uint8Array; readonly timeoutMs: number } | undefined
  #end: ZooKeeperError | undefined
  #closing = false
  #closed: Promise<void> | undefined

  constructor(channel: Channel, options: SessionOptions, random: ClientRandom) {
    this.#channel = channel
    this.#options = options
    this.#random = random
    this.#pending = new PendingCalls({
      calls: options.pendingCallsMax,
      bytes: options.pendingBytesMax,
      inFlight: options.inFlightMax,
    })
    this.#timers = new SessionTimers(channel.clock)
    this.#deadlines = new DeadlineTimer(this.#timers, channel.clock, now => this.#pending.expire(now))
    this.#awaited = new AwaitedWork(this.#timers)
  }

  /** Begins to attach. Resolves once attached, rejects when that is not to be. */
  open(listener: SessionListener, scope: CallScope): Promise<void> {
    this.#listener = listener
    return new Promise<void>((resolve, reject) => {
      const giveUp = (code: ErrorCode, message: string): void => {
        const cause =
          code === 'ABORTED'
            ? scope.signal?.reason
            : this.#lastLoss && new ZooKeeperError(this.#lastLoss, 'could not attach')
        this.#finish(new ZooKeeperError(code, `opening a client: ${message}`, { cause }))
      }
      const aborted = (): void => giveUp('ABORTED', 'aborted by its signal')
      const cancel = this.#timers.scheduleAt(scope.deadline, () =>
        giveUp('CONNECTION_LOSS', 'no session within its timeout'),
      )
      const unlisten = scope.signal && onAbort(scope.signal, aborted)
      const over = this.#channel.clock.waiting?.()
      this.#opening.push(error => {
        over?.()
        cancel()
        unlisten?.()
        if (error === undefined) resolve()
        else reject(error)
      })
      if (scope.signal?.aborted === true) aborted()
      if (this.#end === undefined) this.#attach()
    })
  }

  get state$(): Observable<ClientState> {
    // A completed subject keeps its last value to itself.
    return defer(() => (this.#state.value === 'closed' ? of<ClientState>('closed') : this.#state))
  }

  get info(): SessionInfo {
    return {
      id: this.#identity === undefined ? 0n : sessionIdToBigint(this.#identity.session),
      timeoutMs: this.#identity?.timeoutMs ?? this.#options.sessionTimeoutMs,
    }
  }

  get dataBytesMax(): number {
    return this.#channel.dataBytesMax
  }

  /** Whether a request would be sent at once. */
  get attached(): boolean {
    return this.#attached
  }

  /** Whether answers are those of a replica in a working ensemble. */
  get current(): boolean {
    return this.#attached && this.#serving
  }

  /** Why nothing can be asked any more, as a new error; undefined while it can. */
  get end(): ZooKeeperError | undefined {
    if (this.#end !== undefined) return endedBy(this.#end.code)
    return this.#closing ? endedBy('CLOSED') : undefined
  }

  /** The bounds of a call that begins now. */
  scope(signal: AbortSignal | undefined, timeoutMs: number | undefined): CallScope {
    return { signal, deadline: this.#channel.clock.now() + (timeoutMs ?? this.#options.timeoutMs) }
  }

  /**
   * Asks, and settles with what `read` makes of the answer in the same turn, so that an awaited answer is seen before a later
   * event. Rejects with CONNECTION_LOSS at the deadline and ABORTED by the signal; both tell the outcome.
   */
  request<R>(request: Request, path: string | undefined, scope: CallScope, read: (answer: Answer) => R): Promise<R> {
    return this.#request(request, path, scope, read, false)
  }

  /** From its place among the calls on, this client is also who `request` proves it to be; on every attachment to come, too. */
  authenticate(request: AuthRequest, scope: CallScope): Promise<void> {
    // Before the answer: an attachment that begins meanwhile must know it ahead of the calls behind this one.
    if (!this.#auths.some(each => sameAuth(each, request))) this.#auths.push(request)
    // May be repeated: who is somebody twice is nobody else.
    return this.#request(request, undefined, scope, () => undefined, true)
  }

  #request<R>(
    request: ClientRequest,
    path: string | undefined,
    scope: CallScope,
    read: (answer: Answer) => R,
    repeat: boolean,
  ): Promise<R> {
    return new Promise<R>((resolve, reject) => {
      const end = this.end
      if (end !== undefined) throw end
      const over = this.#isOver(scope)
      if (over !== undefined)
        throw new ZooKeeperError(over, 'before it was sent', { path, cause: scope.signal?.reason })
      const { signal, deadline } = scope
      let unlisten: (() => void) | undefined
      const aborted = (): void => abandon('ABORTED', 'aborted by its signal', signal?.reason)
      const settled = (): void => {
        unlisten?.()
        waited?.()
      }
      const abandon = this.#pending.add({
        request,
        path,
        deadline,
        repeat,
        answered: answer => {
          settled()
          try {
            resolve(read(answer))
          } catch (error) {
            reject(error)
          }
        },
        failed: error => {
          settled()
          reject(error)
        },
      })
      const waited = this.#channel.clock.waiting?.()
      unlisten = signal && onAbort(signal, aborted)
      this.#deadlines.watch(deadline)
      this.#flush()
    })
  }

  /** What the application itself has to say in the middle of a call, within the bounds of that call. */
  within<R>(work: PromiseLike<R>, path: string, scope: CallScope): Promise<R> {
    return this.#awaited.within(work, path, scope)
  }

  /**
   * Asks for the client itself, before the calls that wait and without a time limit: the answer or the end of the attachment
   * comes. Only while attached.
   */
  ask(request: Request, answered: (answer: Answer) => void, failed: (error: ZooKeeperError) => void): void {
    this.#pending.sendFirst({ request, answered, failed, internal: true }, this.#send)
  }

  /** Calls back after the back-off of this attempt, unless the session ends first. Returns how to cancel it. */
  retryLater(attempt: number, callback: () => void): () => void {
    return this.#timers.schedule(backOffMs(attempt, this.#random), callback)
  }

  /** Ends the session: what was asked before is answered first. Never rejects; unconfirmed, the session expires by itself. */
  close(): Promise<void> {
    this.#closing = true
    this.#closed ??= new Promise<void>(resolve => {
      if (this.#end !== undefined) {
        this.#finish(this.#end)
        resolve()
        return
      }
      this.#listener?.ended(undefined)
      const over = this.#channel.clock.waiting?.()
      const finish = (): void => {
        over?.()
        cancel()
        this.#finish(endedBy('CLOSED'))
        resolve()
      }
      const call: PendingCall = {
        request: { kind: 'closeSession' },
        answered: finish,
        failed: finish,
        internal: true,
        repeat: true,
      }
      const cancel = this.#timers.schedule(Math.min(this.#options.timeoutMs, this.info.timeoutMs), finish)
      this.#pending.add(call)
      this.#flush()
    })
    return this.#closed
  }

  #isOver(scope: CallScope): ErrorCode | undefined {
    if (scope.signal?.aborted === true) return 'ABORTED'
    return scope.deadline <= this.#channel.clock.now() ? 'CONNECTION_LOSS' : undefined
  }

  #attach(): void {
    let live = true
    this.#serving = true
    const only =
      <A extends unknown[]>(act: (...args: A) => void) =>
      (...args: A): void => {
        if (live) act(...args)
      }
    const options: AttachOptions = {
      timeoutMs: this.#options.sessionTimeoutMs,
      resume: this.#identity && { session: this.#identity.session, password: this.#identity.password },
      lastZxidSeen: this.#lastZxidSeen,
    }
    const attachment = this.#channel.attach(options, {
      attached: only(identity => this.#onAttached(identity)),
      reply: only((cxid, zxid, response) => {
        this.#lastZxidSeen = later(this.#lastZxidSeen, zxid)
        this.#pending.answered(cxid, { zxid, response })
        this.#flush()
      }),
      failed: only((cxid, code, outcome) => {
        this.#pending.failed(cxid, code, outcome)
        this.#flush()
      }),
      event: only(event => this.#listener?.event(event)),
      serving: only(serving => this.#onServing(serving)),
      detached: only(code => {
        live = false
        this.#onDetached(code)
      }),
    })
    this.#attachment = {
      send: (cxid, request) => attachment.send(cxid, request),
      detach: () => {
        live = false
        attachment.detach()
      },
    }
  }

  #onAttached(identity: {
    readonly session: SessionId
    readonly password: Uint8Array
    readonly timeoutMs: number
  }): void {
    this.#identity = identity
    this.#attached = true
    this.#attempt = 0
    this.#pending.restart()
    for (const auth of this.#auths) this.#greet(auth)
    if (!this.#closing) {
      for (const request of this.#listener?.greeting(this.#lastZxidSeen) ?? []) this.#greet(request)
    }
    this.#flush()
    if (this.#end !== undefined) return
    this.#setState(this.#serving ? 'connected' : 'suspended')
    for (const opened of this.#opening.splice(0)) opened(undefined)
    if (!this.#closing) this.#listener?.resumed()
  }

  /**
   * Without its identities and its watches an attachment is of no use: one that refuses them is left, and the next one told again. Who is not believed is
   * not believed by the next one either: the end of this one says so, and is final.
   */
  #greet(request: ClientRequest): void {
    const refused = ({ code }: { readonly code: ErrorCode }): void => {
      if (!this.#attached || this.#end !== undefined || isFinal(code)) return
      this.#attachment?.detach()
      this.#onDetached('CONNECTION_LOSS')
    }
    const answered = ({ response }: Answer): void => {
      if (response.kind === 'error') refused(response)
    }
    this.#pending.sendFirst({ request, answered, failed: refused, internal: true }, this.#send)
  }

  #onServing(serving: boolean): void {
    if (this.#serving === serving) return
    this.#serving = serving
    if (!this.#attached) return
    this.#setState(serving ? 'connected' : 'suspended')
    if (this.#closing) return
    if (serving) this.#listener?.resumed()
    else this.#listener?.suspended()
  }

  #onDetached(code: ErrorCode): void {
    this.#attachment = undefined
    this.#attached = false
    if (isFinal(code) || code === 'CLOSED') {
      this.#finish(endedBy(code))
      return
    }
    this.#lastLoss = code
    this.#setState('connecting')
    this.#pending.lost('CONNECTION_LOSS', 'the connection was lost before it was answered')
    if (!this.#closing) this.#listener?.suspended()
    if (this.#end === undefined) this.retryLater(this.#attempt++, () => this.#attach())
  }

  /** The one way out of every state but a final one. */
  #finish(end: ZooKeeperError): void {
    this.#end ??= end
    this.#attachment?.detach()
    this.#attachment = undefined
    this.#attached = false
    this.#timers.cancelAll()
    this.#deadlines.end()
    const { code } = this.#end
    const why = whyEnded(code)
    this.#awaited.end(code, why)
    this.#pending.end(code, why)
    const orderly = this.#closing || end.code === 'CLOSED'
    this.#listener?.ended(orderly ? undefined : this.#end)
    for (const opened of this.#opening.splice(0)) opened(end)
    this.#setState(this.#end.code === 'SESSION_EXPIRED' && !this.#closing ? 'expired' : 'closed')
    if (this.#state.value === 'closed') this.#state.complete()
  }

  #setState(state: ClientState): void {
    if (this.#state.value !== state) this.#state.next(state)
  }

  #flush(): void {
    if (this.#attached) this.#pending.sendWaiting(this.#send)
  }

  readonly #send = (cxid: number, request: ClientRequest): void => {
    // Whoever verifies it overwrites its bytes.
    const sent = request.kind === 'auth' ? { ...request, auth: request.auth.slice() } : request
    this.#attachment!.send(cxid, sent)
  }
}

function sameAuth(a: AuthRequest, b: AuthRequest): boolean {
  return a.scheme === b.scheme && a.auth.length === b.auth.length && a.auth.every((byte, at) => byte === b.auth[at])
}
