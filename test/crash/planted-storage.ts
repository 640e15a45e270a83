/**
 * A store with a bug, to show that the crash test finds one.
 *
 * `ack-early` says that a group is durable 100 ms before it is written: what kill -9 of all members must show.
 * `lose-last-group` forgets the last entries of the log at every open, as a store would that does not sync: shown by the same kill.
 */
import type { Epochs } from '../../lib/model/history.js'
import type { Proposal } from '../../lib/model/proposal.js'
import type { ReplicaChanges } from '../../lib/model/replica-image.js'
import type { Zxid } from '../../lib/model/zxid.js'
import type { Recovered, Storage } from '../../lib/storage/storage.js'
import { type TappedCall, TappedStorage } from '../helpers/tapped-storage.js'

export const plantedBugs = ['ack-early', 'lose-last-group'] as const
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

export function tapped(store: Storage, plant: PlantedBug | undefined, tap: (call: TappedCall) => void): Storage {
  if (plant === 'ack-early') return new AckEarly(store, tap)
  return plant === 'lose-last-group' ? new LoseLastGroup(store, tap) : new TappedStorage(store, tap)
}
