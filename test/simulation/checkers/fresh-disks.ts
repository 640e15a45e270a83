/**
 * Z29: a voter whose disk is new or was wiped counts for nothing until an established leader has given it the history; unless nobody has any at all.
 *
 * No leader begins to hand out its history but on the promises of a quorum that all held at one moment, each on a disk with a history; and nobody whose
 * disk is fresh is made a voter by a leader that is not established.
 */
import type { Effect } from '../../../lib/core/effect.js'
import type { Input, Now } from '../../../lib/core/input.js'
import type { PeerId } from '../../../lib/model/ids.js'
import { sameZxid, ZERO } from '../../../lib/model/zxid.js'
import type { DiskChange } from '../../../lib/testing/simulated-disk.js'
import type { SimulatedPeer } from '../../../lib/testing/simulated-peer.js'
import type { WorldObserver } from '../../../lib/testing/world.js'
import { isQuorum } from '../quorum.js'
import type { Ledger } from './ledger.js'
import { Violation } from './violation.js'

/** On a disk with a history; until the disk is lost. */
interface Promised {
  readonly voter: PeerId
  readonly from: number
  until: number
}

export class FreshDiskChecker implements WorldObserver {
  readonly #ledger: Ledger
  /** By epoch. */
  readonly #promises = new Map<number, Promised[]>()
  readonly #judged = new Set<string>()
  /** Epochs that began when nobody had anything: also a disk that is late with one of them was told so in time. */
  readonly #firstStarts = new Set<number>()
  #moment = 0

  constructor(ledger: Ledger) {
    this.#ledger = ledger
    ledger.world.observe(this)
  }

  diskChanged({ id }: SimulatedPeer, change: DiskChange): void {
    if (change.kind !== 'epochs') return
    const { epochs, before } = change
    if (epochs.accepted > before.accepted && before.current > 0)
      this.#of(epochs.accepted).push({ voter: id, from: this.#moment++, until: Number.POSITIVE_INFINITY })
    const isFirst = before.current === 0 && epochs.current > 0
    if (!isFirst || this.#isFirstStart || !this.#ledger.world.voterIds().includes(id)) return
    if (this.#firstStarts.has(epochs.current)) return
    const leadership = this.#ledger.leaderships.get(epochs.current)
    // One that is being repaired, too: its repair ends with the next write.
    if (leadership?.establishedAt === undefined)
      throw new Violation('Z29', `peer ${id} has taken the history of epoch ${epochs.current}, which nobody stands for`)
  }

  wiped({ id }: SimulatedPeer): void {
    for (const promises of this.#promises.values())
      for (const each of promises) if (each.voter === id) each.until = Math.min(each.until, this.#moment++)
  }

  stepped(peer: SimulatedPeer, _input: Input, _now: Now, _effects: readonly Effect[]): void {
    const { status } = this.#ledger.record(peer.id)
    if (status.role !== 'leading' || status.phase === 'discovery') return
    const name = `${peer.id} ${peer.life} ${status.epoch}`
    if (this.#judged.has(name)) return
    this.#judged.add(name)
    if (this.#isFirstStart) {
      this.#firstStarts.add(status.epoch)
      return
    }
    const promises = this.#of(status.epoch)
    let vouching = new Set<PeerId>()
    const { world } = this.#ledger
    for (const { from } of promises) {
      const held = promises.filter(each => each.from <= from && from < each.until)
      const voters = new Set(held.map(each => each.voter))
      if (isQuorum(world, voters) || (voters.size > vouching.size && !isQuorum(world, vouching))) vouching = voters
    }
    if (!vouching.has(peer.id) || !isQuorum(world, vouching))
      throw new Violation(
        'Z29',
        `peer ${peer.id} leads epoch ${status.epoch} on the word of ${[...vouching]}: a fresh disk counts`,
      )
  }

  get #isFirstStart(): boolean {
    const { chain, world } = this.#ledger
    return chain.length === 0 && world.voterIds().every(id => sameZxid(world.peer(id).disk.last, ZERO))
  }

  #of(epoch: number): Promised[] {
    const promises = this.#promises.get(epoch) ?? []
    this.#promises.set(epoch, promises)
    return promises
  }
}
