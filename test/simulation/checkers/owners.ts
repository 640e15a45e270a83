/** S6 and C16: who may speak for a session, and until when its owner may believe in it. */
import type { Effect } from '../../../lib/core/effect.js'
import type { Input, Now } from '../../../lib/core/input.js'
import type { LinkId, PeerId, SessionId } from '../../../lib/model/ids.js'
import type { SimulatedPeer } from '../../../lib/testing/simulated-peer.js'
import type { WorldObserver } from '../../../lib/testing/world.js'
import type { Committed, Ledger, LedgerListener } from './ledger.js'
import { Violation } from './violation.js'

export class OwnerChecker implements WorldObserver, LedgerListener {
  readonly #ledger: Ledger
  readonly #links = new Map<LinkId, PeerId>()
  /** For each peer that leads: at whom it has last let a session go on. A new leadership knows nothing. */
  readonly #owners = new Map<PeerId, Map<SessionId, PeerId>>()

  constructor(ledger: Ledger) {
    this.#ledger = ledger
    ledger.world.observe(this)
    ledger.listen(this)
  }

  stepped(peer: SimulatedPeer, input: Input, _now: Now, effects: readonly Effect[]): void {
    if (input.kind === 'linked') this.#links.set(input.link, input.peer)
    const { status } = this.#ledger.record(peer.id)
    if (status.role !== 'leading' || !status.serving) {
      this.#owners.delete(peer.id)
      return
    }
    const owners = this.#owners.get(peer.id) ?? new Map<SessionId, PeerId>()
    this.#owners.set(peer.id, owners)
    if (input.kind === 'message' && input.message.kind === 'request') {
      this.#requested(peer, input.message.session, this.#links.get(input.link)!, owners, effects)
    }
    for (const effect of effects) {
      if (effect.kind === 'send' && effect.message.kind === 'revalidated' && effect.message.valid)
        owners.set(effect.message.session, this.#links.get(effect.link)!)
      else if (effect.kind === 'attached') owners.set(effect.session, peer.id)
    }
  }

  /** S6: what still comes by the peer that had the session before has no effect. */
  #requested(
    peer: SimulatedPeer,
    session: SessionId,
    from: PeerId,
    owners: ReadonlyMap<SessionId, PeerId>,
    effects: readonly Effect[],
  ): void {
    const owner = owners.get(session)
    if (owner === undefined || owner === from) return
    const taken = effects.some(
      effect => effect.kind === 'append' && effect.proposals.some(each => each.session === session),
    )
    if (taken)
      throw new Violation('S6', `peer ${peer.id} takes a write of session ${session} by ${from}, which ${owner} has`)
  }

  /**
   * Who is over has no owner: by whomever its requests come, they fail with an error txn (C16). And whoever lives beside its peer has given the
   * session up before the ensemble does (C16).
   */
  committed({ proposal: { session, cxid, txn } }: Committed): void {
    if (txn.kind !== 'closeSession') return
    for (const owners of this.#owners.values()) owners.delete(session)
    if (cxid !== 0) return
    for (const client of this.#ledger.world.clients.all) {
      if (!client.embedded || !client.attached || client.session?.id !== session) continue
      if (!client.peer?.isUp || client.peer.isPaused) continue
      throw new Violation(
        'C16',
        `${client.name} on peer ${client.peer.id} believes in session ${session}, which has expired`,
      )
    }
  }
}
