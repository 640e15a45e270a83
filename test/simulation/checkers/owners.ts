/** S6 and C16: who may speak for a session, and until when its owner may believe in it. */
import type { Effect } from '../../../lib/core/effect.js'
import type { Input, Now } from '../../../lib/core/input.js'
import type { LinkId, PeerId, SessionId } from '../../../lib/model/ids.js'
import type { SimulatedClient } from '../../../lib/testing/simulated-client.js'
import type { SimulatedPeer } from '../../../lib/testing/simulated-peer.js'
import type { WorldObserver } from '../../../lib/testing/world.js'
import type { Committed, Ledger, LedgerListener } from './ledger.js'
import { Violation } from './violation.js'

/** What all clocks showed when a leader last heard of a session. */
type Clocks = ReadonlyMap<PeerId, number>

/** What a peer that leads goes by when it counts the silence of sessions. */
interface Counting {
  /** Since when it counts for a session; under no session, since when it leads. */
  readonly since: Map<SessionId | undefined, Clocks>
  /** Whose end it has proposed: nothing that comes later keeps them alive. */
  readonly ending: Set<SessionId>
}

/** It has expired, and who has it could not know yet. */
interface Late {
  readonly client: SimulatedClient
  readonly session: SessionId
  /** When its peer was next about to know. */
  steppedAt: number | undefined
}

export class OwnerChecker implements WorldObserver, LedgerListener {
  readonly #ledger: Ledger
  readonly #links = new Map<LinkId, PeerId>()
  /** For each peer that leads: at whom it has last let a session go on. A new leadership knows nothing. */
  readonly #owners = new Map<PeerId, Map<SessionId, PeerId>>()
  readonly #counting = new Map<PeerId, Counting>()
  #late: Late[] = []

  constructor(ledger: Ledger) {
    this.#ledger = ledger
    ledger.world.observe(this)
    ledger.listen(this)
  }

  stepped(peer: SimulatedPeer, input: Input, _now: Now, effects: readonly Effect[]): void {
    if (input.kind === 'linked') this.#links.set(input.link, input.peer)
    if (this.#late.length > 0) this.#hasStepped(peer)
    const { status } = this.#ledger.record(peer.id)
    if (status.role !== 'leading' || !status.serving) {
      this.#owners.delete(peer.id)
      this.#counting.delete(peer.id)
      return
    }
    this.#counts(peer.id, input, effects)
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

  #counts(leader: PeerId, input: Input, effects: readonly Effect[]): void {
    let counting = this.#counting.get(leader)
    if (counting === undefined) {
      counting = { since: new Map([[undefined, this.#clocks()]]), ending: new Set() }
      this.#counting.set(leader, counting)
    }
    const { since, ending } = counting
    for (const effect of effects)
      if (effect.kind === 'append')
        for (const { cxid, txn } of effect.proposals)
          if (txn.kind === 'closeSession' && cxid === 0) ending.add(txn.session)
    if (input.kind !== 'message') return
    const { message } = input
    const heard = message.kind === 'pong' ? message.touched : message.kind === 'request' ? [message.session] : []
    if (heard.length === 0) return
    const clocks = this.#clocks()
    for (const session of heard) if (!ending.has(session)) since.set(session, clocks)
  }

  #clocks(): Clocks {
    const { peers, now } = this.#ledger.world
    return new Map([...peers.values()].map(({ id, clock }) => [id, clock.monotonic(now)]))
  }

  /**
   * Who is over has no owner: by whomever its requests come, they fail with an error txn (C16). And whoever lives beside its peer has given the
   * session up before the ensemble does; within the drift bound, that is, as long as its own clock has not run slower than the leader's meanwhile. Whose timers
   * are late, or whose step is slow, gives it up with its next step (C16).
   */
  committed({ proposal: { session, cxid, txn, zxid } }: Committed): void {
    if (txn.kind !== 'closeSession') return
    for (const owners of this.#owners.values()) owners.delete(session)
    if (cxid !== 0) return
    const leader = this.#ledger.leaderships.get(zxid.epoch)!.leader
    for (const client of this.#ledger.world.clients.all) {
      if (!client.embedded || !client.attached || client.session?.id !== session) continue
      if (!client.peer?.isUp || client.peer.isPaused || this.#isSlower(client.peer.id, leader, session)) continue
      if (client.peer.stepMs !== undefined || client.peer.clock.timersEveryMs > 0) {
        this.#late.push({ client, session, steppedAt: undefined })
        continue
      }
      throw new Violation(
        'C16',
        `${client.name} on peer ${client.peer.id} believes in session ${session}, which has expired`,
      )
    }
  }

  #isSlower(owner: PeerId, leader: PeerId, session: SessionId): boolean {
    const counting = this.#counting.get(leader)
    const since = counting?.since.get(session) ?? counting?.since.get(undefined)
    if (since === undefined) return false
    const now = this.#clocks()
    const passed = (id: PeerId) => now.get(id)! - since.get(id)!
    // Both are cut to whole milliseconds.
    return passed(owner) + 2 < passed(leader)
  }

  #hasStepped(peer: SimulatedPeer): void {
    const { now } = this.#ledger.world
    for (const late of this.#late) {
      const { client, session } = late
      if (client.peer !== peer || client.session?.id !== session || !client.attached) continue
      if (late.steppedAt === undefined) late.steppedAt = now
      else if (late.steppedAt < now)
        throw new Violation(
          'C16',
          `${client.name} on peer ${peer.id} goes on to believe in session ${session}, which has expired`,
        )
    }
    this.#late = this.#late.filter(
      ({ client, session }) => client.attached && client.session?.id === session && client.peer?.isUp,
    )
  }
}
