/** Z5–Z7, Z10–Z13, Z15, Z21, Z24: what leaders propose and commit, and what is delivered. (Z8 and Z9 are in ledger.ts.) */
import type { Effect } from '../../../lib/core/effect.js'
import type { Input, Now } from '../../../lib/core/input.js'
import type { PeerId } from '../../../lib/model/ids.js'
import type { Proposal } from '../../../lib/model/proposal.js'
import { formatZxid, isAfter, isAtMost, sameZxid, type Zxid } from '../../../lib/model/zxid.js'
import type { SimulatedPeer } from '../../../lib/testing/simulated-peer.js'
import type { WorldObserver } from '../../../lib/testing/world.js'
import { isQuorum } from '../quorum.js'
import {
  type Committed,
  type Leadership,
  type Ledger,
  type LedgerListener,
  type PeerRecord,
  zxidKey,
} from './ledger.js'
import { Violation } from './violation.js'

export class BroadcastChecker implements WorldObserver, LedgerListener {
  readonly #ledger: Ledger
  readonly #broadcast = new Map<number, Proposal>()
  /** The last own proposal of each leadership. */
  readonly #lastOf = new Map<number, Zxid>()
  readonly #committedBy = new Map<PeerId, Zxid>()
  /** What each peer's clock showed when the newest leader was established: a peer counts on its own. */
  readonly #clocksThen = new Map<PeerId, number>()

  constructor(ledger: Ledger) {
    this.#ledger = ledger
    ledger.world.observe(this)
    ledger.listen(this)
  }

  stepped(peer: SimulatedPeer, input: Input, _now: Now, effects: readonly Effect[]): void {
    const record = this.#ledger.record(peer.id)
    const { status } = record
    for (const effect of effects) {
      if (effect.kind !== 'append') continue
      for (const proposal of effect.proposals) {
        this.#identify(peer.id, proposal)
        // What a learner logs has come as a message. A leader that steps down in this step is looking at its end.
        const learned =
          input.kind === 'message' && (input.message.kind === 'proposal' || input.message.kind === 'inform')
        const leading = [record.former, status].find(each => each.role === 'leading' && each.serving)
        if (!learned) this.#proposed(peer.id, leading?.epoch ?? proposal.zxid.epoch, proposal)
      }
    }
    if (status.role !== 'leading' || !status.serving) return
    this.#steppedDown(peer, status.epoch)
    this.#commits(record)
  }

