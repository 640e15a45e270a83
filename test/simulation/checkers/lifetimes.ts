/**
 * C10, L2: what the leader takes away on its own is a container or a TTL znode without children whose time is over; and in the end none is left over.
 * Time is that of the leader's own monotonic clock, since it had the data, or since it was started with them.
 */
import type { Effect } from '../../../lib/core/effect.js'
import type { Input, Now } from '../../../lib/core/input.js'
import type { PeerId, SessionId } from '../../../lib/model/ids.js'
import { formatZxid } from '../../../lib/model/zxid.js'
import type { SimulatedPeer } from '../../../lib/testing/simulated-peer.js'
import type { WorldObserver } from '../../../lib/testing/world.js'
import { type Committed, type Ledger, type LedgerListener, type PeerRecord, zxidKey } from './ledger.js'
import { isMortal, type ModelTree, type ModelZnode, ttlOf } from './model-tree.js'
import { Violation } from './violation.js'

/** Of what a leader does on its own account. */
export const NO_SESSION = '0000000000000000' as SessionId

/** Of one life of a peer, by its clock. */
interface Known {
  readonly startedAt: number
  readonly since: Map<string, number>
}

export class LifetimeChecker implements WorldObserver, LedgerListener {
  readonly #ledger: Ledger
  readonly #model: ModelTree
  readonly #known = new Map<PeerId, Known>()

  constructor(ledger: Ledger, model: ModelTree) {
    this.#ledger = ledger
    this.#model = model
    ledger.world.observe(this)
    ledger.listen(this)
  }

  started(peer: SimulatedPeer): void {
    this.#known.set(peer.id, { startedAt: peer.now().monotonic, since: new Map() })
  }

  delivered({ id }: PeerRecord, { changes }: Committed): void {
    const { monotonic } = this.#ledger.world.peer(id).now()
    for (const { type, path } of changes) if (type !== 'deleted') this.#known.get(id)!.since.set(path, monotonic)
  }

  stepped(peer: SimulatedPeer, _input: Input, { monotonic }: Now, effects: readonly Effect[]): void {
    if (this.#ledger.record(peer.id).status.role !== 'leading') return
    for (const effect of effects) {
      if (effect.kind !== 'append') continue
      for (const { session, txn, zxid } of effect.proposals)
        if (session === NO_SESSION && txn.kind === 'delete') this.#reaps(peer, txn.path, formatZxid(zxid), monotonic)
    }
  }

  #reaps({ id }: SimulatedPeer, path: string, at: string, now: number): void {
    const znode = this.#model.get(path)
    if (znode === undefined || !isMortal(znode)) return
    const { since, startedAt } = this.#known.get(id)!
    const [ageMs, limitMs] = [now - (since.get(path) ?? startedAt), this.#limitMs(znode)]
    if (ageMs < limitMs) throw new Violation('C10', `peer ${id} reaps ${path} at ${at} after ${ageMs} ms of ${limitMs}`)
  }

  /** Committed. */
  reaped({ proposal: { txn, zxid } }: Committed): void {
    // Something saved it on the way.
    if (txn.kind === 'error') return
    const at = formatZxid(zxid)
    if (txn.kind !== 'delete') throw new Violation('C1', `${at} is ${txn.kind}, which nobody asked for`)
    const znode = this.#model.get(txn.path)
    if (znode === undefined) throw new Violation('C10', `${at} reaps ${txn.path}, which is not there`)
    if (!isMortal(znode)) throw new Violation('C10', `${at} reaps ${txn.path}, an ordinary znode`)
    if (znode.children.length > 0) throw new Violation('C13', `${at} reaps ${txn.path}, which has children`)
    this.#model.reap(txn.path, zxidKey(zxid))
  }

  atEnd(): void {
    for (const path of this.#model.paths()) {
      const znode = this.#model.get(path)!
      if (isMortal(znode) && znode.children.length === 0)
        throw new Violation('L2', `${path} is out of use and still there in the end`)
    }
  }

  #limitMs(znode: ModelZnode): number {
    const ttlMs = ttlOf(znode)
    if (ttlMs !== undefined) return ttlMs
    return znode.created > 0 ? 0 : this.#ledger.world.protocol.containerNeverUsedMs
  }
}
