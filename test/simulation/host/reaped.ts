/**
 * C10, C13, L2: what the ensemble takes away on its own account is a container or a TTL znode without children, whose time can be over by the fastest clock
 * there is; and in the end none is left over. Before: chain.ts tells of each txn. After: host-run.ts asks at the end.
 */
import { CONTAINER_MARK, isMark, ttlOf } from '../../../lib/model/owner.js'
import { Violation } from '../checkers/violation.js'
import type { Chain, Committed } from './chain.js'

/** As peers are told in runs with `lifetimes`: often enough to be met. */
export const REAPS = { containerCheckIntervalMs: 300, containerNeverUsedMs: 800 }

export class Reaped {
  readonly #chain: Chain
  /** How much faster than this world's a clock may run. */
  readonly #rateMax: number

  constructor(chain: Chain, drift: number) {
    this.#chain = chain
    this.#rateMax = 1 + drift
  }

  committed({ zxid, session, proposal, changes, atMs }: Committed): void {
    if (session !== 0n || proposal.txn.kind !== 'delete') return
    for (const { path } of changes) {
      const was = this.#chain.before(path, zxid - 1n)!
      if (!isMark(was.mark)) throw new Violation('C10', `${path} is reaped at ${zxid}, an ordinary znode`)
      if (was.children.length > 0) throw new Violation('C13', `${path} is reaped at ${zxid}, which has children`)
      const unused = was.stat.cversion === 0 ? REAPS.containerNeverUsedMs : 0
      const limitMs = was.mark === CONTAINER_MARK ? unused : ttlOf(was.mark)
      const ageMs = atMs - this.#chain.at(was.mzxid)!.atMs
      if (ageMs * this.#rateMax < limitMs)
        throw new Violation('C10', `${path} is reaped at ${zxid}, ${ageMs} ms old, with ${limitMs} ms to live`)
    }
  }

  /** One that is out of use, and there. */
  get left(): string | undefined {
    for (const [path] of this.#chain.ref.tree.entries()) {
      const state = this.#chain.now(path)
      if (state !== undefined && isMark(state.mark) && state.children.length === 0) return path
    }
    return undefined
  }
}
