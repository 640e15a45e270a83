/**
 * The stream of a whole subtree: a map of path to data, kept current by one recursive persistent watch.
 *
 * Always holds: the watch is registered before the first read, so each change after that is heard of; reads go in rounds (the whole
 * subtree first and after every gap, then only what changed), a round ends in at most one emission, and what happened during a
 * round is read in the next: the last emission is the final state. Reads under way are bounded. The entries of one emission
 * may stem from neighbouring zxids: a subtree has no single read.
 * Before: watches.ts, observe.ts (sharing). After: client.ts decodes.
 */
import { ZooKeeperError } from '../model/errors.js'
import { joinPath } from '../model/path.js'
import type { Request } from '../model/request.js'
import type { Response } from '../model/response.js'
import type { Stat } from '../model/stat.js'
import type { WatchEvent } from '../model/watch-event.js'
import { isAfter, later, sameZxid, ZERO, type Zxid } from '../model/zxid.js'
import type { Observed, StreamSink } from './observe.js'
import { replyError } from './reply-error.js'
import { isTransient } from './retry.js'
import type { Session } from './session.js'
import type { WatchObserver } from './watches.js'

export interface SubtreeEntry {
  readonly data: Uint8Array | null
  readonly stat: Stat
}
export type SubtreeEntries = ReadonlyMap<string, SubtreeEntry>

const READS_MAX = 32

/** One run through the paths to be read. It is over when nothing is left to read. */
interface Round {
  readonly todo: Request[]
  readonly entries: Map<string, SubtreeEntry>
  /** Read anew from the root on: what is not found is gone. */
  readonly whole: boolean
  underWay: number
  changed: boolean
  zxid: Zxid
}

export class SubtreeStream implements WatchObserver {
  readonly #session: Session
  readonly #root: string
  readonly #sink: StreamSink<Observed<SubtreeEntries>>
  readonly #dirty = new Set<string>()
  #round: Round | undefined
  #last: Observed<SubtreeEntries> | undefined
  #attempt = 0
  #cancelRetry = (): void => undefined

  constructor(session: Session, root: string, sink: StreamSink<Observed<SubtreeEntries>>) {
    this.#session = session
    this.#root = root
    this.#sink = sink
  }

  event(event: WatchEvent): void {
    this.#dirty.add(event.path)
    if (this.#round === undefined && this.#last !== undefined) this.#readDirty()
  }

  resumed(): void {
    this.#cancelRetry()
    this.#dirty.clear()
    this.#start({ todo: reads(this.#root), entries: new Map(), whole: true, underWay: 0, changed: true, zxid: ZERO })
  }

  suspended(): void {
    if (this.#last !== undefined && !this.#last.stale) this.#emit({ ...this.#last, stale: true })
  }

  ended(error: ZooKeeperError | undefined): void {
    this.stop()
    if (error === undefined) this.#sink.complete()
    else this.#sink.error(error)
  }

  stop(): void {
    this.#cancelRetry()
    this.#round = undefined
    this.#dirty.clear()
  }

  #readDirty(): void {
    const todo: Request[] = [...this.#dirty].map(path => ({ kind: 'getData', path, watch: false }))
    this.#dirty.clear()
    const entries = new Map(this.#last?.state)
    this.#start({ todo, entries, whole: false, underWay: 0, changed: false, zxid: this.#last?.zxid ?? ZERO })
  }

  #start(round: Round): void {
    this.#round = round
    this.#readOn(round)
  }

  #readOn(round: Round): void {
    while (round === this.#round && round.underWay < READS_MAX) {
      const request = round.todo.pop()
      if (request === undefined) break
      round.underWay += 1
      this.#session.ask(
        request,
        ({ response, zxid }) => {
          if (round !== this.#round) return
          round.underWay -= 1
          round.zxid = later(round.zxid, zxid)
          this.#answered(round, request, response)
          this.#readOn(round)
        },
        error => {
          if (round === this.#round) this.#failed(error)
        },
      )
    }
    if (round === this.#round && round.underWay === 0) this.#finish(round)
  }

  #answered(round: Round, request: Request, response: Response): void {
    const path = (request as { readonly path: string }).path
    if (response.kind === 'data') {
      const known = round.entries.get(path)
      if (known !== undefined && !isAfter(response.stat.mzxid, known.stat.mzxid)) return
      round.entries.set(path, { data: response.data, stat: response.stat })
      round.changed = true
    } else if (response.kind === 'children') {
      for (const child of response.children) round.todo.push(...reads(joinPath(path, child)))
    } else if (response.kind === 'error' && response.code === 'NO_NODE') {
      if (request.kind === 'getData' && round.entries.delete(path)) round.changed = true
    } else if (response.kind === 'error') {
      this.#failed(replyError(response, 'subtree$', path))
    } else {
      this.#failed(new ZooKeeperError('PROTOCOL_ERROR', `subtree$ was answered with ${response.kind}`))
    }
  }

  #finish(round: Round): void {
    this.#round = undefined
    this.#attempt = 0
    const stale = !this.#session.current
    const changed = round.whole ? !sameEntries(this.#last?.state, round.entries) : round.changed
    if (changed || this.#last?.stale !== stale) this.#emit({ state: round.entries, zxid: round.zxid, stale })
    if (this.#round === undefined && this.#dirty.size > 0) this.#readDirty()
  }

  /** A read that was not answered spoils its round: the whole is read again, after a reconnect by `resumed`. */
  #failed(error: ZooKeeperError): void {
    this.#round = undefined
    if (!this.#session.attached) return
    if (!isTransient(error.code)) {
      this.#sink.error(error)
      return
    }
    this.#cancelRetry()
    this.#cancelRetry = this.#session.retryLater(this.#attempt++, () => {
      if (this.#session.attached) this.resumed()
    })
  }

  #emit(value: Observed<SubtreeEntries>): void {
    this.#last = value
    this.#sink.next(value)
  }
}

/** Undefined: nothing was known before. */
function sameEntries(before: SubtreeEntries | undefined, now: SubtreeEntries): boolean {
  if (before?.size !== now.size) return false
  for (const [path, { stat }] of now) {
    const known = before.get(path)?.stat
    if (known === undefined || !sameZxid(known.mzxid, stat.mzxid) || !sameZxid(known.czxid, stat.czxid)) return false
  }
  return true
}

function reads(path: string): Request[] {
  return [
    { kind: 'getData', path, watch: false },
    { kind: 'getChildren', path, watch: false },
  ]
}
