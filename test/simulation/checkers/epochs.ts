/** Z1–Z4 and E2, E4, E6: who leads which epoch, and what was promised and durable before it was said. (Z1's first half is in ledger.ts.) */
import type { Effect } from '../../../lib/core/effect.js'
import type { Input, Now } from '../../../lib/core/input.js'
import type { PeerId } from '../../../lib/model/ids.js'
import { formatZxid, sameZxid, ZERO } from '../../../lib/model/zxid.js'
import type { DiskChange } from '../../../lib/testing/simulated-disk.js'
import type { SimulatedPeer } from '../../../lib/testing/simulated-peer.js'
import type { WorldObserver } from '../../../lib/testing/world.js'
import { isQuorum } from '../quorum.js'
import type { Leadership, Ledger, LedgerListener } from './ledger.js'
import { Violation } from './violation.js'

export class EpochChecker implements WorldObserver, LedgerListener {
  readonly #ledger: Ledger
  readonly #counted = new Set<string>()
  /** Accepted epochs told to a peer in this life, by whom. */
  readonly #told = new Map<PeerId, Map<PeerId, number>>()
  readonly #invited = new Set<string>()
  readonly #rounds = new Map<PeerId, number>()
  readonly #links = new Map<number, PeerId>()
  /** The epoch that a leader has offered over a link. */
  readonly #offered = new Map<number, number>()
  /** For each peer, the last vote it has heard of each other one in each round (`peer round`): what was said in a round stands in that round. */
  readonly #heard = new Map<PeerId, Map<string, PeerId>>()
  /** Peers that stood for no election at some time since they began to look: a vote stands for its round, also when that is over meanwhile. */
  readonly #aside = new Set<PeerId>()

  constructor(ledger: Ledger) {
    this.#ledger = ledger
    ledger.world.observe(this)
    ledger.listen(this)
  }

