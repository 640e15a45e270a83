/** S2 and L6: no session is expired early, and without faults none at all; without faults there is one leader. */
import type { Effect } from '../../../lib/core/effect.js'
import type { Input, Now } from '../../../lib/core/input.js'
import type { PeerId, SessionId } from '../../../lib/model/ids.js'
import type { SimulatedPeer } from '../../../lib/testing/simulated-peer.js'
import type { WorldObserver } from '../../../lib/testing/world.js'
import type { Committed, Ledger, LedgerListener } from './ledger.js'
import { Violation } from './violation.js'

export class SessionChecker implements WorldObserver, LedgerListener {
  readonly #ledger: Ledger
  readonly #timeouts = new Map<SessionId, number>()
  /** When each leader was established, and last heard of a session, by its own clock. */
  readonly #ledSince = new Map<PeerId, number>()
  readonly #heard = new Map<PeerId, Map<SessionId, number>>()

  constructor(ledger: Ledger) {
    this.#ledger = ledger
    ledger.world.observe(this)
    ledger.listen(this)
  }

  committed({ proposal: { txn } }: Committed): void {
    if (txn.kind === 'createSession') this.#timeouts.set(txn.session, txn.timeoutMs)
  }

  stepped(peer: SimulatedPeer, input: Input, { monotonic }: Now, effects: readonly Effect[]): void {
    const { status } = this.#ledger.record(peer.id)
    for (const effect of effects) {
      if (effect.kind !== 'append') continue
      for (const { session, cxid, txn } of effect.proposals) {
        if (txn.kind === 'closeSession' && cxid === 0 && status.role === 'leading')
          this.#expires(peer.id, session, monotonic)
      }
    }
    if (status.role !== 'leading' || !status.serving) {
      this.#ledSince.delete(peer.id)
      return
    }
    if (!this.#ledSince.has(peer.id)) {
      this.#ledSince.set(peer.id, monotonic)
      this.#heard.set(peer.id, new Map())
    }
    const heard = this.#heard.get(peer.id)!
    if (input.kind !== 'message') return
    const { message } = input
    if (message.kind === 'pong') for (const session of message.touched) heard.set(session, monotonic)
    else if (message.kind === 'request') heard.set(message.session, monotonic)
  }

  #expires(peer: PeerId, session: SessionId, monotonic: number): void {
    const timeoutMs = this.#timeouts.get(session) ?? 0
    const since = this.#ledSince.get(peer) ?? monotonic
    const heardAt = Math.max(since, this.#heard.get(peer)?.get(session) ?? 0)
    if (monotonic - heardAt >= timeoutMs) return
    throw new Violation('S2', `peer ${peer} expires session ${session} after ${monotonic - heardAt} ms of ${timeoutMs}`)
  }
}
