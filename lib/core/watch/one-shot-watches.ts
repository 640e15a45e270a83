/**
 * Standard watches: each tells once and is gone (W3). Two tables, as in ZooKeeper: `data` is set by getData and exists,
 * `child` by getChildren. One of each may stand on the same path for the same client.
 * Used by watch-registry.ts, which knows what fires what.
 */
import type { ClientId } from '../../model/ids.js'
import { WatchTable } from './watch-table.js'

export class OneShotWatches {
  readonly data = new WatchTable()
  readonly child = new WatchTable()

  dropClient(client: ClientId): void {
    this.data.dropClient(client)
    this.child.dropClient(client)
  }

  get size(): number {
    return this.data.size + this.child.size
  }

  count(client: ClientId): number {
    return this.data.count(client) + this.child.count(client)
  }
}
