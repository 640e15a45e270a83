/**
 * Storage on disk: the directory, the log, the tree, the durable mark, put together. docs/format.md has every byte.
 *
 * Nothing is atomic across log/ and tree/; instead the tree is never newer than what its own log explains (Z30), or brings a new
 * generation with it. What open() makes of each pair of states, G and B being generation and chain base of the checkpoint record, C its
 * zxid, and log entries meant in generation G:
 *
 * | tree                           | log                                   | result                                              |
 * | ------------------------------ | ------------------------------------- | --------------------------------------------------- |
 * | checkpoint at C                | base ≤ C ≤ last ≥ mark                | the tree, entries behind C as suffix                |
 * | checkpoint at C                | broken, good up to last ≥ C and mark  | torn: cut behind last                               |
 * | checkpoint at C                | breaks before C, goes on before C     | history shortened: the base moves to where it goes on |
 * | checkpoint at C                | ends before C or the mark, or breaks  | DATA_CORRUPT: acknowledged entries are lost         |
 * |                                | and goes on behind C only             |                                                     |
 * | checkpoint at C                | base > C                              | DATA_CORRUPT: the checkpoint is lost                |
 * | journal begun, record not      | whatever it was                       | the checkpoint before; the journal is cleared       |
 * | record names a journal         | whatever it was                       | carried over first, then as above                   |
 * | entries of G + 1, record not   | whatever it was                       | snapshot given up: cleared                          |
 * | any, packing broken off        | any                                   | as if it had not begun, or had ended: each step is one batch |
 * | switched to G, zxid C = B      | base record of G − 1, entries of G − 1 | the snapshot, empty log at B; the old log is cleared |
 * | switched to G                  | of G, mark of G − 1                   | the snapshot and its log; the mark is void          |
 * | G                              | base record or mark of a later one    | DATA_CORRUPT: the installed snapshot is lost        |
 * | missing, or another's          | any                                   | DATA_CORRUPT (D8)                                   |
 * | any                            | missing, or another's                 | DATA_CORRUPT (D8)                                   |
 * | damaged/ without its `ready`   | whatever it was                       | DATA_CORRUPT: to be begun again by beginRepair      |
 * | damaged/ with its `ready`      | as any of the above                   | as above, and reported as damaged                   |
 * | discarded/                     | as any of the above                   | as above: whole; it is deleted                      |
 *
 * DATA_CORRUPT is the last word for a peer alone. One of several calls beginRepair (damaged-data.ts): identity and epochs are kept, the rest is set
 * aside. The epochs come from the durable mark, which has every promise before it is given, and of which both slots must be intact for that.
 *
 * Enumerated by test/unit/storage/level/crash-pairs.test.ts, the last three by crash-repair.test.ts; crash-table.test.ts kills before each write and goes on.
 * Calls on the tree pass a turnstile one by one; the first failure anywhere stops everything (fail-stop.ts).
 */
import { randomBytes } from 'node:crypto'
import { readdir, readFile, realpath, statfs } from 'node:fs/promises'
import path from 'node:path'
import { EMPTY_DIGEST } from '../../model/digest.js'
import { ZooKeeperError } from '../../model/errors.js'
import type { Epochs } from '../../model/history.js'
import type { PeerId } from '../../model/ids.js'
import { invariant } from '../../model/invariant.js'
import type { Proposal } from '../../model/proposal.js'
import type { ReplicaChanges } from '../../model/replica-image.js'
import { formatZxid, isAfter, isAtMost, sameZxid, ZERO, type Zxid } from '../../model/zxid.js'
import { DEFAULT_RETENTION, type LogRetention } from '../log-retention.js'
import type {
  LostHistory,
  Recovered,
  SnapshotHeader,
  SnapshotInstaller,
  SnapshotReader,
  Storage,
  StorageIdentity,
  StorageSizes,
} from '../storage.js'
import { requireBehind, requireRising } from '../storage-order.js'
import { checkpointOperation } from './checkpoint-record.js'
import {
  beginSettingAside,
  clearDiscarded,
  endSettingAside,
  findDamagedData,
  forgetDamage,
  setAside,
} from './damaged-data.js'
import { DataDirectory, takeLock } from './data-directory.js'
import {
  clearSlowly,
  type Database,
  ForeignDatabase,
  labelOf,
  openDatabase,
  requireLabel,
  WHAT_TO_DO,
  writeBatch,
} from './database.js'
import { directorySize } from './directory-size.js'
import { DurableMark } from './durable-mark.js'
import { epochsRecord, loadEpochs, saveEpochs } from './epoch-store.js'
import { asStorageError, FailStop, reasonOf } from './fail-stop.js'
import { decodeIdentity } from './identity.js'
import { baseRecord, LogStore } from './log-store.js'
import { TreeStore } from './tree-store.js'

