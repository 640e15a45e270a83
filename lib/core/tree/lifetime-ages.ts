/**
 * Since when this peer has known the data of each container and TTL znode, by its monotonic clock: how old they count as when it leads. The times
 * in a Stat are never asked, for they come from wall clocks, and a clock that is set must not end anything. So a lifetime begins anew where the
 * leader's process is younger than the data, and is never cut short.
 *
 * Always holds: an entry per path of `tree.mortal` at most. Kept on every peer by state-machine.ts, as txns are applied; read by reaper.ts.
 */
import type { TreeChange } from '../../model/tree-change.js'
import type { Znode } from '../../model/znode.js'
import { sameZxid, type Zxid } from '../../model/zxid.js'
import type { DataTree } from './data-tree.js'

interface Known {
  readonly mzxid: Zxid
  readonly since: number
}

export class LifetimeAges {
  #known = new Map<string, Known>()

  constructor(tree: DataTree, now: number) {
    this.replaced(tree, now)
  }

  /** Another tree, from a snapshot: data that were known before go on ageing. */
  replaced(tree: DataTree, now: number): void {
    const before = this.#known
    this.#known = new Map()
    for (const path of tree.mortal) {
      const { mzxid } = tree.get(path)!
      const known = before.get(path)
      this.#known.set(path, known !== undefined && sameZxid(known.mzxid, mzxid) ? known : { mzxid, since: now })
    }
  }

  applied(changes: readonly TreeChange[], tree: DataTree, now: number): void {
    if (tree.mortal.size === 0 && this.#known.size === 0) return
    for (const { path } of changes) {
      if (tree.mortal.has(path)) this.#known.set(path, { mzxid: tree.get(path)!.mzxid, since: now })
      else this.#known.delete(path)
    }
  }

  /** Milliseconds. */
  ageOf(path: string, { mzxid }: Znode, now: number): number {
    const known = this.#known.get(path)
    return known !== undefined && sameZxid(known.mzxid, mzxid) ? now - known.since : 0
  }

  get size(): number {
    return this.#known.size
  }
}
