/**
 * What an observer who sees everything knows: each peer's log by its effects, who was established, and the one sequence of committed
 * txns (CHAIN), with a reference tree (REF) that applies it alone. The checkers ask it, and hear from it.
 *
 * Reads only what crosses a peer's boundary, its public status, and its disk.
 */
import type { Effect } from '../../../lib/core/effect.js'
import type { Input, Now } from '../../../lib/core/input.js'
import { type Applied, applyTxn } from '../../../lib/core/operations/apply-txn.js'
import type { PeerInitial } from '../../../lib/core/peer.js'
import type { PeerStatus } from '../../../lib/core/peer-status.js'
import { Replica } from '../../../lib/core/replica.js'
import type { StateDigest } from '../../../lib/model/digest.js'
import type { LinkId, OperationNumber, PeerId } from '../../../lib/model/ids.js'
import type { Proposal } from '../../../lib/model/proposal.js'
import { formatZxid, isAfter, isAtMost, sameZxid, ZERO, type Zxid } from '../../../lib/model/zxid.js'
import type { LostHistory } from '../../../lib/testing/simulated-disk.js'
import type { SimulatedPeer } from '../../../lib/testing/simulated-peer.js'
import type { World, WorldObserver } from '../../../lib/testing/world.js'
import { isQuorum } from '../quorum.js'
import { Violation } from './violation.js'

export interface Committed extends Applied {
  readonly proposal: Proposal
  readonly index: number
  /** Of REF behind it. */
  readonly digest: StateDigest
}

/** A peer as its effects tell it; `log` is what it has asked its disk to hold, behind `base`. */
export interface PeerRecord {
  readonly id: PeerId
  life: number
  base: Zxid
  log: Proposal[]
  applied: Zxid
  status: PeerStatus
  /** Of the step before. */
  former: PeerStatus
  installing: { readonly op: OperationNumber; readonly base: Zxid; readonly log: Proposal[] } | undefined
  /** What it was last told to acknowledge. */
  newLeader: { readonly epoch: number; readonly zxid: Zxid; readonly link: LinkId } | undefined
}

export interface Leadership {
  readonly epoch: number
  readonly leader: PeerId
  readonly life: number
  /** The leader's log when it began to synchronise others. */
  readonly initialLast: Zxid
  /** The entries of that log, by zxidKey. */
  readonly initialEntries: ReadonlySet<number>
  readonly initialBase: Zxid
  /** Voters that have made this epoch current on their disks, with that history below it. */
  readonly adopted: Set<PeerId>
  establishedAt: number | undefined
}

export interface LedgerListener {
  /** For the first time anywhere. */
  committed?(entry: Committed): void
  delivered?(record: PeerRecord, entry: Committed): void
  established?(leadership: Leadership): void
  /** The peer's state is a snapshot, or what it recovered: everything up to `zxid`. */
  replaced?(record: PeerRecord, zxid: Zxid): void
}

export class Ledger implements WorldObserver {
  readonly world: World
  readonly chain: Committed[] = []
  readonly ref = Replica.empty()
  readonly emptyDigest = this.ref.digest
  readonly leaderships = new Map<number, Leadership>()
  /** Peers whose state a fault has made false, in memory and perhaps on the disk, until it is seen to be right again. */
  readonly falseStates = new Set<PeerId>()
  /** Peers whose last checkpoint is of such a state: they are false again after the next start, however right they are by now. */
  readonly falseDisks = new Set<PeerId>()
  readonly proposals = new Map<number, Proposal>()
  readonly #index = new Map<number, number>()
  /** Of the highest epoch among those that were established. */
  #newest: Leadership | undefined
  readonly #records = new Map<PeerId, PeerRecord>()
  readonly #listeners: LedgerListener[] = []

  constructor(world: World) {
    this.world = world
  }

  listen(listener: LedgerListener): void {
    this.#listeners.push(listener)
  }

  record(id: PeerId): PeerRecord {
    return this.#records.get(id)!
  }

  at(zxid: Zxid): Committed | undefined {
    const index = this.#index.get(zxidKey(zxid))
    return index === undefined ? undefined : this.chain[index]
  }

  get last(): Zxid {
    return this.chain.at(-1)?.proposal.zxid ?? ZERO
  }

  get established(): Leadership | undefined {
    return this.#newest
  }

  /** Whether the voters whose disks hold everything up to `zxid`, or have lost it by a fault of the plan, are a quorum; one of them left out, if asked. */
  isDurableAtQuorum(zxid: Zxid, without?: PeerId): boolean {
    const voters = this.world.voterIds().filter(id => id !== without)
    const holding = voters.filter(
      id =>
        (isAtMost(zxid, this.world.peer(id).disk.last) && this.world.peer(id).disk.covers(zxid)) ||
        lostTo(this.world.peer(id).disk.lost, zxid) ||
        lostTo(this.world.peer(id).disk.wiped, zxid),
    )
    return isQuorum(this.world, holding)
  }

