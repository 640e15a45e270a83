/**
 * W7: a watch event names a path only to those who may read that znode, by its ACL at the moment of the event; of what is gone, by its last.
 * Semantics §10; CVE-2024-23944. Given to watch/watch-registry.ts with the changes of each txn, right after it is applied.
 */
import { type Identities, Permission } from '../../model/acl.js'
import type { ClientId } from '../../model/ids.js'
import type { TreeChange } from '../../model/tree-change.js'
import type { Access } from '../tree/access.js'
import type { DataTree } from '../tree/data-tree.js'
import type { MayRead } from '../watch/watch-registry.js'

/** @param changes of the txn: a parent that went with it has its last ACL there. */
export function eventReaders(
  access: Access,
  tree: DataTree,
  changes: readonly TreeChange[],
  identitiesOf: (client: ClientId) => Identities | undefined,
): MayRead {
  const lastOf = (path: string) => changes.find(each => each.type === 'deleted' && each.path === path)?.acl
  return (client, path, change) => {
    const acl = path === change.path ? change.acl : (tree.get(path)?.acl ?? lastOf(path))
    const identities = identitiesOf(client)
    return acl !== undefined && identities !== undefined && access.permits(acl, identities, Permission.READ)
  }
}
