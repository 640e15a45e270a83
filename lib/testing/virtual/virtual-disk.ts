/**
 * One machine's disk in a world of real peers, and the Storage that a process has of it: the memory store behind syncs that take time,
 * may fail, and are cut short by a crash.
 *
 * Always holds: what a promise resolved for is there for ever; of what was under way at a crash each operation has happened, or not, or
 * (an append) its first part has, as chance will; a process that is gone changes nothing any more. After an error nobody knows what is
 * there, and nothing more is taken until the disk is opened again (D2, D4).
 * Before: virtual-ensemble.ts. After: storage/memory. The core's own depth has simulated-disk.ts.
 */
import { ZooKeeperError } from '../../model/errors.js'
import type { Epochs } from '../../model/history.js'
import type { PeerId } from '../../model/ids.js'
import type { Proposal } from '../../model/proposal.js'
import type { ReplicaChanges, ReplicaImage } from '../../model/replica-image.js'
import { ZERO, type Zxid } from '../../model/zxid.js'
import type { LogRetention } from '../../storage/log-retention.js'
import { MemoryStorage } from '../../storage/memory/memory-storage.js'
import type { Recovered, SnapshotHeader, SnapshotInstaller, SnapshotReader, Storage } from '../../storage/storage.js'
import type { SeededRandom } from '../seeded-random.js'
import type { Timeline } from './timeline.js'
import type { VirtualProcess } from './virtual-process.js'

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

/** Something that waits for the disk. */
interface Operation {
  readonly what: string
  /** What the disk does, whole. */
  readonly perform: () => Promise<unknown>
  /** What a crash may leave of it instead. */
  readonly performPart: (() => Promise<unknown>) | undefined
  readonly reject: (error: ZooKeeperError) => void
  readonly cancel: () => void
  /** The disk has done it, and the process has not heard of it yet. */
  happened: boolean
}

const PLENTY = 1024 * 1024 * 1024 * 1024

export class VirtualDisk {
  /** How many times slower than usual it is now. */
  slowness = 1
  /** The next operation fails. */
  failNext = false
  freeBytes = PLENTY
  /** The end of what is on it for good. */
  durable: Zxid = ZERO
  readonly #options: DiskOptions
  readonly #store: MemoryStorage
  #handle: VirtualStorage | undefined

  constructor(options: DiskOptions) {
    this.#options = options
    const { ensemble, peer, random } = options
    const incarnation = Buffer.from(random.bytes(16)).toString('hex')
    const retention = ['logBytesKept', 'logEntriesKept', 'logAgeMsKept', 'logPinnedBytesMax'] as const
    const given = Object.fromEntries(
      retention.filter(name => options[name] !== undefined).map(name => [name, options[name]]),
    )
    this.#store = new MemoryStorage({ ensemble, peer, incarnation, ...given })
  }

  /** For one life of its process. */
  storage(process: VirtualProcess): Storage {
    this.#handle = new VirtualStorage(this, this.#store, process, this.#options)
    return this.#handle
  }

  /** The process is gone; what was under way happens, or not. The disk can be opened again at once. */
  crash(): void {
    this.#handle?.crash()
    this.#handle = undefined
    void this.#store.close()
  }
}

class VirtualStorage implements Storage {
  readonly #disk: VirtualDisk
  readonly #store: MemoryStorage
  readonly #process: VirtualProcess
  readonly #options: DiskOptions
  readonly #underWay = new Set<Operation>()
  #idle: (() => void)[] = []
  #failed: ZooKeeperError | undefined
  #gone = false

  constructor(disk: VirtualDisk, store: MemoryStorage, process: VirtualProcess, options: DiskOptions) {
    this.#disk = disk
    this.#store = store
    this.#process = process
    this.#options = options
  }

