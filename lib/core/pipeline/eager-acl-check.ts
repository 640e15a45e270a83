/**
 * The option `eagerAclCheck`: a peer refuses by its own replica what its client may not write, and does not trouble the leader with it. What it lets pass is
 * judged by the leader all the same. Its replica may be behind: somebody who has just been permitted may be refused.
 *
 * Only create, delete, setData and setAcl by themselves, as in ZooKeeper: no multi, no container, no TTL znode. What cannot be judged passes.
 * Used by request-stations.ts. ZooKeeper: ZooKeeperServer.authWriteRequest; semantics §8.
 */
import { type Acl, type Identities, Permission } from '../../model/acl.js'
import { parentOf } from '../../model/path.js'
import type { Request } from '../../model/request.js'
import type { Access } from '../tree/access.js'
import type { DataTree } from '../tree/data-tree.js'
import { isSystemPath } from '../tree/system-znodes.js'

export function refusedEagerly(
  request: Request,
  identities: Identities,
  tree: Pick<DataTree, 'get'>,
  access: Access,
): 'NO_AUTH' | 'INVALID_ACL' | undefined {
  const wish = wishOf(request)
  if (wish === undefined) return undefined
  if (wish.acl !== undefined && access.resolve(wish.acl, identities) === undefined) return 'INVALID_ACL'
  const znode = tree.get(wish.path)
  if (znode === undefined || access.permits(znode.acl, identities, wish.permission)) return undefined
  return 'NO_AUTH'
}

/** Which permission is wanted of which znode, and what is to be its ACL. */
interface Wish {
  readonly path: string
  readonly permission: number
  readonly acl?: Acl
}

function wishOf(request: Request): Wish | undefined {
  switch (request.kind) {
    case 'create': {
      const path = request.lifetime === undefined ? parentIfAny(request.path) : undefined
      return path === undefined ? undefined : { path, permission: Permission.CREATE, acl: request.acl }
    }
    case 'delete': {
      const path = parentIfAny(request.path)
      return path === undefined ? undefined : { path, permission: Permission.DELETE }
    }
    case 'setData':
      return { path: request.path, permission: Permission.WRITE }
    case 'setAcl':
      return { path: request.path, permission: Permission.ADMIN, acl: request.acl }
    default:
      return undefined
  }
}

function parentIfAny(path: string): string | undefined {
  return path.includes('/') && !path.includes('\0') && !isSystemPath(path) ? parentOf(path) : undefined
}