  /** Z15: whatever a leader takes for committed is on the disks of a quorum. */
  #commits({ id, status }: PeerRecord): void {
    const { committed, epoch } = status
    const before = this.#committedBy.get(id)
    if (before !== undefined && sameZxid(before, committed)) return
    this.#committedBy.set(id, committed)
    if (!this.#ledger.isDurableAtQuorum(committed) && this.#ledger.at(committed) === undefined) {
      throw new Violation('Z15', `peer ${id} commits ${formatZxid(committed)}, which is not on the disks of a quorum`)
    }
    const newest = this.#ledger.established
    if (newest === undefined || newest.epoch <= epoch) return
    if (!inHistory(newest, committed)) {
      throw new Violation(
        'Z24',
        `peer ${id} of epoch ${epoch} commits ${formatZxid(committed)} when epoch ${newest.epoch} is established without it`,
      )
    }
  }

  /** Z24: a deposed leader takes no more writes once it can have noticed. */
  #steppedDown(peer: SimulatedPeer, epoch: number): void {
    const newest = this.#ledger.established
    if (newest === undefined || newest.epoch <= epoch) return
    const { syncLimitTicks, tickMs } = this.#ledger.world.protocol
    const sinceMs = peer.now().monotonic - this.#clocksThen.get(peer.id)!
    if (sinceMs > (syncLimitTicks + 2) * tickMs + 100) {
      throw new Violation(
        'Z24',
        `peer ${peer.id} still leads epoch ${epoch}, ${sinceMs} ms after epoch ${newest.epoch} was established`,
      )
    }
  }

  committed({ proposal }: Committed): void {
    const { zxid } = proposal
    if (!this.#broadcast.has(zxidKey(zxid)))
      throw new Violation('Z7', `${formatZxid(zxid)} is delivered, but no leader has proposed it`)
    if (!this.#ledger.isDurableAtQuorum(zxid))
      throw new Violation('Z21', `${formatZxid(zxid)} is delivered, but not on the disks of a quorum`)
    const newest = this.#ledger.established
    if (newest !== undefined && zxid.epoch < newest.epoch && !inHistory(newest, zxid)) {
      throw new Violation(
        'Z12',
        `${formatZxid(zxid)} becomes committed when epoch ${newest.epoch} is established without it`,
      )
    }
  }

  delivered(record: PeerRecord, { proposal }: Committed): void {
    const known = this.#broadcast.get(zxidKey(proposal.zxid))
    if (known !== proposal && JSON.stringify(plain(known)) !== JSON.stringify(plain(proposal))) {
      throw new Violation('Z7', `peer ${record.id} delivers another ${formatZxid(proposal.zxid)} than was proposed`)
    }
  }

  /** Z13: all that was ever delivered is in the log of a leader when it is established. */
  established(leadership: Leadership): void {
    if (this.#ledger.established === leadership)
      for (const { id, clock } of this.#ledger.world.peers.values())
        this.#clocksThen.set(id, clock.monotonic(this.#ledger.world.now))
    for (let index = this.#ledger.chain.length - 1; index >= 0; index--) {
      const { zxid } = this.#ledger.chain[index]!.proposal
      if (isAtMost(zxid, leadership.initialBase)) return
      if (zxid.epoch < leadership.epoch && !inHistory(leadership, zxid)) {
        throw new Violation(
          'Z13',
          `peer ${leadership.leader} is established in epoch ${leadership.epoch} without ${formatZxid(zxid)}`,
        )
      }
    }
  }

  atEnd(): void {
    const voters = this.#ledger.world.voterIds()
    for (const { proposal } of this.#ledger.chain) {
      const holding = voters.filter(id => this.#ledger.world.peer(id).disk.covers(proposal.zxid))
      if (!isQuorum(this.#ledger.world, holding))
        throw new Violation('Z21', `${formatZxid(proposal.zxid)} is left only on ${holding.join(', ')}`)
    }
  }

  /** Z5, Z10: counters of a leader run from 1 without a gap. */
  #proposed(id: PeerId, epoch: number, proposal: Proposal): void {
    const { zxid } = proposal
    const last = this.#lastOf.get(epoch)
    const expected = last === undefined ? 1 : last.counter + 1
    if (zxid.epoch !== epoch || zxid.counter !== expected) {
      throw new Violation(
        'Z5',
        `peer ${id} leads epoch ${epoch} and proposes ${formatZxid(zxid)}, not counter ${expected}`,
      )
    }
    this.#lastOf.set(epoch, zxid)
    if (this.#broadcast.has(zxidKey(zxid))) throw new Violation('Z6', `${formatZxid(zxid)} is proposed twice`)
    this.#broadcast.set(zxidKey(zxid), proposal)
  }

  /** Z6: one zxid, one content. */
  #identify(id: PeerId, proposal: Proposal): void {
    const key = zxidKey(proposal.zxid)
    const known = this.#ledger.proposals.get(key)
    if (known === undefined) this.#ledger.proposals.set(key, proposal)
    else if (known !== proposal && JSON.stringify(plain(known)) !== JSON.stringify(plain(proposal))) {
      throw new Violation('Z6', `peer ${id} logs another ${formatZxid(proposal.zxid)} than was known`)
    }
  }
}

function inHistory({ initialEntries, initialBase }: Leadership, zxid: Zxid): boolean {
  return !isAfter(zxid, initialBase) || initialEntries.has(zxidKey(zxid))
}

function plain(proposal: Proposal | undefined): unknown {
  return proposal && { ...proposal, record: undefined }
}