  established({ epoch, leader, adopted }: Leadership): void {
    const voters = this.#ledger.world.voterIds()
    const durable = voters.filter(id => adopted.has(id))
    if (!isQuorum(this.#ledger.world, durable)) {
      throw new Violation(
        'Z2',
        `peer ${leader} leads epoch ${epoch}, which only ${durable.join(', ')} have made current with its history`,
      )
    }
  }

  diskChanged(peer: SimulatedPeer, change: DiskChange): void {
    if (change.kind !== 'epochs') return
    const { epochs, before } = change
    if (epochs.accepted < before.accepted || epochs.current < before.current || epochs.current > epochs.accepted) {
      throw new Violation(
        'Z3',
        `peer ${peer.id}: epochs on disk go from ${JSON.stringify(before)} to ${JSON.stringify(epochs)}`,
      )
    }
  }

  /** What it has promised is gone with its disk; it may promise the same to the same leader again. */
  wiped(peer: SimulatedPeer): void {
    for (const name of this.#counted) if (name.startsWith(`${peer.id} `)) this.#counted.delete(name)
  }

  started(peer: SimulatedPeer): void {
    this.#told.set(peer.id, new Map())
    this.#rounds.delete(peer.id)
    this.#aside.delete(peer.id)
    this.#heard.set(peer.id, new Map())
  }

  stepped(peer: SimulatedPeer, input: Input, _now: Now, effects: readonly Effect[]): void {
    const { former, status } = this.#ledger.record(peer.id)
    // Whose state is void (Z31), or whose log was too slow to lead. An election may begin and be decided within one step.
    const steps = [former, status]
    if (steps.some(each => each.diverged || each.standsAside)) this.#aside.add(peer.id)
    else if (steps.every(each => each.role !== 'looking')) this.#aside.delete(peer.id)
    if (input.kind === 'linked') this.#links.set(input.link, input.peer)
    if (input.kind === 'message' && input.message.kind === 'leaderInfo')
      this.#offered.set(input.link, input.message.epoch)
    if (input.kind === 'message' && input.message.kind === 'notification') {
      const { round, leader, role } = input.message
      // E7: what a damaged voter says is no vote.
      const counts = role !== 'repairing' && role !== 'observing'
      if (counts) this.#heard.get(peer.id)!.set(`${this.#links.get(input.link)} ${round}`, leader)
    }
    for (const effect of effects)
      if (effect.kind === 'send' && effect.message.kind === 'notification' && effect.message.role === 'leading')
        this.#elected(peer, effect.message.round)
    if (input.kind !== 'message' || input.message.kind !== 'learnerInfo') return
    const from = this.#links.get(input.link)!
    if (input.message.role === 'participant') this.#told.get(peer.id)!.set(from, input.message.acceptedEpoch)
  }

  /** E4: a quorum has voted for it, itself included. */
  #elected(peer: SimulatedPeer, round: number): void {
    if (this.#ledger.record(peer.id).former.role === 'leading') return
    const voters = this.#ledger.world.voterIds()
    const heard = this.#heard.get(peer.id)!
    const backers = voters.filter(id => id === peer.id || heard.get(`${id} ${round}`) === peer.id)
    if (!isQuorum(this.#ledger.world, backers))
      throw new Violation('E4', `peer ${peer.id} leads with the votes of ${backers.join(', ')}`)
  }

  performed(peer: SimulatedPeer, effect: Effect): void {
    if (effect.kind !== 'send') return
    const { message } = effect
    const { epochs, last } = peer.disk
    if (message.kind === 'ackEpoch' && message.counted) {
      // What it is now it may not be any more: the step may have ended the role.
      const epoch = this.#offered.get(effect.link) ?? 0
      if (epochs.accepted < epoch)
        throw new Violation('Z4', `peer ${peer.id} promises epoch ${epoch} with ${epochs.accepted} on its disk`)
      const name = `${peer.id} ${epoch}`
      if (this.#counted.has(name)) throw new Violation('Z4', `peer ${peer.id} promises epoch ${epoch} twice`)
      this.#counted.add(name)
    } else if (message.kind === 'leaderInfo') this.#invite(peer, message.epoch)
    else if (message.kind === 'notification' && message.role === 'looking') {
      const before = this.#rounds.get(peer.id) ?? 0
      if (message.round < before)
        throw new Violation('E2', `peer ${peer.id} goes from round ${before} to ${message.round}`)
      this.#rounds.set(peer.id, message.round)
      const isVoter = this.#ledger.world.voterIds().includes(peer.id)
      if (!isVoter || message.leader !== peer.id || message.round === 0) return
      // Who stands for no election votes below everybody.
      if (this.#aside.has(peer.id) && sameZxid(message.zxid, ZERO) && message.epoch === 0) return
      if (!sameZxid(message.zxid, last) || message.epoch !== epochs.current) {
        const own = `${formatZxid(message.zxid)} of epoch ${message.epoch}`
        throw new Violation(
          'E6',
          `peer ${peer.id} votes with ${own}, but its disk has ${formatZxid(last)} of ${epochs.current}`,
        )
      }
    }
  }

  /** Z4: the epoch is new to a quorum, this peer included, whose promise is durable. */
  #invite(peer: SimulatedPeer, epoch: number): void {
    const name = `${peer.id} ${peer.life} ${epoch}`
    if (this.#invited.has(name)) return
    this.#invited.add(name)
    if (peer.disk.epochs.accepted !== epoch) {
      throw new Violation('Z4', `peer ${peer.id} proposes epoch ${epoch} with ${peer.disk.epochs.accepted} on its disk`)
    }
    const told = this.#told.get(peer.id)!
    const below = [...told].filter(([id, accepted]) => id !== peer.id && accepted < epoch)
    if (!isQuorum(this.#ledger.world, [peer.id, ...below.map(([id]) => id)])) {
      throw new Violation(
        'Z4',
        `peer ${peer.id} proposes epoch ${epoch}, which is new only to ${below.map(([id]) => id).join(', ')} and itself`,
      )
    }
  }
}
