/**
 * D3, E7: a damaged peer counts nowhere and serves nobody, and is called whole only when it holds again what it had acknowledged and was committed when it came
 * to be repaired. What was committed meanwhile was so without it.
 */
import type { Effect } from '../../../lib/core/effect.js'
import type { LinkId, PeerId } from '../../../lib/model/ids.js'
import { formatZxid, isAtMost } from '../../../lib/model/zxid.js'
import type { DiskChange } from '../../../lib/testing/simulated-disk.js'
import type { SimulatedPeer } from '../../../lib/testing/simulated-peer.js'
import type { WorldObserver } from '../../../lib/testing/world.js'
import { type Ledger, lostTo } from './ledger.js'
import { Violation } from './violation.js'

export class DamageChecker implements WorldObserver {
  readonly #ledger: Ledger
  /** Where a peer has said that it observes: nobody counts what it says there. */
  readonly #asObserver = new Set<LinkId>()

  /** How much was committed when one that is damaged last asked to be repaired. */
  readonly #committedBefore = new Map<PeerId, number>()

  constructor(ledger: Ledger) {
    this.#ledger = ledger
    ledger.world.observe(this)
  }

  performed(peer: SimulatedPeer, effect: Effect): void {
    if (effect.kind === 'send' && effect.message.kind === 'learnerInfo' && effect.message.role === 'observer') {
      this.#asObserver.add(effect.link)
      this.#committedBefore.set(peer.id, this.#ledger.chain.length)
    }
    if (peer.disk.lost === undefined) return
    if (effect.kind === 'reply' || (effect.kind === 'statusChanged' && effect.status.serving))
      throw new Violation('D3', `peer ${peer.id} is damaged and serves clients (${effect.kind})`)
    if (effect.kind !== 'send') return
    const { message } = effect
    const votes =
      (message.kind === 'notification' && message.role !== 'repairing' && message.role !== 'observing') ||
      (message.kind === 'learnerInfo' && message.role === 'participant') ||
      (message.kind === 'ackEpoch' && message.counted && !this.#asObserver.has(effect.link))
    if (votes) throw new Violation('E7', `peer ${peer.id} is damaged and has a say: ${JSON.stringify(message)}`)
    if (message.kind === 'ackNewLeader' || message.kind === 'ack')
      throw new Violation('E7', `peer ${peer.id} is damaged and acknowledges: ${JSON.stringify(message)}`)
  }

  diskChanged(peer: SimulatedPeer, change: DiskChange): void {
    if (change.kind !== 'repaired') return
    const before = this.#committedBefore.get(peer.id)!
    for (const [index, { proposal }] of this.#ledger.chain.entries()) {
      const { zxid } = proposal
      if (!lostTo(change.lost, zxid) || (isAtMost(zxid, peer.disk.last) && peer.disk.covers(zxid))) continue
      if (index >= before && this.#ledger.isDurableAtQuorum(zxid, peer.id)) continue
      throw new Violation('D3', `peer ${peer.id} counts as whole without ${formatZxid(zxid)}, which it had`)
    }
  }
}
