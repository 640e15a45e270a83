/** Z14, Z16–Z19, Z23, Z25: what may be said on one link between a leader and a learner, and what must be durable before it is said. */
import type { Effect } from '../../../lib/core/effect.js'
import type { Input } from '../../../lib/core/input.js'
import type { PeerMessage } from '../../../lib/core/zab/messages.js'
import type { LinkId } from '../../../lib/model/ids.js'
import type { Proposal } from '../../../lib/model/proposal.js'
import { formatZxid, isAfter, isAtMost, sameZxid, type Zxid } from '../../../lib/model/zxid.js'
import type { DiskChange } from '../../../lib/testing/simulated-disk.js'
import type { SimulatedPeer } from '../../../lib/testing/simulated-peer.js'
import type { WorldObserver } from '../../../lib/testing/world.js'
import type { Ledger } from './ledger.js'
import { Violation } from './violation.js'

/** One end of a link: what this peer has said over it. */
interface Said {
  /** The end of the history that the other side has by now. */
  history: Zxid | undefined
  committed: Zxid | undefined
  acked: Zxid | undefined
}

export class LinkChecker implements WorldObserver {
  readonly #ledger: Ledger
  readonly #said = new Map<LinkId, Said>()

  constructor(ledger: Ledger) {
    this.#ledger = ledger
    ledger.world.observe(this)
  }

  started(peer: SimulatedPeer): void {
    let previous = peer.disk.base
    for (const entry of peer.disk.entries) {
      if (!sameZxid(entry.previous, previous)) {
        throw new Violation('Z14', `peer ${peer.id} starts with a gap before ${formatZxid(entry.zxid)}`)
      }
      previous = entry.zxid
    }
  }

  streamed(peer: SimulatedPeer, link: LinkId, proposal: Proposal): void {
    this.#history(peer, this.#of(link), proposal)
  }

  performed(peer: SimulatedPeer, effect: Effect, input: Input): void {
    if (effect.kind === 'send') this.#send(peer, effect.link, effect.message, input)
    else if (effect.kind === 'sendSnapshot') this.#of(effect.link).history = peer.disk.checkpointZxid
    else if (effect.kind === 'disconnect' && effect.reason.startsWith('unexpected')) {
      throw new Violation('Z23', `peer ${peer.id} gives up an honest peer: ${effect.reason}`)
    } else if (effect.kind === 'truncate' && input.kind === 'message' && input.message.kind === 'truncate') {
      const { after } = input.message
      if (isAfter(effect.after, after)) {
        const kept = formatZxid(effect.after)
        throw new Violation('Z19', `peer ${peer.id} keeps ${kept}, told to cut its log behind ${formatZxid(after)}`)
      }
    } else if (effect.kind === 'stop' && effect.error !== undefined) {
      const { code, message } = effect.error
      const known = code === 'STORAGE_FAILED' || (code === 'DATA_CORRUPT' && input.kind === 'storageFailed')
      if (!known) throw new Violation('Z20', `peer ${peer.id} stops: ${code} ${message}`)
    }
  }

