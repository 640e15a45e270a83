/**
 * A store without a disk: the same contract, durable only as long as the object (`:memory:`, and tests). After close() the same object
 * may be opened again and has everything that was written.
 *
 * Always holds: entries are chained from `base`; `base` ≤ checkpoint ≤ last entry, or the log is empty behind an installed snapshot.
 * Znodes and records are immutable values, so "frozen while it is read" costs a copy of references only.
 */
import { randomBytes } from 'node:crypto'
import { recordLength } from '../../codec/record.js'
import { EMPTY_DIGEST } from '../../model/digest.js'
import { ZooKeeperError } from '../../model/errors.js'
import type { Epochs } from '../../model/history.js'
import type { PeerId, SessionId } from '../../model/ids.js'
import { invariant } from '../../model/invariant.js'
import type { Proposal } from '../../model/proposal.js'
import type { ReplicaChanges, ReplicaImage } from '../../model/replica-image.js'
import type { SessionRecord } from '../../model/session-record.js'
import type { Znode } from '../../model/znode.js'
import { formatZxid, isAfter, isAtMost, sameZxid, ZERO, type Zxid } from '../../model/zxid.js'
import { HistoryRanges } from '../history-ranges.js'
import { DEFAULT_RETENTION, HistoryPins, type LogRetention, mayGo } from '../log-retention.js'
import type {
  Recovered,
  SnapshotHeader,
  SnapshotInstaller,
  SnapshotReader,
  Storage,
  StorageIdentity,
} from '../storage.js'
import { requireBehind, requireChained, requireRising } from '../storage-order.js'
import { chunksOf, SnapshotReceiver } from './memory-snapshot.js'

const BATCH_BYTES = 256 * 1024
const BATCH_ENTRIES = 1000

export interface MemoryStorageOptions extends LogRetention {
  readonly ensemble: string
  readonly peer: PeerId
  /** 32 hexadecimal digits; default: 16 random bytes. */
  readonly incarnation?: string
}

interface Tree extends SnapshotHeader {
  readonly nodes: Map<string, Znode>
  readonly sessions: Map<SessionId, SessionRecord>
}

/** @example const storage = new MemoryStorage({ ensemble: 'demo', peer: 1 as PeerId }) */
export class MemoryStorage implements Storage {
  readonly #identity: StorageIdentity
  readonly #retention: Required<LogRetention>
  readonly #pins = new HistoryPins()
  #open = false
  #epochs: Epochs = { accepted: 0, current: 0 }
  #tree: Tree = { zxid: ZERO, time: 0, digest: EMPTY_DIGEST, nodes: new Map(), sessions: new Map() }
  #base: Zxid = ZERO
  #entries: Proposal[] = []
  /** What each takes in a log; its record itself is made for those who send it. */
  #lengths: number[] = []
  #bytesSinceCheckpoint = 0
  #installing = false

  constructor({ ensemble, peer, incarnation, ...retention }: MemoryStorageOptions) {
    this.#identity = { ensemble, peer, incarnation: incarnation ?? randomBytes(16).toString('hex') }
    this.#retention = { ...DEFAULT_RETENTION, ...retention }
  }