  started(peer: SimulatedPeer, recovered: PeerInitial['recovered']): void {
    const status = peer.core!.status
    const record: PeerRecord = {
      id: peer.id,
      life: peer.life,
      base: recovered.history.base,
      log: [...peer.disk.entries],
      applied: recovered.image.zxid,
      status,
      former: status,
      installing: undefined,
      newLeader: undefined,
    }
    this.#records.set(peer.id, record)
    for (const listener of this.#listeners) listener.replaced?.(record, recovered.image.zxid)
  }

  stepped(peer: SimulatedPeer, input: Input, _now: Now, effects: readonly Effect[]): void {
    const record = this.record(peer.id)
    record.former = record.status
    record.status = peer.core!.status
    this.#follow(record, input)
    for (const effect of effects) this.#note(record, effect)
    this.#deliver(record)
    for (const effect of effects) {
      // A leadership may end in the step in which its second phase began: its status never tells.
      if (effect.kind === 'send' && effect.message.kind === 'newLeader') this.#lead(record, effect.message.epoch, false)
      if (effect.kind === 'saveEpochs' && record.former.role === 'leading') {
        const { current } = effect.epochs
        if (current > peer.disk.epochs.current) this.#lead(record, current, false)
      }
      if (effect.kind !== 'statusChanged' || effect.status.role !== 'leading' || effect.status.phase === 'discovery')
        continue
      this.#lead(record, effect.status.epoch, effect.status.serving)
    }
  }

  falsified(peer: SimulatedPeer): void {
    this.falseStates.add(peer.id)
  }

  diskChanged(peer: SimulatedPeer): void {
    const { current } = peer.disk.epochs
    const leadership = this.leaderships.get(current)
    if (leadership !== undefined && peer.disk.covers(leadership.initialLast)) leadership.adopted.add(peer.id)
  }

  #follow(record: PeerRecord, input: Input): void {
    const { installing } = record
    if (input.kind === 'message' && input.message.kind === 'newLeader')
      record.newLeader = { ...input.message, link: input.link }
    else if (input.kind === 'snapshotAborted' && installing?.op === input.op) {
      record.base = installing.base
      record.log = installing.log
      record.installing = undefined
    } else if (input.kind === 'snapshotInstalled' && installing?.op === input.op) {
      record.installing = undefined
      record.applied = input.image.zxid
      for (const listener of this.#listeners) listener.replaced?.(record, input.image.zxid)
    }
  }

  #note(record: PeerRecord, effect: Effect): void {
    if (effect.kind === 'append') record.log.push(...effect.proposals)
    else if (effect.kind === 'truncate') record.log = record.log.filter(each => isAtMost(each.zxid, effect.after))
    else if (effect.kind === 'installSnapshot') {
      record.installing = { op: effect.op, base: record.base, log: record.log }
      record.base = effect.begin.zxid
      record.log = []
    }
  }

  #deliver(record: PeerRecord): void {
    const { applied } = record.status
    if (record.installing !== undefined || !isAfter(applied, record.applied)) return
    let from = record.log.length
    while (from > 0 && isAfter(record.log[from - 1]!.zxid, record.applied)) from -= 1
    let previous = record.applied
    for (let index = from; index < record.log.length; index++) {
      const proposal = record.log[index]!
      if (isAfter(proposal.zxid, applied)) break
      if (!sameZxid(proposal.previous, previous)) {
        throw new Violation(
          'Z9',
          `peer ${record.id} delivers ${formatZxid(proposal.zxid)} after ${formatZxid(previous)}`,
        )
      }
      previous = proposal.zxid
      record.applied = proposal.zxid
      const entry = this.#commit(record, proposal)
      for (const listener of this.#listeners) listener.delivered?.(record, entry)
    }
    if (!sameZxid(record.applied, applied)) {
      throw new Violation('Z7', `peer ${record.id} has applied ${formatZxid(applied)}, which is not in its log`)
    }
  }

  /** Z8: each delivery is the next one of CHAIN at its place, or extends it by one. */
  #commit(record: PeerRecord, proposal: Proposal): Committed {
    const known = this.at(proposal.zxid)
    if (known !== undefined) return known
    const { last } = this
    if (!sameZxid(proposal.previous, last)) {
      const where = `behind ${formatZxid(proposal.previous)}, but everybody else's history ends at ${formatZxid(last)}`
      throw new Violation('Z8', `peer ${record.id} delivers ${formatZxid(proposal.zxid)} ${where}`)
    }
    const applied = applyTxn(this.ref, proposal)
    const entry: Committed = { ...applied, proposal, index: this.chain.length, digest: this.ref.digest }
    this.#index.set(zxidKey(proposal.zxid), entry.index)
    this.chain.push(entry)
    for (const listener of this.#listeners) listener.committed?.(entry)
    return entry
  }

  #lead(record: PeerRecord, epoch: number, serving: boolean): void {
    let leadership = this.leaderships.get(epoch)
    if (leadership === undefined) {
      leadership = {
        epoch,
        leader: record.id,
        life: record.life,
        initialLast: record.log.at(-1)?.zxid ?? record.base,
        initialEntries: new Set(record.log.map(each => zxidKey(each.zxid))),
        initialBase: record.base,
        adopted: new Set(),
        establishedAt: undefined,
      }
      this.leaderships.set(epoch, leadership)
    }
    if (leadership.leader !== record.id || leadership.life !== record.life) {
      throw new Violation('Z1', `peers ${leadership.leader} and ${record.id} both lead epoch ${epoch}`)
    }
    if (!serving || leadership.establishedAt !== undefined) return
    leadership.establishedAt = this.world.now
    if (epoch > (this.#newest?.epoch ?? 0)) this.#newest = leadership
    for (const listener of this.#listeners) listener.established?.(leadership)
  }
}

/** Whether a disk held the entry when it was damaged. */
export function lostTo(lost: LostHistory | undefined, zxid: Zxid): boolean {
  return lost !== undefined && (isAtMost(zxid, lost.upTo) || lost.entries.some(each => sameZxid(each.zxid, zxid)))
}

export function zxidKey({ epoch, counter }: Zxid): number {
  return epoch * 0x100000000 + counter
}