  open(): Promise<Recovered> {
    return this.#later('open', async () => {
      const recovered = await this.#store.open()
      this.#disk.durable = recovered.suffix.at(-1)?.zxid ?? recovered.image.zxid
      return recovered
    })
  }
  append(proposals: readonly Proposal[]): Promise<void> {
    return this.#write(
      `append ${proposals.length}`,
      () => {
        this.#disk.durable = proposals.at(-1)!.zxid
        return this.#store.append(proposals)
      },
      () => this.#store.append(proposals.slice(0, this.#options.random.below(proposals.length + 1))),
    )
  }
  truncate(after: Zxid): Promise<void> {
    return this.#write('truncate', () => {
      this.#disk.durable = after
      return this.#store.truncate(after)
    })
  }
  saveEpochs(epochs: Epochs): Promise<void> {
    return this.#write('saveEpochs', () => this.#store.saveEpochs(epochs))
  }
  checkpoint(changes: ReplicaChanges): Promise<{ readonly base: Zxid }> {
    return this.#write('checkpoint', () => this.#store.checkpoint(changes))
  }

  async *readHistory(after: Zxid): AsyncIterable<readonly Proposal[]> {
    for await (const batch of this.#store.readHistory(after)) {
      await this.#later('read', async () => undefined)
      yield batch
    }
  }

  async readSnapshot(): Promise<SnapshotReader> {
    const reader = await this.#later('readSnapshot', () => this.#store.readSnapshot())
    const later = (): Promise<undefined> => this.#later('read', async () => undefined)
    return {
      zxid: reader.zxid,
      time: reader.time,
      digest: reader.digest,
      chunks: (async function* () {
        for await (const chunk of reader.chunks) {
          await later()
          yield chunk
        }
      })(),
      close: () => reader.close(),
    }
  }

  async installSnapshot(snapshot: SnapshotHeader): Promise<SnapshotInstaller> {
    const installer = await this.#write('installSnapshot', () => this.#store.installSnapshot(snapshot))
    return {
      write: chunk => this.#write('snapshotChunk', () => installer.write(chunk)),
      finish: () =>
        this.#write<ReplicaImage>('finishSnapshot', () => {
          this.#disk.durable = snapshot.zxid
          return installer.finish()
        }),
      abort: () => installer.abort(),
    }
  }

  logBytesSinceCheckpoint(): number {
    return this.#store.logBytesSinceCheckpoint()
  }

  freeBytes(): Promise<number> {
    return this.#later('freeBytes', async () => this.#disk.freeBytes)
  }

  async close(): Promise<void> {
    if (this.#gone) return
    while (this.#underWay.size > 0) await new Promise<void>(resolve => this.#idle.push(resolve))
    this.#gone = true
    await this.#store.close()
  }

  crash(): void {
    this.#gone = true
    const { random } = this.#options
    const error = new ZooKeeperError('CLOSED', 'the process of this store is gone')
    for (const { perform, performPart, reject, cancel, happened } of this.#underWay) {
      cancel()
      const left = happened ? 2 : random.below(3)
      if (left === 0) perform().catch(() => undefined)
      else if (left === 1) performPart?.().catch(() => undefined)
      reject(error)
    }
    this.#underWay.clear()
    this.#settled()
  }

  /** Like `#later`, and the end of all writing if it fails. */
  #write<T>(what: string, perform: () => Promise<T>, performPart?: () => Promise<unknown>): Promise<T> {
    if (this.#failed !== undefined) return Promise.reject(this.#failed)
    return this.#later(what, perform, performPart, true)
  }

  #later<T>(what: string, perform: () => Promise<T>, performPart?: () => Promise<unknown>, writes = false): Promise<T> {
    if (this.#gone) return Promise.reject(new ZooKeeperError('CLOSED', 'the store is closed'))
    const { timeline, latencyMs, random, done } = this.#options
    return new Promise<T>((resolve, reject) => {
      // A process that stands still hears of it later.
      const enter = (settle: () => void): void =>
        this.#process.enter(() => {
          this.#underWay.delete(operation)
          settle()
          this.#settled()
        })
      const cancel = timeline.after(latencyMs() * this.#disk.slowness, () => {
        operation.happened = true
        if (writes && this.#disk.failNext) {
          this.#disk.failNext = false
          const failed = new ZooKeeperError('STORAGE_FAILED', `${what}: the disk does not write any more`)
          this.#failed = failed
          if (random.chance(0.5)) perform().catch(() => undefined)
          done(`${what} fails`)
          enter(() => reject(failed))
          return
        }
        done(what)
        perform().then(
          value => enter(() => resolve(value)),
          error => enter(() => reject(error)),
        )
      })
      const operation: Operation = { what, perform, performPart, reject, cancel, happened: false }
      this.#underWay.add(operation)
    })
  }

  #settled(): void {
    if (this.#underWay.size > 0) return
    for (const resolve of this.#idle.splice(0)) resolve()
  }
}