  /** Z18, on the disk itself: the epoch of a leader comes after its history. */
  diskChanged(peer: SimulatedPeer, change: DiskChange): void {
    if (change.kind !== 'epochs' || change.epochs.current === change.before.current) return
    const { current } = change.epochs
    const { newLeader, id } = this.#ledger.record(peer.id)
    if (this.#ledger.leaderships.get(current)?.leader === id) return
    if (newLeader?.epoch !== current || !peer.disk.covers(newLeader.zxid)) {
      throw new Violation('Z18', `peer ${id} has epoch ${current} on its disk without the history of its leader`)
    }
  }

  #send(peer: SimulatedPeer, link: LinkId, message: PeerMessage, input: Input): void {
    const said = this.#of(link)
    switch (message.kind) {
      case 'diff':
        said.history = message.after
        return
      case 'proposal':
      case 'inform':
        return this.#history(peer, said, message.proposal)
      case 'newLeader':
        if (said.history === undefined || !sameZxid(said.history, message.zxid)) {
          throw new Violation(
            'Z25',
            `peer ${peer.id} ends its history at ${formatZxid(message.zxid)}, having sent another`,
          )
        }
        return
      case 'upToDate': {
        const { committed } = this.#ledger.record(peer.id).former
        if (isAfter(committed, message.committed)) {
          throw new Violation(
            'Z25',
            `peer ${peer.id} says up to date at ${formatZxid(message.committed)}, behind its commits`,
          )
        }
        said.committed = message.committed
        return
      }
      case 'commit':
        if (said.history === undefined || isAfter(message.zxid, said.history)) {
          throw new Violation('Z16', `peer ${peer.id} commits ${formatZxid(message.zxid)}, which it has not sent`)
        }
        if (said.committed !== undefined && !isAfter(message.zxid, said.committed)) {
          throw new Violation(
            'Z16',
            `peer ${peer.id} commits ${formatZxid(message.zxid)} after ${formatZxid(said.committed)}`,
          )
        }
        said.committed = message.zxid
        return
      case 'ackNewLeader':
        this.#ackNewLeader(peer, link, message.epoch)
        said.acked = this.#ledger.record(peer.id).newLeader!.zxid
        return
      case 'ack':
        if (said.acked === undefined)
          throw new Violation('Z18', `peer ${peer.id} acknowledges ${formatZxid(message.zxid)} before NEWLEADER`)
        if (!isAfter(message.zxid, said.acked))
          throw new Violation('Z17', `peer ${peer.id} acknowledges ${formatZxid(message.zxid)} again`)
        if (isAfter(message.zxid, peer.disk.last) || !peer.disk.covers(message.zxid)) {
          const { last } = peer.disk
          throw new Violation(
            'Z17',
            `peer ${peer.id} acknowledges ${formatZxid(message.zxid)} on ${input.kind}, but its disk ends at ${formatZxid(last)}`,
          )
        }
        said.acked = message.zxid
        return
      default:
        return
    }
  }

  /** Z14, Z25: no gap between what one link carries. */
  #history(peer: SimulatedPeer, said: Said, proposal: Proposal): void {
    if (said.history === undefined || !sameZxid(said.history, proposal.previous)) {
      const before = said.history === undefined ? 'nothing' : formatZxid(said.history)
      throw new Violation('Z14', `peer ${peer.id} sends ${formatZxid(proposal.zxid)} after ${before}`)
    }
    said.history = proposal.zxid
  }

  /** Z18: history and epoch are durable. Z19: and the history is the leader's. */
  #ackNewLeader(peer: SimulatedPeer, link: LinkId, epoch: number): void {
    const { newLeader } = this.#ledger.record(peer.id)
    const { disk } = peer
    if (newLeader?.link !== link || newLeader.epoch !== epoch)
      throw new Violation('Z18', `peer ${peer.id} acknowledges an epoch nobody offered`)
    if (disk.epochs.current !== epoch)
      throw new Violation('Z18', `peer ${peer.id} acknowledges epoch ${epoch} with ${disk.epochs.current} on its disk`)
    if (!disk.covers(newLeader.zxid))
      throw new Violation('Z18', `peer ${peer.id} acknowledges epoch ${epoch} without its history`)
    const leadership = this.#ledger.leaderships.get(epoch)
    if (leadership === undefined)
      throw new Violation('Z18', `peer ${peer.id} acknowledges epoch ${epoch} before its leader has it`)
    const leader = this.#ledger.record(leadership.leader)
    if (leader.life !== leadership.life || leader.status.epoch !== epoch) return
    const theirs = leader.log.filter(each => isAtMost(each.zxid, newLeader.zxid))
    const ours = disk.entries.filter(each => isAtMost(each.zxid, newLeader.zxid))
    for (let back = 1; back <= Math.min(theirs.length, ours.length); back++) {
      const [a, b] = [theirs.at(-back)!.zxid, ours.at(-back)!.zxid]
      if (!sameZxid(a, b))
        throw new Violation(
          'Z19',
          `peer ${peer.id} is in sync with ${leader.id}, but has ${formatZxid(b)} for ${formatZxid(a)}`,
        )
    }
  }

  #of(link: LinkId): Said {
    let said = this.#said.get(link)
    if (said === undefined) {
      said = { history: undefined, committed: undefined, acked: undefined }
      this.#said.set(link, said)
    }
    return said
  }
}
