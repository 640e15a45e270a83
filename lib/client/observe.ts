/**
 * State streams of one znode: what is so now, then every newer state, read again after each event of a persistent watch.
 *
 * Always holds: at most one read is under way per stream, and one more follows if anything happened meanwhile, so the last
 * state is never lost and a burst of changes costs at most two reads (latest wins, nothing is buffered); what is emitted never
 * goes back; equal states are not repeated unless `stale` changed; a stream ends by unsubscribe, close() or a typed error.
 * Before: watches.ts. After: client.ts decodes and hands out. The subtree's stream is subtree.ts.
 */
import { defer, Observable, ReplaySubject, share, throwError } from 'rxjs'
import { ZooKeeperError } from '../model/errors.js'
import type { Request } from '../model/request.js'
import type { Response } from '../model/response.js'
import type { Zxid } from '../model/zxid.js'
import { replyError } from './reply-error.js'
import { isTransient } from './retry.js'
import type { Session } from './session.js'
import type { Watches, WatchObserver } from './watches.js'

/** A state as a replica told it. */
export interface Observed<S> {
  readonly state: S
  /** The last transaction that the answering replica had applied. */
  readonly zxid: Zxid
  readonly stale: boolean
}

/** What is observed of a znode. */
export interface Aspect<S> {
  readonly name: string
  request(path: string): Request
  /** The state that an answer tells; undefined if the answer tells none. NO_NODE arrives here too. */
  read(response: Response): S | undefined
  /** How `next` stands to the state before it. */
  compare(last: S, next: S): 'older' | 'same' | 'newer'
  concerns(event: 'created' | 'deleted' | 'dataChanged' | 'childrenChanged'): boolean
}

/** The shared streams of one session, by aspect and path. */
export class Observations {
  readonly #session: Session
  readonly #watches: Watches
  readonly #streams = new Map<string, Observable<unknown>>()

  constructor(session: Session, watches: Watches) {
    this.#session = session
    this.#watches = watches
  }

  /** One source for all who observe the same aspect of the same path; it lives from the first subscriber to the last. */
  observe<S>(path: string, aspect: Aspect<S>): Observable<Observed<S>> {
    return this.shared(`${aspect.name} ${path}`, subscriber => {
      const stream = new ZnodeStream(this.#session, path, aspect, subscriber)
      const stop = this.#watches.observe(path, 'persistent', stream)
      return () => {
        stream.stop()
        stop()
      }
    })
  }

  /** A stream of its own for each subscriber, refused once the session has ended. */
  started<V>(start: (sink: StreamSink<V>) => () => void): Observable<V> {
    return defer(() => {
      const end = this.#session.end
      return end === undefined ? new Observable<V>(subscriber => start(subscriber)) : throwError(() => end)
    })
  }

  /** A stream made by `start` on the first subscription, shared under a key, refused once the session has ended. */
  shared<V>(key: string, start: (sink: StreamSink<V>) => () => void): Observable<V> {
    return defer(() => {
      const end = this.#session.end
      if (end !== undefined) return throwError(() => end)
      const known = this.#streams.get(key) as Observable<V> | undefined
      if (known !== undefined) return known
      const stream = new Observable<V>(subscriber => {
        const stop = start(subscriber)
        return () => {
          if (this.#streams.get(key) === stream) this.#streams.delete(key)
          stop()
        }
      }).pipe(share({ connector: () => new ReplaySubject<V>(1) }))
      this.#streams.set(key, stream)
      return stream
    })
  }
}

export interface StreamSink<V> {
  next(value: V): void
  error(error: ZooKeeperError): void
  complete(): void
}

/** Reads one thing again and again, as often as asked but never twice at a time. */
export class ConflatedRead {
  readonly #session: Session
  readonly #request: Request
  readonly #answered: (response: Response, zxid: Zxid) => void
  readonly #refused: (error: ZooKeeperError) => void
  #reading = false
  #again = false
  #attempt = 0
  #stopped = false
  #cancelRetry = (): void => undefined

  constructor(
    session: Session,
    request: Request,
    answered: (response: Response, zxid: Zxid) => void,
    refused: (error: ZooKeeperError) => void,
  ) {
    this.#session = session
    this.#request = request
    this.#answered = answered
    this.#refused = refused
  }

  read(): void {
    if (this.#stopped || !this.#session.attached) return
    if (this.#reading) {
      this.#again = true
      return
    }
    this.#cancelRetry()
    this.#reading = true
    this.#again = false
    this.#session.ask(
      this.#request,
      ({ response, zxid }) => {
        this.#reading = false
        if (this.#stopped) return
        if (response.kind === 'error' && isTransient(response.code)) {
          this.#retry()
          return
        }
        this.#attempt = 0
        this.#answered(response, zxid)
        if (this.#again) this.read()
      },
      error => {
        this.#reading = false
        if (this.#stopped || !this.#session.attached) return
        if (isTransient(error.code)) this.#retry()
        else this.#refused(error)
      },
    )
  }

  stop(): void {
    this.#stopped = true
    this.#cancelRetry()
  }

  #retry(): void {
    this.#cancelRetry()
    this.#cancelRetry = this.#session.retryLater(this.#attempt++, () => this.read())
  }
}

class ZnodeStream<S> implements WatchObserver {
  readonly #session: Session
  readonly #aspect: Aspect<S>
  readonly #path: string
  readonly #sink: StreamSink<Observed<S>>
  readonly #read: ConflatedRead
  #last: Observed<S> | undefined

  constructor(session: Session, path: string, aspect: Aspect<S>, sink: StreamSink<Observed<S>>) {
    this.#session = session
    this.#path = path
    this.#aspect = aspect
    this.#sink = sink
    this.#read = new ConflatedRead(
      session,
      aspect.request(path),
      (response, zxid) => this.#answered(response, zxid),
      error => sink.error(error),
    )
  }

  event(event: { readonly type: 'created' | 'deleted' | 'dataChanged' | 'childrenChanged' }): void {
    if (this.#aspect.concerns(event.type)) this.#read.read()
  }

  resumed(): void {
    this.#read.read()
  }

  suspended(): void {
    if (this.#last === undefined || this.#last.stale) return
    this.#last = { ...this.#last, stale: true }
    this.#sink.next(this.#last)
  }

  ended(error: ZooKeeperError | undefined): void {
    this.#read.stop()
    if (error === undefined) this.#sink.complete()
    else this.#sink.error(error)
  }

  stop(): void {
    this.#read.stop()
  }

  #answered(response: Response, zxid: Zxid): void {
    const state = this.#aspect.read(response)
    if (state === undefined) {
      this.#read.stop()
      this.#sink.error(
        response.kind === 'error'
          ? replyError(response, this.#aspect.name, this.#path)
          : new ZooKeeperError('PROTOCOL_ERROR', `${this.#aspect.name} was answered with ${response.kind}`),
      )
      return
    }
    const stale = !this.#session.current
    const last = this.#last
    if (last !== undefined) {
      const order = this.#aspect.compare(last.state, state)
      if (order === 'older' || (order === 'same' && last.stale === stale)) return
    }
    this.#last = { state, zxid, stale }
    this.#sink.next(this.#last)
  }
}