export interface LevelStorageOptions extends LogRetention {
  /** Made if it does not exist; its mode becomes 0700. One peer's, and nothing else's. */
  readonly dataDir: string
  readonly ensemble: string
  readonly peer: PeerId
  /** After so many bytes LevelDB begins a new write-ahead file. Default 4 MiB. */
  readonly writeBufferBytes?: number
  /** So many bytes of znodes changed one by one are worth packing again, in the background. Default 8 MiB. */
  readonly packBytes?: number
  /** Monotonic milliseconds, by which long work is cut into slices of 4 ms. Left out: by numbers of entries and bytes alone. */
  readonly now?: () => number
}

interface Parts {
  readonly directory: DataDirectory
  readonly treeDatabase: Database
  readonly mark: DurableMark
  readonly log: LogStore
  readonly tree: TreeStore
}

/**
 * @example
 * const storage = new LevelStorage({ dataDir: '/var/lib/vivarium', ensemble: 'prod', peer: 1 as PeerId })
 * const { image, suffix } = await storage.open()
 */
export class LevelStorage implements Storage {
  readonly #options: LevelStorageOptions
  /** Where this store was made: for the message of DATA_DIR_LOCKED. */
  readonly #opener: string
  #failStop = new FailStop()
  readonly #underWay = new Set<Promise<unknown>>()
  #state: 'new' | 'opening' | 'open' | 'closed' = 'new'
  #parts: Parts | undefined
  #epochs: Epochs = { accepted: 0, current: 0 }
  /** Calls on the tree pass one by one. */
  #turnstile: Promise<unknown> = Promise.resolve()
  #clearing: Promise<void> = Promise.resolve()
  #receiving = false
  #closing: Promise<void> | undefined

  constructor(options: LevelStorageOptions) {
    this.#options = options
    this.#opener = callerOf(new Error('opened here'))
  }

  async open(): Promise<Recovered> {
    invariant(this.#state === 'new', 'a LevelStorage is opened once')
    this.#state = 'opening'
    const opening = this.#failStop.run(`opening ${this.#options.dataDir}`, () => this.#recover())
    const recovered = await this.#track(opening)
    this.#clearVoid()
    return recovered
  }

  async beginRepair(damage: unknown): Promise<Recovered> {
    invariant(this.#state !== 'new' && this.#state !== 'closed', 'only what was opened has been found damaged')
    if (damage instanceof ForeignDatabase) throw damage
    await this.#letGo()
    this.#failStop = new FailStop()
    this.#state = 'opening'
    const { dataDir } = this.#options
    // Whose data these are is in doubt: what opening said of it stands.
    const names = await readdir(dataDir)
    if (!names.includes('identity') || !names.includes('mark')) throw damage
    const work = () => this.#replaceDamaged(reasonOf(damage))
    return this.#track(this.#failStop.run(`setting the damaged data of ${dataDir} aside`, work))
  }

  endRepair(): Promise<void> {
    return this.#perform('ending the repair', async ({ directory }) => {
      await forgetDamage(directory.location)
      this.#clearVoid()
    })
  }

  append(proposals: readonly Proposal[]): Promise<void> {
    return this.#perform('appending to the log', ({ log }) => log.append(proposals))
  }

