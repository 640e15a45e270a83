import type { Zxid } from './zxid.js'

/** ZooKeeper's EventType numbers are in jute/; here the words. */
export type WatchEventType = 'created' | 'deleted' | 'dataChanged' | 'childrenChanged'

/** What a watch tells: which znode, what happened, and in which transaction. */
export interface WatchEvent {
  readonly type: WatchEventType
  readonly path: string
  /** The transaction's zxid; undefined for an event made up by setWatches after a reconnect. */
  readonly zxid: Zxid | undefined
}
