/**
 * The replicated tree: every znode by its path. A read is one look-up; no change walks anything. Znodes are immutable values, so
 * who holds one (a checkpoint, a reader) holds that moment. Changed only by applying txns and, before that, by loading an image.
 *
 * Always holds: every znode but `/` has its parent (C13); children, ephemerals and digest agree with the znodes; counters and
 * zxids of a parent never go back, however often a txn is applied (semantics §20). Stat rules: semantics §3.
 * Before: operations/apply-txn. After: reads, tree-overlay.ts (the state-to-be above it), checkpoints by `captureDirty`.
 */
import type { Acl } from '../../model/acl.js'
import type { Digest } from '../../model/digest.js'
import { invariant } from '../../model/invariant.js'
import { isMark, type Owner, sessionOf } from '../../model/owner.js'
import { nameOf, parentOf } from '../../model/path.js'
import type { ImageNodes } from '../../model/replica-image.js'
import type { Stat } from '../../model/stat.js'
import type { StoredZnode, Znode } from '../../model/znode.js'
import { dataOfText, keepData } from '../../model/znode-data.js'
import { isAfter, later, type Zxid } from '../../model/zxid.js'
import { AclTable } from './acl-table.js'
import { CONFIG_PATH, contentState, isCounted, TreeDigest } from './digest.js'
import { Ephemerals } from './ephemerals.js'
import { Quotas } from './quotas.js'
import { Siblings } from './siblings.js'
import { copied, sizeOf, sizeOfData, stored, withChild } from './stored-znode.js'
import { isSystemPath, SYSTEM_PATHS, systemZnode } from './system-znodes.js'

export interface NewZnode {
  readonly data: Uint8Array | null
  readonly acl: Acl
  readonly owner: Owner | undefined
}

const NO_CHILDREN: ReadonlySet<string> = new Set()

export class DataTree {
  readonly #nodes: Map<string, StoredZnode>
  /** Names, only of znodes that have children. */
  readonly #children = new Map<string, Set<string>>()
  readonly #acls = new AclTable()
  readonly #digest = new TreeDigest()
  readonly ephemerals = new Ephemerals()
  readonly quotas = new Quotas(this)
  /** Containers and TTL znodes. */
  readonly #mortal = new Set<string>()
  #dirty = new Map<string, Znode | undefined>()
  #bytes = 0

