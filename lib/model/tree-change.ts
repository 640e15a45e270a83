/** What applying a txn did to the tree: the cause of watch events. In the order in which it happened. */
export interface TreeChange {
  readonly type: 'created' | 'deleted' | 'dataChanged'
  readonly path: string
}
