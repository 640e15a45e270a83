/**
 * Watches that stay until they are removed or their client leaves. `persistent` tells everything about its own path, children
 * included; `persistentRecursive` tells of its path and of everything below, but never childrenChanged. Both, and standard
 * watches too, may stand side by side on one path (W6; ZooKeeper 3.9, ZOOKEEPER-4466).
 *
 * A change asks upwards from its path, so recursive watches cost the depth of the path, not their number.
 * Used by watch-registry.ts.
 */
import type { ClientId } from '../../model/ids.js'
import { parentOf } from '../../model/path.js'
import type { AddWatchMode } from '../../model/request.js'
import { WatchTable } from './watch-table.js'

export class PersistentWatches {
  readonly #exact = new WatchTable()
  readonly #recursive = new WatchTable()

  add(client: ClientId, path: string, mode: AddWatchMode): void {
    this.#tableOf(mode).add(client, path)
  }

  remove(client: ClientId, path: string, mode: AddWatchMode): boolean {
    return this.#tableOf(mode).remove(client, path)
  }

  has(client: ClientId, path: string, mode: AddWatchMode): boolean {
    return this.#tableOf(mode).has(client, path)
  }

  /** Adds to `found` who hears of a change of the znode at `path` itself. */
  collectForNode(path: string, found: Set<ClientId>): void {
    this.#exact.collect(path, found)
    if (this.#recursive.size === 0) return
    for (let at = path; at !== '/'; at = parentOf(at)) this.#recursive.collect(at, found)
    this.#recursive.collect('/', found)
  }

  /** Adds to `found` who hears that the children of `path` changed. */
  collectForChildren(path: string, found: Set<ClientId>): void {
    this.#exact.collect(path, found)
  }

  *pathsOf(client: ClientId): Iterable<string> {
    yield* this.#exact.pathsOf(client)
    yield* this.#recursive.pathsOf(client)
  }

  dropClient(client: ClientId): void {
    this.#exact.dropClient(client)
    this.#recursive.dropClient(client)
  }

  get size(): number {
    return this.#exact.size + this.#recursive.size
  }

  count(client: ClientId): number {
    return this.#exact.count(client) + this.#recursive.count(client)
  }

  #tableOf(mode: AddWatchMode): WatchTable {
    return mode === 'persistent' ? this.#exact : this.#recursive
  }
}
