import type { Acl } from './acl.js'

/** What applying a txn did to the tree: the cause of watch events. In the order in which it happened. */
export interface TreeChange {
  readonly type: 'created' | 'deleted' | 'dataChanged'
  readonly path: string
  /** The znode's ACL at that moment; of a deleted one, its last: who may hear of it (semantics §10). Always set by applying. */
  readonly acl?: Acl
}
