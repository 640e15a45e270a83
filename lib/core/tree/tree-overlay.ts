/**
 * The leader's state-to-be: the committed tree with every change above it that is proposed but not applied. Requests are checked
 * against this, so that pipelined writes are judged as if each had waited for the one before.
 *
 * Always holds: per changed path the newest state, whole, not a difference; `rollback` restores exactly what was at `mark`, the
 * parents' counters included (C9, C11); an entry leaves when the commit with *its* zxid is applied, not an earlier one of the
 * same path. Reads cost one look-up more than the tree. ZooKeeper: PrepRequestProcessor's outstandingChangesForPath.
 * Used by operations/preparation.ts; made when leading begins, dropped when it ends.
 */
import type { Acl } from '../../model/acl.js'
import type { SessionId } from '../../model/ids.js'
import { invariant } from '../../model/invariant.js'
import { type Owner, sessionOf } from '../../model/owner.js'
import { parentOf } from '../../model/path.js'
import { isAtMost, type Zxid } from '../../model/zxid.js'
import type { DataTree } from './data-tree.js'
import { Ephemerals } from './ephemerals.js'

/** What a check may ask of a znode. */
export interface NodeState {
  readonly version: number
  readonly aversion: number
  /** Stored form. */
  readonly cversion: number
  readonly childCount: number
  readonly owner: Owner | undefined
  readonly acl: Acl
  readonly mzxid: Zxid
  readonly dataLength: number
}

export type NewState = Pick<NodeState, 'owner' | 'acl' | 'dataLength'>

interface Pending {
  /** Undefined = deleted. */
  readonly state: NodeState | undefined
  /** The last change. */
  readonly zxid: Zxid
}
interface Change {
  readonly path: string
  readonly zxid: Zxid
  /** What it took the place of. */
  readonly before: Pending | undefined
}

export class TreeOverlay {
  readonly #tree: DataTree
  readonly #pending = new Map<string, Pending>()
  /** Owners among the pending states, so that closing a session finds what is not applied yet. */
  readonly #owned = new Ephemerals()
  /** Every change in order; those before `#head` are committed. */
  #changes: Change[] = []
  #head = 0
  #mark: number | undefined

  constructor(tree: DataTree) {
    this.#tree = tree
  }

  /** Undefined: there will be no such znode. */
  state(path: string): NodeState | undefined {
    const pending = this.#pending.get(path)
    if (pending !== undefined) return pending.state
    const znode = this.#tree.get(path)
    if (znode === undefined) return undefined
    return {
      version: znode.version,
      aversion: znode.aversion,
      cversion: znode.cversion,
      childCount: this.#tree.childCount(path),
      owner: znode.owner,
      acl: znode.acl,
      mzxid: znode.mzxid,
      dataLength: znode.data?.length ?? 0,
    }
  }

  created(path: string, made: NewState, parentCversion: number, zxid: Zxid): void {
    const parentPath = parentOf(path)
    const parent = this.#existing(parentPath)
    this.#change(parentPath, { ...parent, cversion: parentCversion, childCount: parent.childCount + 1 }, zxid)
    const fresh = { version: 0, aversion: 0, cversion: 0, childCount: 0, mzxid: zxid }
    this.#change(path, { ...fresh, owner: made.owner, acl: made.acl, dataLength: made.dataLength }, zxid)
  }

  deleted(path: string, zxid: Zxid): void {
    const parentPath = parentOf(path)
    const parent = this.#existing(parentPath)
    this.#change(parentPath, { ...parent, childCount: parent.childCount - 1 }, zxid)
    this.#change(path, undefined, zxid)
  }

  dataSet(path: string, dataLength: number, version: number, zxid: Zxid): void {
    const { aversion, cversion, childCount, owner, acl } = this.#existing(path)
    this.#change(path, { version, aversion, cversion, childCount, owner, acl, mzxid: zxid, dataLength }, zxid)
  }

  aclSet(path: string, acl: Acl, aversion: number, zxid: Zxid): void {
    this.#change(path, { ...this.#existing(path), acl, aversion }, zxid)
  }

  /** Every ephemeral the session will own, the pending ones included and those to be deleted left out. */
  ephemeralsOf(session: SessionId): string[] {
    const candidates = new Set([...this.#tree.ephemerals.of(session), ...this.#owned.of(session)])
    return [...candidates].filter(path => this.state(path)?.owner === session)
  }

  /** Begins what may have to be taken back; ended by `rollback` or `keep`. */
  mark(): void {
    invariant(this.#mark === undefined, 'a multi does not contain a multi')
    this.#mark = this.#changes.length
  }

  keep(): void {
    this.#mark = undefined
  }

  rollback(): void {
    invariant(this.#mark !== undefined, 'a rollback has a mark')
    while (this.#changes.length > this.#mark) {
      const { path, before } = this.#changes.pop() as Change
      this.#put(path, before)
    }
    this.#mark = undefined
  }

  /** The tree has these changes now: everything up to and including `zxid` is applied. */
  committed(zxid: Zxid): void {
    invariant(this.#mark === undefined, 'nothing commits within a multi')
    let change = this.#changes[this.#head]
    while (change !== undefined && isAtMost(change.zxid, zxid)) {
      const newest = this.#pending.get(change.path)
      if (newest !== undefined && isAtMost(newest.zxid, zxid)) this.#put(change.path, undefined)
      this.#head += 1
      change = this.#changes[this.#head]
    }
    if (this.#head * 2 >= this.#changes.length) {
      this.#changes = this.#changes.slice(this.#head)
      this.#head = 0
    }
  }

  /** The pending states, for tests and for those who hunt a fault. */
  entries(): Iterable<readonly [path: string, pending: Pending]> {
    return this.#pending.entries()
  }

  /** What is held, the owner index included: 0 when nothing is pending. */
  get size(): number {
    return this.#pending.size + this.#owned.size
  }

  #existing(path: string): NodeState {
    const state = this.state(path)
    invariant(state !== undefined, 'only what exists changes')
    return state
  }

  #change(path: string, state: NodeState | undefined, zxid: Zxid): void {
    this.#changes.push({ path, zxid, before: this.#pending.get(path) })
    this.#put(path, { state, zxid })
  }

  #put(path: string, pending: Pending | undefined): void {
    const owner = sessionOf(this.#pending.get(path)?.state?.owner)
    if (owner !== undefined) this.#owned.remove(owner, path)
    if (pending === undefined) this.#pending.delete(path)
    else this.#pending.set(path, pending)
    const newOwner = sessionOf(pending?.state?.owner)
    if (newOwner !== undefined) this.#owned.add(newOwner, path)
  }
}
