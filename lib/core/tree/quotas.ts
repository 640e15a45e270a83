/**
 * How much is in the subtrees that have a quota: kept in the data of `/zookeeper/quota/<path>/zookeeper_stats`, as plain znodes that clients can
 * read. They change in place, without a version, a zxid or an event, and stand outside ZooKeeper's digest (semantics §14), not outside ours.
 *
 * Always holds: the statistics are part of the replicated state, and every change of them follows from a txn alone, so replicas have the same
 * ones, after a checkpoint, a snapshot and a restart too. (ZooKeeper counts anew when it loads, for its snapshots are fuzzy; ours are not, and a
 * new count would differ where one quota lies within another.) A change counts for the deepest quota at or above it only; one on `/` is ignored.
 * Before: data-tree.ts tells each change. After: operations/quota-check.ts. ZooKeeper: DataTree.updateQuotaStat, PathTrie.
 */
import { nameOf, parentOf } from '../../model/path.js'
import { type QuotaNumbers, readQuota, writeQuota } from '../../model/quota-text.js'
import type { Znode } from '../../model/znode.js'
import type { ZnodeData } from '../../model/znode-data.js'

const ROOT = '/zookeeper/quota'
const BELOW = `${ROOT}/`
const LIMITS = 'zookeeper_limits'
const STATS = 'zookeeper_stats'

/** What quotas need of the tree. */
export interface CountedTree {
  get(path: string): Znode | undefined
  childrenOf(path: string): ReadonlySet<string>
  /** Nothing but the data. */
  replaceInPlace(path: string, text: string): void
}

export class Quotas {
  readonly #tree: CountedTree
  /** Paths with limits. */
  readonly #limited = new Set<string>()

  constructor(tree: CountedTree) {
    this.#tree = tree
  }

  /** A znode of an image: its statistics are as they were. */
  loaded(path: string): void {
    const limited = limitedBy(path)
    if (limited !== undefined) this.#limited.add(limited)
  }

  created(path: string, bytes: number): void {
    this.loaded(path)
    const watched = pathOf(path, STATS)
    if (watched !== undefined) this.#countAnew(watched)
    this.#add(path, 1, bytes)
  }

  deleted(path: string, bytes: number): void {
    const limited = limitedBy(path)
    if (limited !== undefined) this.#limited.delete(limited)
    this.#add(path, -1, -bytes)
  }

  dataSet(path: string, bytesMore: number): void {
    this.#add(path, 0, bytesMore)
  }

  /** The path whose quota a change of `path` counts for. */
  deepest(path: string): string | undefined {
    if (this.#limited.size === 0) return undefined
    for (let at = path; at !== '/'; at = parentOf(at)) if (this.#limited.has(at)) return at
    return undefined
  }

  limits(of: string): QuotaNumbers | undefined {
    return numbersOf(this.#tree.get(placeOf(of, LIMITS)))
  }

  statistics(of: string): QuotaNumbers | undefined {
    return numbersOf(this.#tree.get(placeOf(of, STATS)))
  }

  /** Quotas. */
  get size(): number {
    return this.#limited.size
  }

  #add(path: string, count: number, bytes: number): void {
    const quota = this.deepest(path)
    if (quota === undefined) return
    const before = this.statistics(quota)
    if (before === undefined) return
    this.#write(quota, writeQuota(before.count + count, before.bytes + bytes, before.all))
  }

  #countAnew(root: string): void {
    let count = 0
    let bytes = 0
    const ahead = [root]
    for (let path = ahead.pop(); path !== undefined; path = ahead.pop()) {
      const znode = this.#tree.get(path)
      if (znode === undefined) continue
      count += 1
      bytes += znode.data?.length ?? 0
      for (const name of this.#tree.childrenOf(path)) ahead.push(path === '/' ? `/${name}` : `${path}/${name}`)
    }
    this.#write(root, writeQuota(count, bytes))
  }

  #write(quota: string, text: string): void {
    this.#tree.replaceInPlace(placeOf(quota, STATS), text)
  }
}

function limitedBy(path: string): string | undefined {
  return pathOf(path, LIMITS)
}

/** `/a` of `/zookeeper/quota/a/<name>`; undefined for every other path. */
function pathOf(path: string, name: string): string | undefined {
  if (!path.startsWith(BELOW) || nameOf(path) !== name) return undefined
  return path.slice(ROOT.length, -name.length - 1) || '/'
}

function placeOf(quota: string, name: string): string {
  return quota === '/' ? `${ROOT}/${name}` : `${ROOT}${quota}/${name}`
}

function numbersOf(znode: Znode | undefined): QuotaNumbers | undefined {
  return znode === undefined ? undefined : readQuota(textOf(znode.data))
}

/** Long data come as bytes (znode-data.ts), and are no quota's. */
function textOf(data: ZnodeData): string {
  return typeof data === 'string' ? data : ''
}
