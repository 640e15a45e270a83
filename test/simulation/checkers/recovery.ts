/**
 * D1, D3, D5, D6, D8, D9, at every start: what a peer begins with is what it was given to keep and was told is kept, or it says that it is damaged, or it
 * refuses to begin. Held against what went to the disk, and against the flaws that the plan has put there; not against what the store makes of them.
 */
import type { Effect } from '../../../lib/core/effect.js'
import type { Input, Now } from '../../../lib/core/input.js'
import type { PeerInitial } from '../../../lib/core/peer.js'
import type { Epochs } from '../../../lib/model/history.js'
import type { OperationNumber, PeerId } from '../../../lib/model/ids.js'
import type { Proposal } from '../../../lib/model/proposal.js'
import { earlier, formatZxid, isAfter, sameZxid, ZERO, type Zxid } from '../../../lib/model/zxid.js'
import type { Checkpoint } from '../../../lib/testing/disk-content.js'
import type { DiskChange, DiskFault } from '../../../lib/testing/simulated-disk.js'
import type { SimulatedPeer } from '../../../lib/testing/simulated-peer.js'
import type { WorldObserver } from '../../../lib/testing/world.js'
import { type Ledger, zxidKey } from './ledger.js'
import { Violation } from './violation.js'

type Recovered = PeerInitial['recovered']

/** What the host has told a peer is durable: less than, or all of, what its disk has been given. */
interface Told {
  last: Zxid
  epochs: Epochs
  readonly saving: Map<OperationNumber, Epochs>
  /** What made the life before this one end, if the disk did. */
  failure: DiskFault | undefined
}

/** A disk right before it is opened. */
interface Before {
  readonly entries: readonly Proposal[]
  readonly last: Zxid
  readonly checkpoint: Checkpoint
  /** As far as entries are known to have been acknowledged. */
  readonly marked: Zxid
  readonly isDamaged: boolean
  readonly isFlawed: boolean
  readonly isLogFlawed: boolean
  readonly missing: string
  readonly mayRefuse: boolean
  readonly cannotBeRead: boolean
}

export class RecoveryChecker implements WorldObserver {
  readonly #ledger: Ledger
  readonly #told = new Map<PeerId, Told>()
  readonly #before = new Map<PeerId, Before>()

  constructor(ledger: Ledger) {
    this.#ledger = ledger
    ledger.world.observe(this)
  }