  async open(): Promise<Recovered> {
    if (this.#open) throw new ZooKeeperError('DATA_DIR_LOCKED', 'this memory store is open already')
    this.#open = true
    this.#installing = false
    const ranges = new HistoryRanges(this.#base)
    for (const { zxid } of this.#entries) ranges.add(zxid)
    return {
      identity: this.#identity,
      epochs: this.#epochs,
      image: imageOf(this.#tree),
      suffix: this.#entries.filter(entry => isAfter(entry.zxid, this.#tree.zxid)),
      history: ranges.summary(),
    }
  }

  async append(proposals: readonly Proposal[]): Promise<void> {
    this.#requireOpen()
    requireChained(this.#last(), proposals)
    for (const proposal of proposals) {
      this.#entries.push(proposal)
      const length = recordLength(proposal)
      this.#lengths.push(length)
      this.#bytesSinceCheckpoint += length
    }
  }

  async truncate(after: Zxid): Promise<void> {
    this.#requireOpen()
    requireBehind(this.#tree.zxid, after)
    const kept = this.#positionBehind(after)
    this.#entries.length = kept
    this.#lengths.length = kept
  }

  async saveEpochs(epochs: Epochs): Promise<void> {
    this.#requireOpen()
    requireRising(this.#epochs, epochs)
    const { accepted, current, origin } = epochs
    this.#epochs = { accepted, current, ...(origin ? { origin } : {}) }
  }

  async checkpoint(changes: ReplicaChanges): Promise<{ readonly base: Zxid }> {
    this.#requireOpen()
    // Of the tree before an installed snapshot.
    if (isAfter(this.#tree.zxid, changes.zxid)) return { base: this.#base }
    invariant(
      isAtMost(changes.zxid, this.#last()),
      `Z30: checkpoint at ${formatZxid(changes.zxid)} is ahead of the log`,
    )
    const { zxid, time, digest } = changes
    const { nodes, sessions } = this.#tree
    applyChanges(nodes, changes.nodes)
    applyChanges(sessions, changes.sessions)
    this.#tree = { zxid, time, digest, nodes, sessions }
    this.#bytesSinceCheckpoint = 0
    this.#purge()
    return { base: this.#base }
  }

  async *readHistory(after: Zxid): AsyncIterable<readonly Proposal[]> {
    this.#requireOpen()
    const pin = this.#pins.pin(after)
    try {
      for (;;) {
        const last = pin.at
        if (isAfter(this.#base, last)) throw purged(last, this.#base)
        if (!this.#holds(last)) {
          if (isAfter(last, this.#last())) return
          throw new ZooKeeperError('HISTORY_CONFLICT', `${formatZxid(last)} is not in this log`)
        }
        const batch: Proposal[] = []
        let bytes = 0
        for (let at = this.#positionBehind(last); at < this.#entries.length && batch.length < BATCH_ENTRIES; at++) {
          const entry = this.#entries[at]!
          bytes += this.#lengths[at]!
          if (bytes > BATCH_BYTES && batch.length > 0) break
          batch.push(entry)
        }
        if (batch.length === 0) return
        yield batch
        pin.at = batch.at(-1)!.zxid
        this.#requireOpen()
      }
    } finally {
      this.#pins.release(pin)
    }
  }

  async readSnapshot(): Promise<SnapshotReader> {
    this.#requireOpen()
    const { zxid, time, digest, nodes, sessions } = this.#tree
    return { zxid, time, digest, chunks: chunksOf([...nodes], [...sessions.values()]), close: async () => {} }
  }

  async installSnapshot({ zxid, time, digest }: SnapshotHeader): Promise<SnapshotInstaller> {
    this.#requireOpen()
    invariant(!this.#installing, 'a snapshot is being installed already')
    this.#installing = true
    const received = new SnapshotReceiver()
    return {
      write: async chunk => {
        this.#requireOpen()
        received.write(chunk)
      },
      finish: async () => {
        this.#requireOpen()
        this.#installing = false
        this.#tree = { zxid, time, digest, nodes: received.nodes, sessions: received.sessions }
        this.#base = zxid
        this.#entries = []
        this.#lengths = []
        this.#bytesSinceCheckpoint = 0
        return imageOf(this.#tree)
      },
      abort: async () => {
        this.#installing = false
      },
    }
  }

  logBytesSinceCheckpoint(): number {
    return this.#bytesSinceCheckpoint
  }

  async close(): Promise<void> {
    this.#open = false
  }

  #last(): Zxid {
    return this.#entries.at(-1)?.zxid ?? this.#base
  }

  #holds(zxid: Zxid): boolean {
    const at = this.#firstBehind(zxid)
    return sameZxid(at === 0 ? this.#base : this.#entries[at - 1]!.zxid, zxid)
  }

  /** Where the entry after `zxid` is; `zxid` itself must be in the log or its base. */
  #positionBehind(zxid: Zxid): number {
    invariant(this.#holds(zxid), `${formatZxid(zxid)} is not in the log`)
    return this.#firstBehind(zxid)
  }

  #firstBehind(zxid: Zxid): number {
    let low = 0
    let high = this.#entries.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (isAfter(this.#entries[middle]!.zxid, zxid)) high = middle
      else low = middle + 1
    }
    return low
  }

  #purge(): void {
    const behind = this.#entries.slice(0, this.#firstBehind(this.#tree.zxid))
    const bytes = behind.reduce((sum, _, at) => sum + this.#lengths[at]!, 0)
    const kept = { bytes, entries: behind.length }
    let at = 0
    for (const entry of behind) {
      const piece = { last: entry.zxid, time: entry.time }
      if (!mayGo(piece, kept, this.#tree.time, this.#retention, this.#pins)) break
      kept.bytes -= this.#lengths[at]!
      kept.entries--
      at++
    }
    if (at === 0) return
    this.#base = this.#entries[at - 1]!.zxid
    this.#entries = this.#entries.slice(at)
    this.#lengths = this.#lengths.slice(at)
  }

  #requireOpen(): void {
    if (!this.#open) throw new ZooKeeperError('CLOSED', 'the store is closed')
  }
}

function imageOf({ zxid, time, digest, nodes, sessions }: Tree): ReplicaImage {
  return { zxid, time, digest, nodes: [...nodes], sessions: [...sessions.values()] }
}

function applyChanges<K, V>(to: Map<K, V>, changes: ReadonlyMap<K, V | undefined>): void {
  for (const [key, value] of changes) {
    if (value === undefined) to.delete(key)
    else to.set(key, value)
  }
}

function purged(after: Zxid, base: Zxid): ZooKeeperError {
  return new ZooKeeperError(
    'HISTORY_PURGED',
    `history behind ${formatZxid(after)} is gone: the log begins at ${formatZxid(base)}`,
  )
}
