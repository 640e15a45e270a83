/**
 * What a peer needs of a disk. Two implementations: level/ (two LevelDB databases) and memory/ (durable only as long as the object).
 * test/compliance/storage.ts holds both to this page.
 *
 * - Calls on the log (append, truncate, saveEpochs, installSnapshot … finish) are made one at a time by the host's log writer.
 *   checkpoint, readHistory and readSnapshot may run at the same time as those. A checkpoint that a snapshot overtakes changes nothing.
 * - A promise that resolves means: on disk, synced. One that rejects (ZooKeeperError, code STORAGE_FAILED or DATA_CORRUPT) means that
 *   nobody knows what is there: the store refuses every further write, and only reopening tells (D2, D4).
 * - Bytes and values handed over are not changed afterwards by either side.
 */
import type { StateDigest } from '../model/digest.js'
import type { Epochs, HistorySummary } from '../model/history.js'
import type { PeerId } from '../model/ids.js'
import type { Proposal } from '../model/proposal.js'
import type { ReplicaChanges, ReplicaImage } from '../model/replica-image.js'
import type { Zxid } from '../model/zxid.js'

export interface StorageIdentity {
  /** Name given by the user; the peers of one ensemble share it. */
  readonly ensemble: string
  readonly peer: PeerId
  /** 32 hexadecimal digits, made when this directory was created: tells a wiped disk from the one that voted before. */
  readonly incarnation: string
}

export interface Recovered {
  readonly identity: StorageIdentity
  readonly epochs: Epochs
  /** The tree at the last checkpoint; for a new store the empty tree: no nodes at all, zxid ZERO (the core adds `/` and `/zookeeper`). */
  readonly image: ReplicaImage
  /** The log behind the checkpoint, checksums and chain verified. Not applied yet: some of it may never have been committed. */
  readonly suffix: readonly Proposal[]
  readonly history: HistorySummary
  /** Acknowledged data are lost: what is here is a new beginning, to be filled by the leader before it counts (see beginRepair). */
  readonly damage?: { readonly reason: string } | undefined
  /** Found while opening; `history` says what is left. */
  readonly lostHistory?: LostHistory | undefined
}

/**
 * History behind the checkpoint that turned out to be unreadable, and all before it, is let go, as if retention had: the tree has what it led to, so nothing
 * acknowledged is lost, and only who asks for history from before hears of it (HISTORY_PURGED).
 */
export interface LostHistory {
  /** Where the log begins now. */
  readonly base: Zxid
  readonly reason: string
}

export interface Storage {
  /**
   * Once, before everything else. Rejects with DATA_DIR_LOCKED, DATA_TOO_NEW, DATA_CORRUPT or STORAGE_FAILED, or with
   * ENSEMBLE_MISMATCH when the data belong to another ensemble or peer than the options say.
   */
  open(): Promise<Recovered>
  /**
   * After `open` has rejected with DATA_CORRUPT (or its image has proved false): sets the damaged data aside and begins with an empty log and tree, the
   * epochs kept, marked as damaged. The mark, like the data set aside, lasts over restarts until endRepair. For a member of several: the others have
   * the data. Rejects with DATA_CORRUPT, and has changed nothing, when identity or epochs are in doubt. A store without it is not repaired.
   */
  beginRepair?(damage: unknown): Promise<Recovered>
  /** The leader's history and epoch are durable here: removes the mark for good, and then what was set aside. One of the calls on the log. */
  endRepair?(): Promise<void>
  /** One group commit: the first entry's `previous` is the last entry's zxid (or the chain base). */
  append(proposals: readonly Proposal[]): Promise<void>
  /** Drops every entry behind `after`, which is in the log, or is the chain base. */
  truncate(after: Zxid): Promise<void>
  saveEpochs(epochs: Epochs): Promise<void>
  /** Makes the tree on disk the one at `changes.zxid`, which the log already explains. Resolves with the log's new base. */
  checkpoint(changes: ReplicaChanges): Promise<{ readonly base: Zxid }>
  /**
   * Entries behind `after`, in batches of at most 1000 entries and 256 KiB (a larger entry comes alone), as far as they are durable when
   * reached: an append of meanwhile is seen or not. Never a gap: `after`, or what was read last, below the base is HISTORY_PURGED; cut
   * away and replaced by another branch, HISTORY_CONFLICT; cut away with nothing behind it, the end.
   */
  readHistory(after: Zxid): AsyncIterable<readonly Proposal[]>
  /** `listener` is called when a reader has met unreadable history, before that reader is told HISTORY_PURGED. */
  onHistoryLost?(listener: (lost: LostHistory) => void): void
  /** The last checkpoint, frozen while it is read; when there has been none, zxid ZERO and no chunks. Close it also when not read to the end. */
  readSnapshot(): Promise<SnapshotReader>
  /** Receives a snapshot beside the present tree; `finish` switches to it in one step. */
  installSnapshot(snapshot: SnapshotHeader): Promise<SnapshotInstaller>
  /** Bytes appended to the log since the last checkpoint (0 right after one): the host asks for a checkpoint by this. */
  logBytesSinceCheckpoint(): number
  /** Room that is left where the data lie, for `diskFreeBytesMin`. Left out by a store that has no disk. */
  freeBytes?(): Promise<number>
  /** What is there now, in bytes. Left out by a store that has no disk. */
  sizes?(): Promise<StorageSizes>
  /** Waits for what is under way; idempotent. */
  close(): Promise<void>
}

export interface StorageSizes {
  readonly tree: number
  readonly log: number
}

export interface SnapshotHeader {
  readonly zxid: Zxid
  readonly time: number
  readonly digest: StateDigest
}

export interface SnapshotReader extends SnapshotHeader {
  /** Chunks of at most 256 KiB in the format of docs/format.md; the same for every implementation. */
  readonly chunks: AsyncIterable<Uint8Array>
  close(): Promise<void>
}

export interface SnapshotInstaller {
  write(chunk: Uint8Array): Promise<void>
  /** Switches tree and log over: afterwards the log is empty with base `zxid`. Resolves with the whole new tree, read back. */
  finish(): Promise<ReplicaImage>
  /** Leaves the store as it was. */
  abort(): Promise<void>
}