  opening(peer: SimulatedPeer): void {
    const { disk } = peer
    const { content, flaws, damaged, lost } = disk.store
    const { entries, last, checkpoint } = content
    const mark = content.mark.read()
    const marked = mark !== undefined && mark.generation === checkpoint.generation ? mark.zxid : ZERO
    if (isAfter(marked, last)) {
      const why = `ahead of its log, which ends at ${formatZxid(last)}`
      throw new Violation('D1', `peer ${peer.id} has a durable mark at ${formatZxid(marked)}, ${why}`)
    }
    this.#before.set(peer.id, {
      entries,
      last,
      checkpoint,
      marked,
      isDamaged: lost !== undefined,
      isFlawed: damaged && lost === undefined,
      isLogFlawed: flaws.log.size > 0,
      missing: [...flaws.missing].join(', '),
      mayRefuse: flaws.identity !== undefined || flaws.missing.has('mark') || !content.mark.intact,
      cannotBeRead: disk.full || disk.failRead,
    })
  }

  /** Nothing of what it was told lies on the disk that takes the place of the old one. */
  wiped(peer: SimulatedPeer): void {
    this.#told.delete(peer.id)
  }

  refused(peer: SimulatedPeer, error: { readonly code: string; readonly message: string }): void {
    const { mayRefuse, cannotBeRead, isFlawed } = this.#before.get(peer.id)!
    const alone = this.#ledger.world.voterIds().length === 1 && isFlawed
    if (error.code === 'STORAGE_FAILED' ? cannotBeRead : mayRefuse || alone) return
    throw new Violation(rowOf(error.message), `peer ${peer.id} refuses to begin: ${error.code} ${error.message}`)
  }

  opened(peer: SimulatedPeer, recovered: Recovered): void {
    const before = this.#before.get(peer.id)!
    const told = this.#of(peer.id)
    const { damage } = recovered
    if (damage !== undefined && !before.isDamaged && !before.isFlawed) {
      throw new Violation(rowOf(damage.reason), `peer ${peer.id} takes a sound disk for damaged: ${damage.reason}`)
    }
    this.#compareEpochs(peer, recovered.epochs, told)
    // A new beginning is compared when it has been filled (checkers/damage.ts).
    if (damage !== undefined) return
    if (before.missing !== '')
      throw new Violation('D8', `peer ${peer.id} begins as if nothing were missing: ${before.missing}`)
    this.#compareTree(peer, recovered, before)
    this.#compareLog(peer, recovered, before, told)
    told.failure = undefined
  }

  #compareEpochs(peer: SimulatedPeer, { accepted, current }: Epochs, { epochs }: Told): void {
    if (accepted >= epochs.accepted && current >= epochs.current && current <= accepted) return
    const had = `accepted ${epochs.accepted}, current ${epochs.current}`
    throw new Violation('D5', `peer ${peer.id} begins with accepted ${accepted}, current ${current}; it had ${had}`)
  }

  /** An older checkpoint is as good as the last one, if the log goes on from there. */
  #compareTree({ id }: SimulatedPeer, { image }: Recovered, { checkpoint }: Before): void {
    if (isAfter(image.zxid, checkpoint.zxid))
      throw new Violation('D6', `peer ${id} begins with a tree of ${formatZxid(image.zxid)} that it never finished`)
    if (!sameZxid(image.zxid, checkpoint.zxid)) return
    const nodes = new Map(image.nodes)
    for (const [path, znode] of checkpoint.nodes)
      if (nodes.get(path) !== znode) throw new Violation('D9', `peer ${id} reads another ${path} than it was given`)
    if (nodes.size !== checkpoint.nodes.size) throw new Violation('D9', `peer ${id} reads znodes it was never given`)
  }

  #compareLog({ id }: SimulatedPeer, { image, suffix }: Recovered, before: Before, told: Told): void {
    const given = new Map(before.entries.map(each => [zxidKey(each.zxid), each]))
    let last = image.zxid
    for (const entry of suffix) {
      if (!sameZxid(entry.previous, last))
        throw new Violation('D3', `peer ${id} passes a gap before ${formatZxid(entry.zxid)}`)
      if (given.get(zxidKey(entry.zxid)) !== entry)
        throw new Violation('D1', `peer ${id} reads another ${formatZxid(entry.zxid)} than it was given`)
      last = entry.zxid
    }
    if (!isAfter(told.last, last)) return
    // Above the mark damage looks like a torn tail; the plan allows it where a quorum has the entries.
    if (before.isLogFlawed && !isAfter(before.marked, last)) {
      told.last = last
      return
    }
    const why = `begins at ${formatZxid(last)} as if it were whole, but was told that ${formatZxid(told.last)} is kept`
    throw new Violation(rowOfLoss(told.failure), `peer ${id} ${why}`)
  }

  stepped(peer: SimulatedPeer, input: Input, _now: Now, _effects: readonly Effect[]): void {
    const told = this.#of(peer.id)
    if (input.kind === 'logged') told.last = input.zxid
    else if (input.kind === 'snapshotInstalled') told.last = input.image.zxid
    else if (input.kind === 'epochsSaved') told.epochs = told.saving.get(input.op) ?? told.epochs
  }

  performed(peer: SimulatedPeer, effect: Effect): void {
    const told = this.#of(peer.id)
    if (effect.kind === 'truncate') told.last = earlier(told.last, effect.after)
    else if (effect.kind === 'installSnapshot') told.last = earlier(told.last, effect.begin.zxid)
    else if (effect.kind === 'saveEpochs') told.saving.set(effect.op, effect.epochs)
  }

  diskFault(peer: SimulatedPeer, fault: DiskFault): void {
    if (fault === 'syncFails' || fault === 'writeFails' || fault === 'fullDisk') this.#of(peer.id).failure = fault
  }

  diskChanged(peer: SimulatedPeer, change: DiskChange): void {
    if (change.kind === 'damaged') this.#of(peer.id).last = ZERO
    const { base, checkpoint } = peer.disk.store.content
    if (isAfter(base, checkpoint.zxid)) {
      const why = `but its tree is only at ${formatZxid(checkpoint.zxid)}`
      throw new Violation('D6', `peer ${peer.id} has let go of its log up to ${formatZxid(base)}, ${why}`)
    }
  }

  crashed(peer: SimulatedPeer): void {
    this.#of(peer.id).saving.clear()
  }

  stopped(peer: SimulatedPeer): void {
    this.#of(peer.id).saving.clear()
  }

  #of(id: PeerId): Told {
    let told = this.#told.get(id)
    if (told === undefined) {
      told = { last: ZERO, epochs: { accepted: 0, current: 0 }, saving: new Map(), failure: undefined }
      this.#told.set(id, told)
    }
    return told
  }
}

/** Which promise a store breaks that cannot cope with its own doing. */
function rowOf(reason: string): string {
  if (reason.includes('epochs: ') || reason.includes('mark: ')) return 'D5'
  return reason.includes('log: ') ? 'D3' : 'D6'
}

function rowOfLoss(failure: DiskFault | undefined): string {
  if (failure === 'fullDisk') return 'D7'
  return failure === undefined ? 'D3' : 'D4'
}
