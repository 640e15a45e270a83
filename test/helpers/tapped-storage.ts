/** Passes everything on to a store, and tells which calls it had: what a peer does with its disk shows how it was synchronised. */
import type { Epochs } from '../../lib/model/history.js'
import type { Proposal } from '../../lib/model/proposal.js'
import type { ReplicaChanges } from '../../lib/model/replica-image.js'
import type { Zxid } from '../../lib/model/zxid.js'
import type {
  Recovered,
  SnapshotHeader,
  SnapshotInstaller,
  SnapshotReader,
  Storage,
} from '../../lib/storage/storage.js'

export type TappedCall = 'append' | 'truncate' | 'readHistory' | 'readSnapshot' | 'installSnapshot'

export class TappedStorage implements Storage {
  protected readonly store: Storage
  readonly #tap: (call: TappedCall) => void

  constructor(store: Storage, tap: (call: TappedCall) => void) {
    this.store = store
    this.#tap = tap
  }

  open(): Promise<Recovered> {
    return this.store.open()
  }
  append(proposals: readonly Proposal[]): Promise<void> {
    this.#tap('append')
    return this.store.append(proposals)
  }
  truncate(after: Zxid): Promise<void> {
    this.#tap('truncate')
    return this.store.truncate(after)
  }
  saveEpochs(epochs: Epochs): Promise<void> {
    return this.store.saveEpochs(epochs)
  }
  checkpoint(changes: ReplicaChanges): Promise<{ readonly base: Zxid }> {
    return this.store.checkpoint(changes)
  }
  readHistory(after: Zxid): AsyncIterable<readonly Proposal[]> {
    this.#tap('readHistory')
    return this.store.readHistory(after)
  }
  readSnapshot(): Promise<SnapshotReader> {
    this.#tap('readSnapshot')
    return this.store.readSnapshot()
  }
  installSnapshot(snapshot: SnapshotHeader): Promise<SnapshotInstaller> {
    this.#tap('installSnapshot')
    return this.store.installSnapshot(snapshot)
  }
  logBytesSinceCheckpoint(): number {
    return this.store.logBytesSinceCheckpoint()
  }
  freeBytes(): Promise<number> {
    return this.store.freeBytes?.() ?? Promise.resolve(Number.POSITIVE_INFINITY)
  }
  close(): Promise<void> {
    return this.store.close()
  }
}
