/**
 * Who watches which path, found from either side: by path when something happens, by client when it leaves.
 * A set of pairs (client, path): registering twice is registering once (W3).
 * Always holds: both directions hold the same pairs, and no empty set is kept, so what is gone costs nothing (W9).
 * Used by one-shot-watches.ts and persistent-watches.ts, which say what a registration means.
 */
import type { ClientId } from '../../model/ids.js'

export class WatchTable {
  readonly #clients = new Map<string, Set<ClientId>>()
  readonly #paths = new Map<ClientId, Set<string>>()
  #size = 0

  add(client: ClientId, path: string): void {
    const clients = this.#clients.get(path)
    if (clients?.has(client)) return
    if (clients === undefined) this.#clients.set(path, new Set([client]))
    else clients.add(client)
    const paths = this.#paths.get(client)
    if (paths === undefined) this.#paths.set(client, new Set([path]))
    else paths.add(path)
    this.#size += 1
  }

  has(client: ClientId, path: string): boolean {
    return this.#clients.get(path)?.has(client) ?? false
  }

  /** False if there was none. */
  remove(client: ClientId, path: string): boolean {
    const clients = this.#clients.get(path)
    if (!clients?.delete(client)) return false
    if (clients.size === 0) this.#clients.delete(path)
    this.#forget(client, path)
    return true
  }

  /** Adds the watchers of `path` to `found`. */
  collect(path: string, found: Set<ClientId>): void {
    const clients = this.#clients.get(path)
    if (clients !== undefined) for (const client of clients) found.add(client)
  }

  /** As `collect`, and every registration on `path` is used up. */
  take(path: string, found: Set<ClientId>): void {
    const clients = this.#clients.get(path)
    if (clients === undefined) return
    this.#clients.delete(path)
    for (const client of clients) {
      found.add(client)
      this.#forget(client, path)
    }
  }

  dropClient(client: ClientId): void {
    for (const path of this.#paths.get(client) ?? []) this.remove(client, path)
  }

  /** A live view, in order of registration. */
  pathsOf(client: ClientId): Iterable<string> {
    return this.#paths.get(client) ?? []
  }

  /** Pairs. */
  get size(): number {
    return this.#size
  }

  count(client: ClientId): number {
    return this.#paths.get(client)?.size ?? 0
  }

  #forget(client: ClientId, path: string): void {
    const paths = this.#paths.get(client)
    if (paths?.delete(path) && paths.size === 0) this.#paths.delete(client)
    this.#size -= 1
  }
}
