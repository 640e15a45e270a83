/**
 * Members with a bug, to show that the crash test and the fault test find one.
 *
 * `ack-early`: the store says that a group is durable 100 ms before it is written: what kill -9 of all members must show.
 * `lose-last-group`: the store forgets the last entries of the log at every open, as one would that does not sync: shown by the same kill.
 * `epochs-in-memory`: the store forgets the epochs at every open: shown by kills.
 * `solo-leader`: a leader once established goes on without a quorum: shown by partitions and pauses.
 * `unknown-is-ok`: a client takes a call without an answer for done: shown by whatever takes a leader away (in writer.ts).
 * `silent-stream`: an observable does not read again when its peer is back: shown by partitions.
 */
import { ConflatedRead } from '../../lib/client/observe.js'
import { Leader } from '../../lib/core/zab/leader.js'
import type { Epochs } from '../../lib/model/history.js'
import type { Proposal } from '../../lib/model/proposal.js'
import type { ReplicaChanges } from '../../lib/model/replica-image.js'
import type { Zxid } from '../../lib/model/zxid.js'
import type { Recovered, Storage } from '../../lib/storage/storage.js'
import { type TappedCall, TappedStorage } from '../helpers/tapped-storage.js'

export const plantedBugs = [
  'ack-early',
  'lose-last-group',
  'epochs-in-memory',
  'solo-leader',
  'unknown-is-ok',
  'silent-stream',
] as const
export type PlantedBug = (typeof plantedBugs)[number]

/** Everything in order, but 100 ms late, and an append has been acknowledged long before. */
class AckEarly extends TappedStorage {
  #late: Promise<unknown> = Promise.resolve()

  override async append(proposals: readonly Proposal[]): Promise<void> {
    void this.#later(() => super.append(proposals))
  }
  override truncate(after: Zxid): Promise<void> {
    return this.#later(() => super.truncate(after))
  }
  override saveEpochs(epochs: Epochs): Promise<void> {
    return this.#later(() => super.saveEpochs(epochs))
  }
  override checkpoint(changes: ReplicaChanges): Promise<{ readonly base: Zxid }> {
    return this.#later(() => super.checkpoint(changes))
  }
  override async close(): Promise<void> {
    await this.#late
    await super.close()
  }

  #later<T>(work: () => Promise<T>): Promise<T> {
    const due = new Promise(resolve => setTimeout(resolve, 100))
    const done = Promise.all([this.#late, due]).then(work)
    this.#late = done
    return done
  }
}

class LoseLastGroup extends TappedStorage {
  override async open(): Promise<Recovered> {
    const recovered = await super.open()
    const kept = recovered.suffix.slice(0, -20)
    const last = kept.at(-1)?.zxid ?? recovered.image.zxid
    const ranges = recovered.history.ranges
      .filter(({ epoch, first }) => epoch < last.epoch || (epoch === last.epoch && first <= last.counter))
      .map(range => (range.epoch === last.epoch ? { ...range, last: Math.min(range.last, last.counter) } : range))
    if (recovered.suffix.length > 0) await this.store.truncate(last)
    return { ...recovered, suffix: kept, history: { ...recovered.history, ranges } }
  }
}

class EpochsInMemory extends TappedStorage {
  override async open(): Promise<Recovered> {
    return { ...(await super.open()), epochs: { accepted: 0, current: 0 } }
  }
}

/** Plants what is not in the store. */
export function plantInProcess(plant: PlantedBug | undefined): void {
  if (plant === 'solo-leader') {
    const start = Leader.prototype.start
    Leader.prototype.start = function (this: { -readonly [K in keyof Leader]: Leader[K] }) {
      const { voters, isQuorum } = this.quorum
      this.quorum = { voters, isQuorum: ids => this.established || isQuorum(ids) }
      start.call(this as Leader)
    }
    const stepDown = Leader.prototype.stepDown
    Leader.prototype.stepDown = function (reason) {
      if (!this.established || !reason.includes('quorum')) stepDown.call(this, reason)
    }
  } else if (plant === 'silent-stream') {
    let reads = 0
    const read = ConflatedRead.prototype.read
    // Every tenth read that an event or a reconnect asks for is forgotten.
    ConflatedRead.prototype.read = function (this: ConflatedRead) {
      if (++reads % 10 !== 0) read.call(this)
    }
  }
}

export function tapped(store: Storage, plant: PlantedBug | undefined, tap: (call: TappedCall) => void): Storage {
  if (plant === 'ack-early') return new AckEarly(store, tap)
  if (plant === 'epochs-in-memory') return new EpochsInMemory(store, tap)
  return plant === 'lose-last-group' ? new LoseLastGroup(store, tap) : new TappedStorage(store, tap)
}
