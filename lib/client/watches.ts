/**
 * The watches of one session, shared: one persistent watch per path and mode, however many observe it.
 *
 * Always holds: the first observer of a path registers, the last one deregisters, however often that is refused (W9, W10); a watch is registered before what it
 * watches is read, and never again while the attachment lasts, so there is no window in which a change is missed; after
 * a reconnect every watch is told before any other request, and every observer reads again, for persistent watches get no
 * word of what happened meanwhile. One observer cannot harm another.
 * Before: session.ts delivers events. After: observe.ts, subtree.ts. ZooKeeper: watches; ZOOKEEPER-1416 (persistent watches).
 */
import type { ErrorCode, ZooKeeperError } from '../model/errors.js'
import type { AddWatchMode, Request, SetWatchesRequest } from '../model/request.js'
import type { WatchEvent } from '../model/watch-event.js'
import type { Zxid } from '../model/zxid.js'
import { replyError } from './reply-error.js'
import { isTransient } from './retry.js'
import type { Session, SessionListener } from './session.js'

/** None of these may throw. */
export interface WatchObserver {
  event(event: WatchEvent): void
  /** The watch stands, or the replica is current again: read now. */
  resumed(): void
  /** Cut off until `resumed`; `lost`: the watch itself is gone meanwhile, events will be missing. */
  suspended(lost: boolean): void
  /** The end: a typed error, or undefined when the client was closed. */
  ended(error: ZooKeeperError | undefined): void
}

interface Watch {
  readonly path: string
  readonly mode: AddWatchMode
  readonly observers: Set<WatchObserver>
  attempt: number
  cancelRetry: () => void
}

/** ZooKeeper's bound of the paths in one setWatches request, in UTF-16 units. */
const BATCH_PATHS_MAX = 128 * 1024

export class Watches implements SessionListener {
  readonly #session: Session
  readonly #watches: Readonly<Record<AddWatchMode, Map<string, Watch>>> = {
    persistent: new Map(),
    persistentRecursive: new Map(),
  }

  /** Of removals that were refused for the moment: how to give up trying again. */
  readonly #removals: Readonly<Record<AddWatchMode, Map<string, () => void>>> = {
    persistent: new Map(),
    persistentRecursive: new Map(),
  }

  constructor(session: Session) {
    this.#session = session
  }

  /** How many watches the session has registered. */
  get count(): number {
    return this.#watches.persistent.size + this.#watches.persistentRecursive.size
  }

  /** Observes a path from now on; `resumed` is called at once if the watch can stand. Returns how to stop. */
  observe(path: string, mode: AddWatchMode, observer: WatchObserver): () => void {
    const watches = this.#watches[mode]
    let watch = watches.get(path)
    if (watch === undefined) {
      watch = { path, mode, observers: new Set(), attempt: 0, cancelRetry: () => undefined }
      watches.set(path, watch)
      this.#register(watch)
    }
    const observed = watch
    observed.observers.add(observer)
    if (this.#session.attached) observer.resumed()
    return () => {
      if (!observed.observers.delete(observer) || observed.observers.size > 0 || watches.get(path) !== observed) return
      watches.delete(path)
      observed.cancelRetry()
      this.#deregister(path, mode)
    }
  }

  greeting(since: Zxid): readonly Request[] {
    const batches: SetWatchesRequest[] = []
    let persistent: string[] = []
    let persistentRecursive: string[] = []
    let size = 0
    const close = (): void => {
      if (size === 0) return
      batches.push({ kind: 'setWatches', since, data: [], exist: [], child: [], persistent, persistentRecursive })
      persistent = []
      persistentRecursive = []
      size = 0
    }
    for (const { path, mode, cancelRetry } of this.#all()) {
      cancelRetry()
      if (size + path.length > BATCH_PATHS_MAX) close()
      if (mode === 'persistent') persistent.push(path)
      else persistentRecursive.push(path)
      size += path.length
    }
    close()
    return batches
  }

  resumed(): void {
    for (const watch of this.#all()) for (const observer of [...watch.observers]) observer.resumed()
  }

  suspended(): void {
    for (const watch of this.#all()) this.#suspend(watch, !this.#session.attached)
  }

  event(event: WatchEvent): void {
    const watch = this.#watches.persistent.get(event.path)
    if (watch !== undefined) for (const observer of [...watch.observers]) observer.event(event)
    if (event.type === 'childrenChanged' || this.#watches.persistentRecursive.size === 0) return
    for (const path of selfAndAncestors(event.path)) {
      const recursive = this.#watches.persistentRecursive.get(path)
      if (recursive !== undefined) for (const observer of [...recursive.observers]) observer.event(event)
    }
  }

  ended(error: ZooKeeperError | undefined): void {
    for (const watch of this.#all()) this.#endWatch(watch, error)
  }

  #all(): Watch[] {
    return [...this.#watches.persistent.values(), ...this.#watches.persistentRecursive.values()]
  }

  #endWatch(watch: Watch, error: ZooKeeperError | undefined): void {
    this.#watches[watch.mode].delete(watch.path)
    watch.cancelRetry()
    const observers = [...watch.observers]
    watch.observers.clear()
    for (const observer of observers) observer.ended(error)
  }

  #suspend(watch: Watch, lost: boolean): void {
    for (const observer of [...watch.observers]) observer.suspended(lost)
  }

  /** Not attached: the greeting of the next attachment registers it. */
  #register(watch: Watch): void {
    if (!this.#session.attached) return
    this.#session.ask(
      { kind: 'addWatch', path: watch.path, mode: watch.mode },
      ({ response }) => {
        watch.attempt = 0
        if (response.kind === 'error') this.#refused(watch, replyError(response, 'addWatch', watch.path))
      },
      error => this.#refused(watch, error),
    )
  }

  /** Until the peer lets go of it or it is observed again. The next attachment does not know of it (W9). */
  #deregister(path: string, mode: AddWatchMode, attempt = 0): void {
    const retries = this.#removals[mode]
    const cancelRetry = (): void => {
      retries.get(path)?.()
      retries.delete(path)
    }
    cancelRetry()
    if (!this.#session.attached || this.#watches[mode].has(path)) return
    const refused = ({ code }: { readonly code: ErrorCode }): void => {
      if (!this.#session.attached || !isTransient(code)) return
      cancelRetry()
      retries.set(
        path,
        this.#session.retryLater(attempt, () => this.#deregister(path, mode, attempt + 1)),
      )
    }
    this.#session.ask(
      { kind: 'removeWatches', path, type: mode },
      ({ response }) => {
        if (response.kind === 'error') refused(response)
      },
      refused,
    )
  }

  #refused(watch: Watch, error: ZooKeeperError): void {
    if (!this.#session.attached || this.#watches[watch.mode].get(watch.path) !== watch) return
    if (!isTransient(error.code)) {
      this.#endWatch(watch, error)
      return
    }
    this.#suspend(watch, true)
    watch.cancelRetry()
    watch.cancelRetry = this.#session.retryLater(watch.attempt++, () => {
      // Else the greeting of the next attachment has it, and everybody is resumed then.
      if (!this.#session.attached) return
      this.#register(watch)
      for (const observer of [...watch.observers]) observer.resumed()
    })
  }
}

function* selfAndAncestors(path: string): Generator<string> {
  let current = path
  while (current !== '/') {
    yield current
    current = current.slice(0, Math.max(1, current.lastIndexOf('/')))
  }
  yield '/'
}
