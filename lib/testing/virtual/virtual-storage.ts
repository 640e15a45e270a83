/**
 * The Storage that one life of a process has of its machine's disk (virtual-disk.ts): every operation takes its time, may fail, and is cut short by a
 * crash.
 *
 * Always holds: a promise resolves only after the disk has done what it is about; after an error nothing more is taken (D2); a process that
 * stands still hears of nothing, and one that is gone changes nothing any more.
 */
import { ZooKeeperError } from '../../model/errors.js'
import type { Epochs } from '../../model/history.js'
import type { Proposal } from '../../model/proposal.js'
import type { ReplicaChanges, ReplicaImage } from '../../model/replica-image.js'
import type { Zxid } from '../../model/zxid.js'
import type { Recovered, SnapshotHeader, SnapshotInstaller, SnapshotReader, Storage } from '../../storage/storage.js'
import type { DiskOptions, VirtualDisk } from './virtual-disk.js'
import type { VirtualProcess } from './virtual-process.js'

/** Something that waits for the disk. */
interface Operation {
  readonly what: string
  /** What the disk does, whole. */
  readonly perform: () => Promise<unknown>
  /** What a crash may leave of it instead. */
  readonly performPart: (() => Promise<unknown>) | undefined
  readonly reject: (error: ZooKeeperError) => void
  /** The disk begins to do it, or begins again: it takes what the disk takes now. */
  readonly begin: () => void
  readonly cancel: () => void
  /** The disk has done it, and the process has not heard of it yet. */
  happened: boolean
}

export class VirtualStorage implements Storage {
  readonly #disk: VirtualDisk
  readonly #process: VirtualProcess
  readonly #options: DiskOptions
  readonly #underWay = new Set<Operation>()
  #idle: (() => void)[] = []
  #failed: ZooKeeperError | undefined
  #gone = false

  constructor(disk: VirtualDisk, process: VirtualProcess, options: DiskOptions) {
    this.#disk = disk
    this.#process = process
    this.#options = options
  }

  open(): Promise<Recovered> {
    return this.#read('open', () => {
      if (this.#disk.full) throw new ZooKeeperError('STORAGE_FAILED', 'open: there is no room on the disk')
      return this.#disk.open()
    })
  }
  beginRepair(): Promise<Recovered> {
    // After a crash the damage is found anew.
    return this.#later('beginRepair', async () => (this.#gone ? Promise.reject(gone()) : this.#disk.beginRepair()))
  }
  endRepair(): Promise<void> {
    return this.#write('endRepair', async () => this.#disk.endRepair())
  }
  append(proposals: readonly Proposal[]): Promise<void> {
    return this.#write(
      `append ${proposals.length}`,
      () => {
        this.#disk.durable = proposals.at(-1)!.zxid
        return this.#disk.store.append(proposals)
      },
      () => this.#disk.store.append(proposals.slice(0, this.#options.random.below(proposals.length + 1))),
    )
  }
  truncate(after: Zxid): Promise<void> {
    return this.#write('truncate', () => {
      this.#disk.durable = after
      return this.#disk.store.truncate(after)
    })
  }
  saveEpochs(epochs: Epochs): Promise<void> {
    return this.#write('saveEpochs', () => {
      this.#disk.epochs = epochs
      return this.#disk.store.saveEpochs(epochs)
    })
  }
  checkpoint(changes: ReplicaChanges): Promise<{ readonly base: Zxid }> {
    return this.#write('checkpoint', () => this.#disk.store.checkpoint(changes))
  }

  async *readHistory(after: Zxid): AsyncIterable<readonly Proposal[]> {
    for await (const batch of this.#disk.store.readHistory(after)) {
      await this.#read('read', async () => undefined)
      yield batch
    }
  }

  async readSnapshot(): Promise<SnapshotReader> {
    const reader = await this.#read('readSnapshot', () => this.#disk.store.readSnapshot())
    const later = (): Promise<undefined> => this.#read('read', async () => undefined)
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
    const installer = await this.#write('installSnapshot', () => this.#disk.store.installSnapshot(snapshot))
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
    return this.#disk.store.logBytesSinceCheckpoint()
  }

  freeBytes(): Promise<number> {
    return this.#later('freeBytes', async () => this.#disk.freeBytes)
  }

  async close(): Promise<void> {
    if (this.#gone) return
    while (this.#underWay.size > 0) await new Promise<void>(resolve => this.#idle.push(resolve))
    this.#gone = true
    await this.#disk.store.close()
  }

  /** What is under way begins again, in its order. */
  hurry(): void {
    for (const { begin, cancel, happened } of this.#underWay) {
      if (happened) continue
      cancel()
      begin()
    }
  }

  crash(): void {
    this.#gone = true
    const { random } = this.#options
    const error = gone()
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

  #read<T>(what: string, perform: () => Promise<T>): Promise<T> {
    return this.#later(what, async () => {
      if (!this.#disk.failRead) return perform()
      this.#disk.failRead = false
      throw new ZooKeeperError('STORAGE_FAILED', `${what}: the disk does not read`)
    })
  }

  #later<T>(what: string, perform: () => Promise<T>, performPart?: () => Promise<unknown>, writes = false): Promise<T> {
    if (this.#gone) return Promise.reject(new ZooKeeperError('CLOSED', 'the store is closed'))
    const { timeline, random, done } = this.#options
    return new Promise<T>((resolve, reject) => {
      // A process that stands still hears of it later.
      const enter = (settle: () => void): void =>
        this.#process.enter(() => {
          this.#underWay.delete(operation)
          settle()
          this.#settled()
        })
      const work = (): void => {
        operation.happened = true
        if (writes && (this.#disk.failNext || this.#disk.full)) {
          this.#disk.failNext = false
          const failed = new ZooKeeperError('STORAGE_FAILED', `${what}: the disk does not write any more`)
          this.#failed = failed
          const left = random.below(3)
          if (left === 0) perform().catch(() => undefined)
          else if (left === 1) performPart?.().catch(() => undefined)
          done(`${what} fails`)
          enter(() => reject(failed))
          return
        }
        done(what)
        perform().then(
          value => enter(() => resolve(value)),
          error => enter(() => reject(error)),
        )
      }
      let stop = (): void => undefined
      const begin = (): void => {
        stop = timeline.after(this.#disk.latencyMs(), work)
      }
      const cancel = (): void => stop()
      const operation: Operation = { what, perform, performPart, reject, begin, cancel, happened: false }
      begin()
      this.#underWay.add(operation)
    })
  }

  #settled(): void {
    if (this.#underWay.size > 0) return
    for (const resolve of this.#idle.splice(0)) resolve()
  }
}

function gone(): ZooKeeperError {
  return new ZooKeeperError('CLOSED', 'the process of this store is gone')
}
