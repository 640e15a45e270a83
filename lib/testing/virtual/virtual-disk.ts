/**
 * One machine's disk in a world of real peers: the memory store behind operations that take time, may fail, and are cut short by a crash.
 *
 * Always holds: what a promise resolved for is there for ever; of what was under way at a crash each operation has happened, or not, or
 * (an append) its first part has, as chance will. After an error nobody knows what is there, and nothing more is taken until the disk is
 * opened again (D2, D4). What is damaged is found at the next start, and repaired from the others (D3).
 * Before: virtual-ensemble.ts. After: virtual-storage.ts, for each life of the process, over storage/memory. The core's own depth has simulated-disk.ts.
 */
import { ZooKeeperError } from '../../model/errors.js'
import type { Epochs } from '../../model/history.js'
import type { PeerId } from '../../model/ids.js'
import { ZERO, type Zxid } from '../../model/zxid.js'
import type { LogRetention } from '../../storage/log-retention.js'
import { MemoryStorage } from '../../storage/memory/memory-storage.js'
import type { Recovered, Storage } from '../../storage/storage.js'
import type { SeededRandom } from '../seeded-random.js'
import type { Timeline } from './timeline.js'
import type { VirtualProcess } from './virtual-process.js'
import { VirtualStorage } from './virtual-storage.js'

export interface DiskOptions extends LogRetention {
  readonly ensemble: string
  readonly peer: PeerId
  readonly timeline: Timeline
  readonly random: SeededRandom
  /** Of one operation, drawn anew for each. */
  readonly latencyMs: () => number
  /** For the trace. */
  readonly done: (what: string) => void
}

const PLENTY = 1024 * 1024 * 1024 * 1024
const DAMAGED = 'a record of the log is not what was written'

export class VirtualDisk {
  /** How many times slower than usual it is now. */
  slowness = 1
  /** The next write fails; what it was about is there afterwards, or not, or in part. */
  failNext = false
  /** The next read of history, of a snapshot or at a start fails. */
  failRead = false
  /** Every write fails, and every start, until room is made. */
  full = false
  freeBytes = PLENTY
  /** The end of what is on it for good. */
  durable: Zxid = ZERO
  epochs: Epochs = { accepted: 0, current: 0 }
  readonly #options: DiskOptions
  #incarnation: string
  #store: MemoryStorage
  #handle: VirtualStorage | undefined
  #stuckUntil = 0
  #damage: 'unseen' | 'being repaired' | undefined

  constructor(options: DiskOptions) {
    this.#options = options
    this.#incarnation = newIncarnation(options)
    this.#store = newStore(options, this.#incarnation)
  }

  /** What was acknowledged on it is there; a voter has a history by then (Z29). */
  get whole(): boolean {
    return this.#damage === undefined && this.epochs.current > 0
  }

  /** What is on it is found to be damaged when it is opened next. Not under a running process. */
  corrupt(): void {
    this.#damage = 'unseen'
  }

  /** A new, empty disk in its place. Not under a running process. */
  wipe(): void {
    this.#damage = undefined
    this.epochs = { accepted: 0, current: 0 }
    this.durable = ZERO
    this.#incarnation = newIncarnation(this.#options)
    this.#store = newStore(this.#options, this.#incarnation)
  }

  /** Whatever is asked of it takes so long at least. */
  stall(ms: number): void {
    this.#stuckUntil = this.#options.timeline.now() + ms
  }

  /** It is as fast as ever, also with what it is in the middle of. */
  release(): void {
    this.slowness = 1
    this.#stuckUntil = 0
    this.#handle?.hurry()
  }

  latencyMs(): number {
    const { latencyMs, timeline } = this.#options
    return Math.max(latencyMs() * this.slowness, this.#stuckUntil - timeline.now())
  }

  async open(): Promise<Recovered> {
    const recovered = await this.#store.open()
    this.epochs = recovered.epochs
    if (this.#damage === 'unseen') {
      await this.#store.close()
      throw new ZooKeeperError('DATA_CORRUPT', DAMAGED)
    }
    this.durable = recovered.suffix.at(-1)?.zxid ?? recovered.image.zxid
    return this.#damage === undefined ? recovered : { ...recovered, damage: { reason: DAMAGED } }
  }

  /** Begins anew, with the epochs alone. */
  async beginRepair(): Promise<Recovered> {
    this.#damage = 'being repaired'
    this.#store = newStore(this.#options, this.#incarnation)
    await this.#store.open()
    await this.#store.saveEpochs(this.epochs)
    await this.#store.close()
    return this.open()
  }

  endRepair(): void {
    this.#damage = undefined
  }

  get store(): MemoryStorage {
    return this.#store
  }

  /** For one life of its process. */
  storage(process: VirtualProcess): Storage {
    this.#handle = new VirtualStorage(this, process, this.#options)
    return this.#handle
  }

  /** The process is gone; what was under way happens, or not. The disk can be opened again at once. */
  crash(): void {
    this.#handle?.crash()
    this.#handle = undefined
    void this.#store.close()
  }
}

function newIncarnation({ random }: DiskOptions): string {
  return Buffer.from(random.bytes(16)).toString('hex')
}

function newStore(options: DiskOptions, incarnation: string): MemoryStorage {
  const { ensemble, peer } = options
  const retention = ['logBytesKept', 'logEntriesKept', 'logAgeMsKept', 'logPinnedBytesMax'] as const
  const given = Object.fromEntries(
    retention.filter(name => options[name] !== undefined).map(name => [name, options[name]]),
  )
  return new MemoryStorage({ ensemble, peer, incarnation, ...given })
}
