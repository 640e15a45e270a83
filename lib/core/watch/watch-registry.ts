/**
 * Every watch of the clients attached to this peer, and what a txn fires. Rules of ZooKeeper 3.9:
 *
 * | change      | znode's data watches | znode's child watches        | parent's child watches | recursive, on it or above |
 * | ----------- | -------------------- | ---------------------------- | ---------------------- | ------------------------- |
 * | created     | created              |                              | childrenChanged        | created                   |
 * | deleted     | deleted              | deleted, unless told already | childrenChanged        | deleted                   |
 * | dataChanged | dataChanged          |                              |                        | dataChanged               |
 *
 * Persistent watches stand in both columns of their path. Always holds: a client hears at most one event per change and path; a
 * standard watch that matched is gone, told or not (W3, W7); a client that left has no entry (W9).
 * Before: operations/apply-txn gives the changes of each applied txn, in order. After: effect `notify`, ahead of the reply (W1).
 */
import type { ClientId } from '../../model/ids.js'
import { parentOf } from '../../model/path.js'
import type { TreeChange } from '../../model/tree-change.js'
import type { WatchEvent, WatchEventType } from '../../model/watch-event.js'
import type { Zxid } from '../../model/zxid.js'
import { ClientWatches } from './client-watches.js'
import { OneShotWatches } from './one-shot-watches.js'
import { PersistentWatches } from './persistent-watches.js'

/** Told synchronously, in order; must not call back into the registry. */
export type Notify = (client: ClientId, event: WatchEvent) => void

/** May this client know of an event on `path` (the changed znode, or its parent), caused by `change`? */
export type MayRead = (client: ClientId, path: string, change: TreeChange) => boolean

export class WatchRegistry {
  readonly #notify: Notify
  readonly #oneShot = new OneShotWatches()
  readonly #persistent = new PersistentWatches()
  readonly #clients = new Map<ClientId, ClientWatches>()

  constructor(notify: Notify) {
    this.#notify = notify
  }

  /** The same object until `dropClient`. */
  forClient(client: ClientId): ClientWatches {
    let watches = this.#clients.get(client)
    if (watches === undefined) {
      watches = new ClientWatches(client, this.#oneShot, this.#persistent, this.#notify)
      this.#clients.set(client, watches)
    }
    return watches
  }

  /** Tells everyone concerned of what one txn did. Without watches it costs nothing; with recursive ones, the paths' depth. */
  fire(changes: readonly TreeChange[], zxid: Zxid, mayRead?: MayRead): void {
    for (const change of changes) {
      if (this.size === 0) return
      this.#fireOne(change, zxid, mayRead)
    }
  }

  dropClient(client: ClientId): void {
    this.#clients.get(client)?.end()
    this.#clients.delete(client)
  }

  /** Registrations: per client and path at most one of each kind (data, child, persistent, persistentRecursive). */
  get size(): number {
    return this.#oneShot.size + this.#persistent.size
  }

  count(client: ClientId): number {
    return this.#oneShot.count(client) + this.#persistent.count(client)
  }

  /** The paths on which a client hears of the znode itself, each once: ZooKeeper's data table. */
  nodePathsOf(client: ClientId): ReadonlySet<string> {
    return new Set([...this.#oneShot.data.pathsOf(client), ...this.#persistent.pathsOf(client)])
  }

  #fireOne(change: TreeChange, zxid: Zxid, mayRead: MayRead | undefined): void {
    const { type, path } = change
    const tell = (clients: Iterable<ClientId>, event: WatchEventType, at: string) => {
      for (const client of clients) {
        if (mayRead === undefined || mayRead(client, at, change)) this.#notify(client, { type: event, path: at, zxid })
      }
    }

    const told = new Set<ClientId>()
    this.#oneShot.data.take(path, told)
    this.#persistent.collectForNode(path, told)
    tell(told, type, path)
    if (type === 'dataChanged') return

    if (type === 'deleted') {
      const late = new Set<ClientId>()
      this.#oneShot.child.take(path, late)
      for (const client of told) late.delete(client)
      tell(late, 'deleted', path)
    }

    if (path === '/') return
    const parent = parentOf(path)
    const above = new Set<ClientId>()
    this.#oneShot.child.take(parent, above)
    this.#persistent.collectForChildren(parent, above)
    tell(above, 'childrenChanged', parent)
  }
}
