/**
 * Znodes as the tree keeps them: of an image, or changed by a child; and what they take of memory.
 *
 * Always holds: each has the same fields in the same order, so the engine has one shape for all of a million.
 * Used by data-tree.ts.
 */
import type { Acl } from '../../model/acl.js'
import { invariant } from '../../model/invariant.js'
import type { ImageNodes } from '../../model/replica-image.js'
import type { StoredZnode, Znode } from '../../model/znode.js'
import { keepData, type ZnodeData } from '../../model/znode-data.js'
import type { Zxid } from '../../model/zxid.js'
import { contentState } from './digest.js'

/** With the list of ACLs that is shared, and the digest of its content. */
export function stored(znode: Znode, acl: Acl, content: number, aversion: number = znode.aversion): StoredZnode {
  return {
    data: keepData(znode.data),
    acl,
    czxid: znode.czxid,
    mzxid: znode.mzxid,
    pzxid: znode.pzxid,
    ctime: znode.ctime,
    mtime: znode.mtime,
    version: znode.version,
    cversion: znode.cversion,
    aversion,
    owner: znode.owner,
    content,
  }
}

export function withChild(parent: StoredZnode, cversion: number, pzxid: Zxid): StoredZnode {
  return {
    data: parent.data,
    acl: parent.acl,
    czxid: parent.czxid,
    mzxid: parent.mzxid,
    pzxid,
    ctime: parent.ctime,
    mtime: parent.mtime,
    version: parent.version,
    cversion,
    aversion: parent.aversion,
    owner: parent.owner,
    content: parent.content,
  }
}

/** Of an image that stays its owner's. */
export function copied(nodes: ImageNodes): Map<string, StoredZnode> {
  const copy = new Map<string, StoredZnode>()
  for (const [path, znode] of nodes) {
    invariant(!copy.has(path), 'an image has each path once')
    copy.set(path, stored(znode, znode.acl, contentState(path, znode.data)))
  }
  return copy
}

/** What a znode and its place in the index take beside path and data, roughly (measured: 250–300 bytes). */
const ZNODE_OVERHEAD_BYTES = 280

export function sizeOf(path: string, znode: Znode): number {
  return ZNODE_OVERHEAD_BYTES + path.length + sizeOfData(znode.data)
}

export function sizeOfData(data: ZnodeData): number {
  return data === null ? 0 : data.length
}
