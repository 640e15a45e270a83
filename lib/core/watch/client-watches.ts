/**
 * One client's view of the watch registry: what the operations of this client register, remove and restore.
 * Holds nothing itself but its client's id; ends with the client, and a use after that is a bug that would leak entries (W9).
 * Made by watch-registry.ts; used by operations/get-data, exists, get-children, add-watch, remove-watches, check-watches, set-watches.
 */
import type { ClientId } from '../../model/ids.js'
import { invariant } from '../../model/invariant.js'
import type { AddWatchMode, RemoveWatchType, SetWatchesRequest } from '../../model/request.js'
import type { WatchEvent } from '../../model/watch-event.js'
import { judgeMissed, type Look } from './missed-events.js'
import type { OneShotWatches } from './one-shot-watches.js'
import type { PersistentWatches } from './persistent-watches.js'

export class ClientWatches {
  readonly #client: ClientId
  readonly #oneShot: OneShotWatches
  readonly #persistent: PersistentWatches
  readonly #notify: (client: ClientId, event: WatchEvent) => void
  #ended = false

  constructor(
    client: ClientId,
    oneShot: OneShotWatches,
    persistent: PersistentWatches,
    notify: (client: ClientId, event: WatchEvent) => void,
  ) {
    this.#client = client
    this.#oneShot = oneShot
    this.#persistent = persistent
    this.#notify = notify
  }

  /** Set by getData that succeeded, and by exists of a present znode. */
  watchData(path: string): void {
    this.#assertLive()
    this.#oneShot.data.add(this.#client, path)
  }

  /** Set by exists of a missing znode. The same table as `watchData`: both are one registration. */
  watchExist(path: string): void {
    this.watchData(path)
  }

  /** Set by getChildren that succeeded. */
  watchChild(path: string): void {
    this.#assertLive()
    this.#oneShot.child.add(this.#client, path)
  }

  addPersistent(path: string, mode: AddWatchMode): void {
    this.#assertLive()
    this.#persistent.add(this.#client, path, mode)
  }

  /** Removes what is registered on exactly this path; other kinds stay (W8). False if there was nothing: NO_WATCHER. */
  remove(path: string, type: RemoveWatchType): boolean {
    const client = this.#client
    switch (type) {
      case 'data':
        return this.#oneShot.data.remove(client, path)
      case 'children':
        return this.#oneShot.child.remove(client, path)
      case 'persistent':
      case 'persistentRecursive':
        return this.#persistent.remove(client, path, type)
      case 'any': {
        const removed = [
          this.#oneShot.data.remove(client, path),
          this.#oneShot.child.remove(client, path),
          this.#persistent.remove(client, path, 'persistent'),
          this.#persistent.remove(client, path, 'persistentRecursive'),
        ]
        return removed.includes(true)
      }
    }
  }

  /** Whether `remove` would find something. */
  has(path: string, type: RemoveWatchType): boolean {
    const client = this.#client
    switch (type) {
      case 'data':
        return this.#oneShot.data.has(client, path)
      case 'children':
        return this.#oneShot.child.has(client, path)
      case 'persistent':
      case 'persistentRecursive':
        return this.#persistent.has(client, path, type)
      case 'any':
        return (['data', 'children', 'persistent', 'persistentRecursive'] as const).some(each => this.has(path, each))
    }
  }

  /** After a reconnect: what was missed is told at once (zxid undefined), everything else stands again. See missed-events.ts. */
  restore(request: SetWatchesRequest, look: Look): void {
    const tellOr = (register: (path: string) => void) => (path: string, type: WatchEvent['type'] | undefined) => {
      if (type === undefined) register(path)
      else this.#notify(this.#client, { type, path, zxid: undefined })
    }
    judgeMissed(request, look, {
      data: tellOr(path => this.watchData(path)),
      exist: tellOr(path => this.watchExist(path)),
      child: tellOr(path => this.watchChild(path)),
    })
    for (const path of request.persistent) this.addPersistent(path, 'persistent')
    for (const path of request.persistentRecursive) this.addPersistent(path, 'persistentRecursive')
  }

  /** The client has left: its registrations go, and this view must not be used again. Idempotent. */
  end(): void {
    this.#ended = true
    this.#oneShot.dropClient(this.#client)
    this.#persistent.dropClient(this.#client)
  }

  #assertLive(): void {
    invariant(!this.#ended, 'a client that has left sets no watch')
  }
}
