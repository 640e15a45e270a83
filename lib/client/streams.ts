/**
 * What the streams of a client emit, and how the shared streams of bytes become it for one client: decoded, with its paths.
 *
 * Always holds: every subscriber gets values of its own (decoded for it alone); a value that does not decode ends the stream of
 * that subscriber with CODEC_ERROR and no other. Before: observe.ts, subtree.ts, watches.ts. After: client.ts.
 */
import { defer, map, type Observable } from 'rxjs'
import { type Zxid, zxidToBigint } from '../model/zxid.js'
import { childrenAspect, dataAspect, existsAspect } from './aspects.js'
import type { Chroot } from './chroot.js'
import { type Codec, decodeValue } from './codec.js'
import type { Observations, StreamSink } from './observe.js'
import type { Session } from './session.js'
import { type Stat, toStat } from './stat.js'
import { type SubtreeEntries, type SubtreeEntry, SubtreeStream } from './subtree.js'
import type { Watches } from './watches.js'

/** What every state says of itself. */
export interface StateOrigin {
  /** The last transaction that the answering replica had applied. */
  readonly zxid: bigint
  /** True while the client is cut off from a working ensemble: there may be a newer state. */
  readonly stale: boolean
}
/** A znode's data, or that there is no such znode. `value` is undefined too for a znode without data. */
export type DataState<T> = StateOrigin &
  (
    | { readonly exists: true; readonly value: T | undefined; readonly stat: Stat }
    | { readonly exists: false; readonly value: undefined; readonly stat: undefined }
  )
export type ExistsState = StateOrigin &
  ({ readonly exists: true; readonly stat: Stat } | { readonly exists: false; readonly stat: undefined })
/** The names of a znode's children, sorted; none if there is no such znode. */
export type ChildrenState = StateOrigin &
  (
    | { readonly exists: true; readonly children: readonly string[]; readonly stat: Stat }
    | { readonly exists: false; readonly children: readonly string[]; readonly stat: undefined }
  )
export interface SubtreeZnode<T> {
  readonly value: T | undefined
  readonly stat: Stat
}
/** Every znode of a subtree by its path, the subtree's own root included; empty if there is no such znode. */
export interface SubtreeState<T> extends StateOrigin {
  readonly znodes: ReadonlyMap<string, SubtreeZnode<T>>
}

/**
 * What happened to a znode. `zxid` is that of the transaction, undefined where it is not known. `gap`: the client was cut off and has its watch
 * again; events in between are lost, so whoever keeps a state of its own must read again.
 */
export interface ZnodeEvent {
  readonly type: 'created' | 'deleted' | 'dataChanged' | 'childrenChanged' | 'gap'
  readonly path: string
  readonly zxid: bigint | undefined
}

/** The streams of one session. Paths are the replica's; the chroot is that of the client that asks. */
export class Streams {
  readonly #session: Session
  readonly #watches: Watches
  readonly #observations: Observations

  constructor(session: Session, watches: Watches, observations: Observations) {
    this.#session = session
    this.#watches = watches
    this.#observations = observations
  }

  data<T>(path: string, codec: Codec<T>, shownPath: string): Observable<DataState<T>> {
    return this.#observations.observe(path, dataAspect).pipe(
      map(({ state, zxid, stale }): DataState<T> => {
        if (!state.exists) return { exists: false, value: undefined, stat: undefined, ...origin(zxid, stale) }
        const value = decodeValue(codec, state.data, shownPath)
        return { exists: true, value, stat: toStat(state.stat), ...origin(zxid, stale) }
      }),
    )
  }

  exists(path: string): Observable<ExistsState> {
    return this.#observations.observe(path, existsAspect).pipe(
      map(({ state, zxid, stale }): ExistsState => {
        if (!state.exists) return { exists: false, stat: undefined, ...origin(zxid, stale) }
        return { exists: true, stat: toStat(state.stat), ...origin(zxid, stale) }
      }),
    )
  }

  children(path: string): Observable<ChildrenState> {
    return this.#observations.observe(path, childrenAspect).pipe(
      map(({ state, zxid, stale }): ChildrenState => {
        if (!state.exists) return { exists: false, children: [], stat: undefined, ...origin(zxid, stale) }
        return { exists: true, children: [...state.children], stat: toStat(state.stat), ...origin(zxid, stale) }
      }),
    )
  }

  subtree<T>(path: string, codec: Codec<T>, chroot: Chroot): Observable<SubtreeState<T>> {
    const shared = this.#observations.shared<{ state: SubtreeEntries; zxid: Zxid; stale: boolean }>(
      `subtree$ ${path}`,
      sink => {
        const stream = new SubtreeStream(this.#session, path, sink)
        const stop = this.#watches.observe(path, 'persistentRecursive', stream)
        return () => {
          stream.stop()
          stop()
        }
      },
    )
    return defer(() => {
      // What did not change is decoded once for a subscriber, not once per emission.
      const decoded = new WeakMap<SubtreeEntry, SubtreeZnode<T>>()
      return shared.pipe(
        map(({ state, zxid, stale }): SubtreeState<T> => {
          const znodes = new Map<string, SubtreeZnode<T>>()
          for (const [serverPath, entry] of state) {
            const shown = chroot.toClient(serverPath)
            let znode = decoded.get(entry)
            if (znode === undefined) {
              znode = { value: decodeValue(codec, entry.data, shown), stat: toStat(entry.stat) }
              decoded.set(entry, znode)
            }
            znodes.set(shown, znode)
          }
          return { znodes, ...origin(zxid, stale) }
        }),
      )
    })
  }

  events(path: string, recursive: boolean, chroot: Chroot): Observable<ZnodeEvent> {
    const mode = recursive ? 'persistentRecursive' : 'persistent'
    return this.#observations.started<ZnodeEvent>((sink: StreamSink<ZnodeEvent>) => {
      let cut = false
      return this.#watches.observe(path, mode, {
        event: ({ type, path, zxid }) =>
          sink.next({ type, path: chroot.toClient(path), zxid: zxid && zxidToBigint(zxid) }),
        resumed: () => {
          if (cut) sink.next({ type: 'gap', path: chroot.toClient(path), zxid: undefined })
          cut = false
        },
        suspended: lost => {
          cut ||= lost
        },
        ended: error => (error === undefined ? sink.complete() : sink.error(error)),
      })
    })
  }
}

function origin(zxid: Zxid, stale: boolean): StateOrigin {
  return { zxid: zxidToBigint(zxid), stale }
}
