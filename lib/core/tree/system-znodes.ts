/** Znodes that are there from the start and are never deleted. ZooKeeper: DataTree's constructor. Used by data-tree.ts and by what refuses to delete. */
import { OPEN_ACL_UNSAFE, READ_ACL_UNSAFE } from '../../model/acl.js'
import type { StoredZnode } from '../../model/znode.js'
import { ZERO } from '../../model/zxid.js'
import { CONFIG_PATH, contentState } from './digest.js'

export const SYSTEM_PATHS = ['/', '/zookeeper', '/zookeeper/quota', '/zookeeper/config'] as const

export function isSystemPath(path: string): boolean {
  return (SYSTEM_PATHS as readonly string[]).includes(path)
}

export function systemZnode(path: string): StoredZnode {
  const isConfig = path === CONFIG_PATH
  const version = isConfig ? -1 : 0
  return {
    data: '',
    acl: isConfig ? READ_ACL_UNSAFE : OPEN_ACL_UNSAFE,
    czxid: ZERO,
    mzxid: ZERO,
    pzxid: ZERO,
    ctime: 0,
    mtime: 0,
    version,
    cversion: 0,
    aversion: version,
    owner: undefined,
    content: contentState(path, ''),
  }
}