  truncate(after: Zxid): Promise<void> {
    return this.#perform('cutting the log', async ({ log, tree }) => {
      requireBehind(tree.checkpoint.zxid, after)
      await log.truncate(after)
    })
  }

  saveEpochs(epochs: Epochs): Promise<void> {
    return this.#perform('saving the epochs', async ({ directory, mark }) => {
      requireRising(this.#epochs, epochs)
      await saveEpochs(directory.log, epochs)
      this.#epochs = epochs
      // A promise outlives the log it is written in: it is in the mark, too, before it is given.
      mark.advance({ epochs: this.#epochs })
      await mark.flush()
    })
  }

  checkpoint(changes: ReplicaChanges): Promise<{ readonly base: Zxid }> {
    return this.#perform('writing a checkpoint', async ({ log, tree }) => {
      const { zxid } = changes
      const { generation } = tree.checkpoint
      const pending = log.bytesSinceCheckpoint
      invariant(isAtMost(zxid, log.last), `Z30: checkpoint at ${formatZxid(zxid)} is ahead of the log`)
      await this.#inTurn(async () => {
        // A snapshot has been switched to since: these changes are of the tree before.
        if (tree.checkpoint.generation !== generation || isAfter(tree.checkpoint.zxid, zxid)) return
        // An idle tree costs nothing.
        if (sameZxid(tree.checkpoint.zxid, zxid) && changes.nodes.size + changes.sessions.size === 0) return
        await tree.write(changes)
        await log.checkpointed(changes, pending, { ...DEFAULT_RETENTION, ...this.#options })
      })
      this.#clearVoid(true)
      return { base: log.base }
    })
  }

  async *readHistory(after: Zxid): AsyncIterable<readonly Proposal[]> {
    const entries = this.#requireOpen().log.read(after)
    try {
      for (;;) {
        this.#requireOpen()
        const { done, value } = await this.#read('reading the log', () => entries.next())
        if (done) return
        yield value
      }
    } finally {
      await entries.return()
    }
  }

  onHistoryLost(listener: (lost: LostHistory) => void): void {
    this.#requireOpen().log.onHistoryLost(listener)
  }

  readSnapshot(): Promise<SnapshotReader> {
    return this.#perform('reading the tree', ({ tree }) =>
      this.#inTurn(async () => {
        const { header, chunks, close } = tree.freeze()
        return { ...header, chunks: this.#guarded(chunks), close }
      }),
    )
  }

  installSnapshot(header: SnapshotHeader): Promise<SnapshotInstaller> {
    return this.#perform('receiving a snapshot', async ({ treeDatabase, log, tree }) => {
      invariant(!this.#receiving, 'a snapshot is being received already')
      this.#receiving = true
      // Nothing of a snapshot that was given up may be left where this one goes.
      await this.#clearing
      await clearSlowly(treeDatabase, tree.voidRanges(), () => false)
      this.#failStop.check()
      const received = tree.receive()
      return {
        write: async chunk => {
          this.#requireOpen()
          const operations = await received.take(chunk)
          await this.#perform('receiving a snapshot', () => tree.writeReceived(operations))
        },
        finish: () =>
          this.#perform('switching to a snapshot', async () => {
            const image = await tree.loadReceived(header, received)
            await this.#inTurn(async () => {
              await tree.switchOver(header, received)
              await log.restart(tree.checkpoint.generation, header.zxid)
            })
            this.#receiving = false
            this.#clearVoid()
            return image
          }),
        abort: async () => {
          this.#receiving = false
          if (this.#state === 'open' && !this.#failStop.failed) this.#clearVoid()
        },
      }
    })
  }

  logBytesSinceCheckpoint(): number {
    return this.#parts?.log.bytesSinceCheckpoint ?? 0
  }

  /** What an ordinary user may still take: what is reserved for root is not ours. */
  async freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(this.#options.dataDir)
    return bavail * bsize
  }

  async sizes(): Promise<StorageSizes> {
    const [tree, log] = await Promise.all(
      ['tree', 'log'].map(name => directorySize(path.join(this.#options.dataDir, name))),
    )
    return { tree: tree!, log: log! }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#state = 'closed'
    try {
      await this.#letGo()
    } catch (error) {
      throw asStorageError(`closing ${this.#options.dataDir}`, error)
    }
  }

  async #letGo(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay)
    await this.#clearing
    const parts = this.#parts
    if (parts === undefined) return
    this.#parts = undefined
    await closeAll([() => parts.mark.close(), () => parts.treeDatabase.close(), () => parts.directory.release()])
  }

  async #recover(): Promise<Recovered> {
    const damaged = await damageIn(this.#options.dataDir)
    if (damaged?.ready === false) {
      const why = `its data were found damaged (${damaged.reason}), and nothing has been put in their place yet`
      throw new ZooKeeperError('DATA_CORRUPT', `${this.#options.dataDir}: ${why}. ${WHAT_TO_DO}`)
    }
    const directory = await DataDirectory.take(this.#options.dataDir, this.#opener, this.#options.writeBufferBytes)
    const undo: (() => Promise<void>)[] = [() => directory.release()]
    try {
      const treeDatabase = await directory.openTree()
      undo.unshift(() => treeDatabase.close())
      const identity = directory.identity ?? (await this.#firstStart(directory, treeDatabase))
      await directory.settle()
      this.#requireOwn(identity)
      await requireLabel(directory.log, identity.incarnation, 'log')
      await requireLabel(treeDatabase, identity.incarnation, 'tree')
      const mark = await DurableMark.open(directory.file('mark'), this.#failStop)
      undo.unshift(() => mark.close())
      this.#epochs = await loadEpochs(directory.log, mark.value.epochs)
      const tree = await TreeStore.open(treeDatabase, this.#options)
      const { log, scanned } = await LogStore.open(directory.log, mark, tree.checkpoint)
      const image = await tree.load()
      mark.advance({ epochs: this.#epochs })
      this.#parts = { directory, treeDatabase, mark, log, tree }
      // Closed while opening: close() waits for this and finds the parts.
      if (this.#state === 'opening') this.#state = 'open'
      const { suffix, history, lost: lostHistory } = scanned
      const damage = damaged === undefined ? undefined : { reason: damaged.reason }
      return {
        ...{ identity, epochs: this.#epochs, image, suffix, history },
        ...(damage === undefined ? {} : { damage }),
        ...(lostHistory === undefined ? {} : { lostHistory }),
      }
    } catch (error) {
      await closeAll(undo).catch(() => {})
      throw error
    }
  }

  /** Also begins again where an earlier first start broke off: nothing was promised before its end. */
  async #firstStart(directory: DataDirectory, treeDatabase: Database): Promise<StorageIdentity> {
    const { ensemble, peer } = this.#options
    const incarnation = randomBytes(16).toString('hex')
    const epochs = { accepted: 0, current: 0 }
    const { log } = directory
    await log.clear()
    await treeDatabase.clear()
    await writeFirstRecords(log, treeDatabase, incarnation, epochs)
    await DurableMark.create(directory.file('mark'), { generation: 1, zxid: ZERO, epochs })
    await directory.complete({ ensemble, peer, incarnation })
    return { ensemble, peer, incarnation }
  }

  /** In this order, so that it can be begun again wherever it breaks off: not whole any more; both away; both new; the mark; ready. */
  async #replaceDamaged(reason: string): Promise<Recovered> {
    const location = await realpath(this.#options.dataDir)
    const lock = await takeLock(location)
    const undo: (() => Promise<void>)[] = [() => lock.release()]
    try {
      const file = path.join(location, 'identity')
      const identity = decodeIdentity(await readFile(file), file)
      this.#requireOwn(identity)
      const mark = await DurableMark.open(path.join(location, 'mark'), this.#failStop)
      undo.unshift(() => mark.close())
      const { epochs } = mark.value
      if (!mark.intact) {
        const why = `${reason} Besides, one half of the durable mark is damaged, so the epochs are in doubt`
        throw new ZooKeeperError('DATA_CORRUPT', `${location}: ${why}. ${WHAT_TO_DO}`)
      }
      await beginSettingAside(location, reason)
      for (const name of ['log', 'tree'] as const) await setAside(location, name)
      const log = await openDatabase(path.join(location, 'log'), true)
      undo.unshift(() => log.close())
      const tree = await openDatabase(path.join(location, 'tree'), true)
      undo.unshift(() => tree.close())
      await writeFirstRecords(log, tree, identity.incarnation, epochs)
      await mark.lower({ generation: 1, zxid: ZERO, epochs })
      await endSettingAside(location)
    } finally {
      await closeAll(undo)
    }
    return this.#recover()
  }

  #requireOwn(identity: StorageIdentity): void {
    const { ensemble, peer, dataDir } = this.#options
    if (identity.ensemble === ensemble && identity.peer === peer) return
    throw new ZooKeeperError(
      'ENSEMBLE_MISMATCH',
      `${dataDir} holds the data of peer ${identity.peer} of ensemble '${identity.ensemble}', not of peer ${peer} of '${ensemble}'`,
    )
  }

  #requireOpen(): Parts {
    if (this.#state !== 'open' || this.#parts === undefined) throw new ZooKeeperError('CLOSED', 'the store is closed')
    this.#failStop.check()
    return this.#parts
  }

  async #perform<T>(what: string, work: (parts: Parts) => Promise<T>): Promise<T> {
    const parts = this.#requireOpen()
    return this.#track(this.#failStop.run(what, () => work(parts)))
  }

  /** A read, which close() cuts short. */
  async #read<T>(what: string, work: () => Promise<T>): Promise<T> {
    return this.#track(this.#failStop.run(what, work))
  }

  async *#guarded(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    const reading = chunks[Symbol.asyncIterator]()
    try {
      for (;;) {
        this.#requireOpen()
        const { done, value } = await this.#read('reading the tree', () => reading.next())
        if (done) return
        yield value
      }
    } finally {
      await reading.return?.()
    }
  }

  #track<T>(work: Promise<T>): Promise<T> {
    this.#underWay.add(work)
    const forget = () => this.#underWay.delete(work)
    work.then(forget, forget)
    return work
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turnstile.then(work)
    this.#turnstile = turn.catch(() => {})
    return turn
  }

  /** In the background, after the one before; `packing`: and then packs what is worth it. A failure is kept for the next call. */
  #clearVoid(packing = false): void {
    const parts = this.#parts
    if (parts === undefined) return
    const { directory, treeDatabase, log, tree } = parts
    const stopped = () => this.#state !== 'open' || this.#failStop.failed
    this.#clearing = this.#clearing.then(async () => {
      if (stopped()) return
      try {
        await clearDiscarded(directory.location)
        await clearSlowly(directory.log, log.voidRanges(), stopped)
        const held = () => stopped() || this.#receiving
        if (!held()) await clearSlowly(treeDatabase, tree.voidRanges(), held)
        if (packing && !held()) await tree.pack(step => this.#inTurn(step), held)
      } catch (error) {
        this.#failStop.fail('clearing what is void', error)
      }
    })
  }
}

async function damageIn(dataDir: string) {
  try {
    return await findDamagedData(dataDir)
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }
}

async function writeFirstRecords(log: Database, tree: Database, incarnation: string, epochs: Epochs): Promise<void> {
  const none = { zxid: ZERO, time: 0, digest: EMPTY_DIGEST }
  const nothing = { ...none, generation: 1, chainBase: ZERO, number: 0, journalChunks: 0, packed: false }
  await writeBatch(log, [labelOf(incarnation, 'log'), baseRecord(1, ZERO), epochsRecord(epochs)])
  await writeBatch(tree, [labelOf(incarnation, 'tree'), checkpointOperation(nothing)])
}

async function closeAll(steps: readonly (() => Promise<void>)[]): Promise<void> {
  const failures: unknown[] = []
  for (const step of steps) await step().catch(error => failures.push(error))
  if (failures.length > 0) throw failures[0]
}

/** The first lines of a stack that are not of this file. */
function callerOf(here: Error): string {
  const frames = (here.stack ?? '').split('\n').slice(2, 6)
  return frames.map(frame => frame.trim()).join(' < ') || 'a caller without a stack'
}