  /** @param nodes of an image, in any order; system znodes it lacks are added. Nothing is dirty afterwards. */
  constructor(nodes: ImageNodes = []) {
    this.#nodes = nodes.giveAway?.() ?? copied(nodes)
    const siblings = new Siblings(this.#children)
    for (const [path, znode] of this.#nodes) {
      const acl = this.#acls.intern(znode.acl)
      if (acl !== znode.acl) this.#nodes.set(path, stored(znode, acl, znode.content))
      this.#count(path, znode)
      this.quotas.loaded(path)
      if (path !== '/') siblings.add(path)
    }
    for (const path of SYSTEM_PATHS) {
      const znode = systemZnode(path)
      if (!isCounted(path)) this.#digest.subtract(path, znode)
      if (!this.#nodes.has(path)) this.#insert(path, znode)
    }
  }

  get(path: string): Znode | undefined {
    return this.#nodes.get(path)
  }

  has(path: string): boolean {
    return this.#nodes.has(path)
  }

  /** A live view of the names, in no promised order. */
  childrenOf(path: string): ReadonlySet<string> {
    return this.#children.get(path) ?? NO_CHILDREN
  }

  childCount(path: string): number {
    return this.#children.get(path)?.size ?? 0
  }

  /** As a client sees it. `znode` spares the look-up. */
  stat(path: string, znode: Znode | undefined = this.#nodes.get(path)): Stat | undefined {
    return znode === undefined ? undefined : this.statOf(path, znode)
  }

  statOf(path: string, znode: Znode): Stat {
    const numChildren = this.childCount(path)
    return {
      czxid: znode.czxid,
      mzxid: znode.mzxid,
      pzxid: znode.pzxid,
      ctime: znode.ctime,
      mtime: znode.mtime,
      version: znode.version,
      cversion: (2 * znode.cversion - numChildren) | 0,
      aversion: znode.aversion,
      ephemeralOwner: sessionOf(znode.owner),
      dataLength: znode.data === null ? 0 : znode.data.length,
      numChildren,
    }
  }

  /** Undefined if it exists already (its parent's counters are raised all the same) or has no parent as old as this. */
  create(path: string, made: NewZnode, parentCversion: number, zxid: Zxid, time: number): Znode | undefined {
    const parentPath = parentOf(path)
    const parent = this.#nodes.get(parentPath)
    if (parent === undefined || isAfter(parent.czxid, zxid)) return undefined
    const cversion = isAhead(parentCversion, parent.cversion) ? parentCversion | 0 : parent.cversion
    this.#replace(parentPath, parent, withChild(parent, cversion, later(parent.pzxid, zxid)))
    if (this.#nodes.has(path)) return undefined
    const data = keepData(made.data)
    const znode: StoredZnode = {
      data,
      acl: this.#acls.intern(made.acl),
      czxid: zxid,
      mzxid: zxid,
      pzxid: zxid,
      ctime: time,
      mtime: time,
      version: 0,
      cversion: 0,
      aversion: 0,
      owner: made.owner,
      content: contentState(path, data),
    }
    this.#insert(path, znode)
    this.#dirty.set(path, znode)
    this.quotas.created(path, sizeOfData(data))
    return znode
  }

  /** Undefined if it does not exist; the parent's pzxid is raised all the same. Children are the caller's concern (C13). */
  delete(path: string, zxid: Zxid): Znode | undefined {
    const parentPath = parentOf(path)
    const parent = this.#nodes.get(parentPath)
    if (parent !== undefined)
      this.#replace(parentPath, parent, withChild(parent, parent.cversion, later(parent.pzxid, zxid)))
    const znode = this.#nodes.get(path)
    if (znode === undefined || isAfter(znode.czxid, zxid)) return undefined
    invariant(this.childCount(path) === 0 && !isSystemPath(path), 'only a leaf that is not the system’s is deleted')
    this.#nodes.delete(path)
    this.#digest.subtract(path, znode)
    this.#bytes -= sizeOf(path, znode)
    if (znode.owner !== undefined) this.#disown(path, znode.owner)
    this.#unlink(parentPath, nameOf(path))
    this.#dirty.set(path, undefined)
    this.quotas.deleted(path, sizeOfData(znode.data))
    return znode
  }

  /** Undefined if it does not exist. A znode that is newer than `zxid` stays as it is. */
  setData(path: string, bytes: Uint8Array | null, version: number, zxid: Zxid, time: number): Znode | undefined {
    const old = this.#nodes.get(path)
    if (old === undefined) return undefined
    if (isAfter(old.mzxid, zxid)) return old
    const data = keepData(bytes)
    const znode: StoredZnode = {
      data,
      acl: old.acl,
      czxid: old.czxid,
      mzxid: zxid,
      pzxid: old.pzxid,
      ctime: old.ctime,
      mtime: time,
      version,
      cversion: old.cversion,
      aversion: old.aversion,
      owner: old.owner,
      content: contentState(path, data),
    }
    this.#replace(path, old, znode)
    this.quotas.dataSet(path, sizeOfData(data) - sizeOfData(old.data))
    return znode
  }

  /** Other data and nothing else, for what is no client's: no version, no zxid, no event. Does nothing to what is not there. */
  replaceInPlace(path: string, text: string): void {
    const old = this.#nodes.get(path)
    if (old === undefined) return
    invariant(!isCounted(path), 'what ZooKeeper’s digest counts is changed by txns')
    this.#replace(path, old, stored({ ...old, data: text }, old.acl, contentState(path, text)))
  }

  /** What clients read of the configuration. Each peer writes its own, no txn does, and its version says so (semantics §3). */
  showConfig(text: string, version: Zxid): void {
    const old = this.#nodes.get(CONFIG_PATH)!
    const znode = { ...old, data: dataOfText(text), version: -1, mzxid: version }
    this.#replace(CONFIG_PATH, old, stored(znode, old.acl, contentState(CONFIG_PATH, znode.data)))
    this.#dirty.delete(CONFIG_PATH)
  }

  /** Undefined if it does not exist. As `setData`, judged by czxid and aversion: setAcl leaves no zxid of its own. */
  setAcl(path: string, acl: Acl, aversion: number, zxid: Zxid): Znode | undefined {
    const old = this.#nodes.get(path)
    if (old === undefined) return undefined
    if (isAfter(old.czxid, zxid) || isAhead(old.aversion, aversion)) return old
    const znode = stored(old, this.#acls.intern(acl), old.content, aversion)
    this.#replace(path, old, znode)
    return znode
  }

  /** In no promised order; not to be held across changes. */
  entries(): Iterable<readonly [path: string, znode: Znode]> {
    return this.#nodes.entries()
  }

  get size(): number {
    return this.#nodes.size
  }

  /** A live view of the paths of containers and TTL znodes. */
  get mortal(): ReadonlySet<string> {
    return this.#mortal
  }

  /** Each znode that has children, with their names: live, in no promised order. */
  parents(): Iterable<readonly [path: string, names: ReadonlySet<string>]> {
    return this.#children.entries()
  }

  /** Roughly what the tree takes in memory. */
  get bytes(): number {
    return this.#bytes
  }

  /** ZooKeeper's tree digest, version 2. */
  get statDigest(): Digest {
    return this.#digest.stat.value
  }

  /** What `statDigest` leaves out: the ACLs. */
  get aclDigest(): Digest {
    return this.#digest.acl.value
  }

  /** What both leave out: the znodes below `/zookeeper/`. 0 while these are as they were in the beginning. */
  get systemDigest(): Digest {
    return this.#digest.system.value
  }

  /** What changed since the last call; undefined = deleted. The map belongs to the caller, a new one is begun. */
  captureDirty(): Map<string, Znode | undefined> {
    const captured = this.#dirty
    this.#dirty = new Map()
    return captured
  }

  #insert(path: string, znode: StoredZnode): void {
    this.#nodes.set(path, znode)
    this.#count(path, znode)
    if (path !== '/') this.#link(parentOf(path), nameOf(path))
  }

  /** What follows from a new znode, its place among its siblings aside. */
  #count(path: string, znode: StoredZnode): void {
    this.#digest.add(path, znode)
    this.#bytes += sizeOf(path, znode)
    if (znode.owner === undefined) return
    if (isMark(znode.owner)) this.#mortal.add(path)
    else this.ephemerals.add(znode.owner, path)
  }

  #disown(path: string, owner: Owner): void {
    if (isMark(owner)) this.#mortal.delete(path)
    else this.ephemerals.remove(owner, path)
  }

  #replace(path: string, old: StoredZnode, znode: StoredZnode): void {
    this.#nodes.set(path, znode)
    this.#digest.subtract(path, old)
    this.#digest.add(path, znode)
    this.#bytes += sizeOfData(znode.data) - sizeOfData(old.data)
    this.#dirty.set(path, znode)
  }

  #link(parent: string, name: string): void {
    const names = this.#children.get(parent)
    if (names === undefined) this.#children.set(parent, new Set([name]))
    else names.add(name)
  }

  #unlink(parent: string, name: string): void {
    const names = this.#children.get(parent)
    if (names?.delete(name) && names.size === 0) this.#children.delete(parent)
  }
}

/** Serial numbers of 32 bits: after 2147483647 comes −2147483648. */
function isAhead(a: number, b: number): boolean {
  return ((a - b) | 0) > 0
}
