/**
 * The disk of one peer in a simulated world: how long it takes to get things there, what fails, and what is left after a crash.
 *
 * Always holds: operations complete in the order given, one at a time, appends that wait together as one; a completion is told after the state
 * has changed; after the first failure nothing more is written and nothing more completes (D2). A crash, or the stop behind a failure, loses what waits,
 * and of the writes that were outstanding it keeps a prefix or any of them, the last torn or not. What each operation writes, and what is read, is in simulated-store.ts.
 * Mirrors host/log-writer.ts and host/checkpointer.ts.
 */
import type { Effect } from '../core/effect.js'
import type { Input } from '../core/input.js'
import type { PeerInitial } from '../core/peer.js'
import { hasCode, ZooKeeperError } from '../model/errors.js'
import type { Epochs } from '../model/history.js'
import type { LinkId } from '../model/ids.js'
import type { Proposal } from '../model/proposal.js'
import type { ReplicaImage } from '../model/replica-image.js'
import type { Zxid } from '../model/zxid.js'
import type { DamageKind } from './disk-damage.js'
import { type DiskOperation, imageOf, type LostHistory, SimulatedStore, type StorePorts } from './simulated-store.js'

export type { DiskChange, DiskOperation, LostHistory } from './simulated-store.js'

type CheckpointEffect = Extract<Effect, { readonly kind: 'checkpoint' }>

/** A snapshot on its way to the disk of a learner: it can be installed once it has ended. */
export type ArrivingSnapshot = { state: 'open' | 'broken' } | { state: 'ended'; image: ReplicaImage }

/** Of the next write: it fails, or it is reported done and is not. */
export const writeFaultKinds = ['syncFails', 'writeFails', 'lostWrite', 'misdirectedWrite', 'rotSnapshot'] as const
export type WriteFault = (typeof writeFaultKinds)[number]
/** What can happen on a disk, by the names of invariants §4.2. */
export type DiskFault = DamageKind | WriteFault | 'unsyncedLost' | 'tornWrite' | 'readError' | 'fullDisk' | 'stuckDisk'

/** Whether a fault has anything to do with such a write. */
const FITS: Readonly<Record<WriteFault, readonly (DiskOperation['kind'] | 'checkpoint')[]>> = {
  syncFails: ['append', 'truncate', 'saveEpochs', 'installSnapshot', 'checkpoint'],
  writeFails: ['append', 'truncate', 'saveEpochs', 'installSnapshot', 'checkpoint'],
  lostWrite: ['append', 'saveEpochs', 'checkpoint'],
  misdirectedWrite: ['append'],
  rotSnapshot: ['installSnapshot'],
}

export interface DiskOptions {
  /** Entries appended after which a checkpoint is due. */
  readonly checkpointEntries: number
  /** Entries kept behind a checkpoint. */
  readonly entriesKept: number
  readonly latencyMs: () => number
}

export interface DiskPorts extends StorePorts {
  readonly after: (delayMs: number, run: () => void) => void
  readonly complete: (input: Input) => void
  /** A fault has taken effect. */
  readonly happened: (fault: DiskFault) => void
}

export class SimulatedDisk {
  readonly #options: DiskOptions
  readonly #ports: DiskPorts
  /** What survives. */
  readonly store: SimulatedStore
  /** There is no room: every write fails until it is freed. */
  full = false
  /** The next read fails. */
  failRead = false
  /** Whether enough others hold this entry, so that losing it here unnoticed does no harm. */
  mayLose: (zxid: Zxid) => boolean = () => false
  /** Whether data on it may be damaged now; asked when a write is about to go astray. */
  mayDamage: () => boolean = () => false
  /** Whether such a write is not to be done yet; asked again after `release`. For scripts. */
  holds: (write: DiskOperation['kind'] | 'checkpoint') => boolean = () => false
  /** Of the synced writes of what is under way, how many are there when the power is gone; undefined: as chance has it. For scripts. */
  keeps: number | undefined
  #held: (() => void)[] = []
  #queue: DiskOperation[] = []
  #underWay: DiskOperation[] | undefined
  #checkpoints: CheckpointEffect[] = []
  #checkpointing = false
  #snapshots = new Map<LinkId, ArrivingSnapshot>()
  #askedAt = 0
  #life = 0
  /** What failed first; a write that was under way elsewhere then is in doubt until the peer is gone. */
  #failed: 'log' | 'tree' | 'read' | undefined
  #stallMs = 0
  #fault: WriteFault | undefined

  constructor(options: DiskOptions, ports: DiskPorts) {
    this.#options = options
    this.#ports = ports
    this.store = new SimulatedStore(ports)
  }

  get epochs(): Epochs {
    return this.store.content.epochs
  }
  get base(): Zxid {
    return this.store.content.base
  }
  get entries(): readonly Proposal[] {
    return this.store.content.entries
  }
  /** The end of what is on it. */
  get last(): Zxid {
    return this.store.content.last
  }
  get checkpointZxid(): Zxid {
    return this.store.content.checkpoint.zxid
  }
  get lost(): LostHistory | undefined {
    return this.store.lost
  }
  get wiped(): LostHistory | undefined {
    return this.store.wiped
  }
  get damaged(): boolean {
    return this.store.damaged
  }
  /** After a failure, until its peer starts again. */
  get failed(): boolean {
    return this.#failed !== undefined
  }

  /** Nothing waits and nothing is under way. */
  get idle(): boolean {
    return this.#queue.length === 0 && this.#underWay === undefined
  }

  /** A snapshot waits to take the place of what is here. */
  get isInstalling(): boolean {
    return [...this.#queue, ...(this.#underWay ?? [])].some(each => each.kind === 'installSnapshot')
  }

  /** Whether a peer with this disk has been given the entry, in its log or below. */
  covers(zxid: Zxid): boolean {
    return this.store.content.covers(zxid)
  }

  /** Whether a crash could tear something now. */
  get mayTear(): boolean {
    const { mark } = this.store.content
    mark.settle(this.#ports.now())
    return this.#underWay?.[0]?.kind === 'append' || mark.pending
  }

  /** Whether such a write has been asked for and is not done. */
  awaits(fault: WriteFault): boolean {
    const kinds = [...this.#queue, ...(this.#underWay ?? []), ...this.#checkpoints].map(each => each.kind)
    return kinds.some(kind => FITS[fault].includes(kind))
  }

  /** Happens to the next write that it fits. */
  failNext(fault: WriteFault | undefined): void {
    this.#fault = fault
  }

  /** The next operation takes so much longer. */
  stall(delayMs: number): void {
    this.#stallMs = delayMs
  }

  /** `holds` answers otherwise now. */
  release(): void {
    const held = this.#held
    this.#held = []
    for (const run of held) run()
  }

  // --- what its peer reads; throws what a store would reject with

  open(): PeerInitial['recovered'] {
    this.#read()
    if (this.full) {
      this.#ports.happened('fullDisk')
      throw new ZooKeeperError('STORAGE_FAILED', 'the simulated disk is full')
    }
    return this.store.open()
  }

  beginRepair(damage: unknown): PeerInitial['recovered'] {
    return this.store.beginRepair(damage)
  }

  /** Entries behind `after`; undefined when the log begins later. */
  historyAfter(after: Zxid, count: number): readonly Proposal[] | undefined {
    this.#read()
    try {
      return this.store.historyAfter(after, count)
    } catch (error) {
      const base = hasCode(error, 'DATA_CORRUPT') ? this.store.leaveBehind() : undefined
      if (base === undefined) throw error
      this.#ports.complete({ kind: 'historyLost', base })
      return undefined
    }
  }

  image(): ReplicaImage {
    this.#read()
    return this.store.image()
  }

  #read(): void {
    if (!this.failRead) return
    this.failRead = false
    this.#ports.happened('readError')
    throw new ZooKeeperError('STORAGE_FAILED', 'the simulated disk cannot be read')
  }

  /** What its peer was told of a read, as of a write: nothing more is written (D2). */
  failedRead(): void {
    this.#failed ??= 'read'
  }

  // --- what its peer writes

  submit(operation: DiskOperation): void {
    if (this.failed) return
    this.#queue.push(operation)
    this.#begin()
  }

  submitCheckpoint(checkpoint: CheckpointEffect): void {
    if (this.failed) return
    this.#checkpoints.push(checkpoint)
    this.#beginCheckpoint()
  }

  snapshotBegins(link: LinkId): void {
    this.#snapshots.set(link, { state: 'open' })
  }

  snapshotEnds(link: LinkId, image: ReplicaImage): void {
    if (this.#snapshots.get(link)?.state !== 'open') return
    this.#snapshots.set(link, { state: 'ended', image })
    this.#begin()
  }

  linkClosed(link: LinkId): void {
    if (this.#snapshots.get(link)?.state === 'open') this.#snapshots.set(link, { state: 'broken' })
    this.#begin()
  }

  /** Power is gone. */
  crash(): void {
    this.#losePower()
    this.store.settleFlaws(this.mayLose)
    this.#life += 1
    this.#queue = []
    this.#underWay = undefined
    this.#checkpoints = []
    this.#checkpointing = false
    this.#snapshots.clear()
    this.#held = []
    this.#askedAt = 0
    this.#failed = undefined
    this.#fault = undefined
    this.#stallMs = 0
    this.failRead = false
  }

  /** Of the writes that are outstanding a prefix is kept, or any of them; the last of them may be torn. */
  #losePower(): void {
    const { random, now, happened } = this.#ports
    const { content, flaws } = this.store
    content.mark.settle(now())
    if (this.keeps !== undefined) return this.#keepExactly(this.keeps)
    const outstanding: ('log' | 'tree' | 'mark')[] = []
    if (this.#underWay !== undefined && this.#failed !== 'log') outstanding.push('log')
    if (this.#checkpointing && this.#failed !== 'tree') outstanding.push('tree')
    if (content.mark.pending) outstanding.push('mark')
    if (outstanding.length === 0) return
    const prefix = random.below(outstanding.length + 1)
    const kept = random.chance(0.5) ? outstanding.slice(0, prefix) : outstanding.filter(() => random.chance(0.5))
    if (kept.includes('log')) this.#keepPart(this.#underWay!)
    else if (outstanding.includes('log') && this.#underWay![0]!.kind === 'append' && random.chance(0.3)) {
      flaws.tornTail = true
      happened('tornWrite')
    }
    if (kept.includes('tree')) this.#some(this.#checkpointSteps(this.#checkpoints[0]!, false))
    // On a damaged disk both would be in doubt, log and mark: more than one thing wrong at a time.
    const torn = kept.includes('mark') && !flaws.any && random.chance(0.5)
    content.mark.crash(now(), torn ? 'torn' : kept.includes('mark') ? 'kept' : 'absent')
    if (torn) happened('tornWrite')
    if (kept.length < outstanding.length) happened('unsyncedLost')
  }

  #keepExactly(count: number): void {
    const log = this.#underWay === undefined || this.#failed === 'log' ? [] : this.#stepsOf(this.#underWay)
    const tree =
      this.#checkpointing && this.#failed !== 'tree' ? this.#checkpointSteps(this.#checkpoints[0]!, false) : []
    for (const steps of [log, tree]) for (const step of steps.slice(0, count)) step()
    this.store.content.mark.crash(this.#ports.now(), 'absent')
  }

  #keepPart(operations: readonly DiskOperation[]): void {
    const entries = entriesOf(operations)
    if (entries.length > 0) this.store.append(entries.slice(0, 1 + this.#ports.random.below(entries.length)))
    else this.#some(this.#stepsOf(operations))
  }

  /** The first of them, or more. */
  #some(steps: readonly (() => void)[]): void {
    for (const step of steps.slice(0, 1 + this.#ports.random.below(steps.length))) step()
  }

  #begin(): void {
    const first = this.#queue[0]
    if (this.#underWay !== undefined || first === undefined || this.failed) return
    let operations: DiskOperation[]
    if (first.kind === 'append') {
      const end = this.#queue.findIndex(each => each.kind !== 'append')
      operations = this.#queue.splice(0, end === -1 ? this.#queue.length : end)
    } else {
      if (
        first.kind === 'installSnapshot' &&
        (this.#checkpointing || this.#snapshots.get(first.link)?.state === 'open')
      )
        return
      operations = this.#queue.splice(0, 1)
    }
    this.#underWay = operations
    this.#later(() => this.#end(operations))
  }

  #end(operations: readonly DiskOperation[]): void {
    if (this.failed) return
    const last = operations.at(-1)!
    if (this.holds(last.kind)) return this.#hold(() => this.#end(operations))
    if (last.kind === 'installSnapshot' && this.#snapshots.get(last.link)?.state !== 'ended') {
      this.#underWay = undefined
      this.#snapshots.delete(last.link)
      this.#begin()
      return this.#ports.complete({ kind: 'snapshotAborted', op: last.op })
    }
    const fault = this.#takeFault(last.kind)
    const before = this.epochs
    const steps = this.#stepsOf(operations)
    if (fault === 'syncFails' || fault === 'writeFails' || fault === 'fullDisk') {
      if (fault !== 'syncFails' && last.kind === 'append' && this.#ports.random.chance(0.3))
        this.store.flaws.tornTail = true
      return this.#breakOff('log', steps, fault)
    }
    if (fault === 'rotSnapshot') return this.#tell('log', 'DATA_CORRUPT', fault)
    this.#underWay = undefined
    for (const step of steps) step()
    if (fault !== undefined && this.store.mislead(fault, last, entriesOf(operations), before))
      this.#ports.happened(fault)
    if (last.kind === 'installSnapshot') this.#snapshots.delete(last.link)
    this.#begin()
    this.#ports.complete(this.#completion(last))
    if (last.kind === 'append') this.#askForCheckpoint()
  }

  #completion(operation: DiskOperation): Input {
    const { op } = operation
    switch (operation.kind) {
      case 'append':
        return { kind: 'logged', op, zxid: operation.proposals.at(-1)!.zxid }
      case 'truncate':
        return { kind: 'truncated', op }
      case 'saveEpochs':
        return { kind: 'epochsSaved', op }
      case 'installSnapshot':
        return { kind: 'snapshotInstalled', op, image: imageOf(this.store.content.checkpoint) }
    }
  }

  /** The synced writes of an operation, in their order: a crash, or a failure, may come between any two. */
  #stepsOf(operations: readonly DiskOperation[]): (() => void)[] {
    const { store } = this
    const operation = operations.at(-1)!
    switch (operation.kind) {
      case 'append':
        return [() => store.append(entriesOf(operations))]
      case 'truncate':
        return store.truncateSteps(operation.after)
      case 'saveEpochs':
        return store.epochSteps(operation.epochs, operation.endsRepair === true)
      case 'installSnapshot': {
        const snapshot = this.#snapshots.get(operation.link)
        return snapshot?.state === 'ended' ? store.installSteps(snapshot.image) : []
      }
    }
  }

  #takeFault(kind: DiskOperation['kind'] | 'checkpoint'): WriteFault | 'fullDisk' | undefined {
    if (this.full) return 'fullDisk'
    const fault = this.#fault
    if (fault === undefined || !FITS[fault].includes(kind)) return undefined
    if ((fault === 'lostWrite' || fault === 'misdirectedWrite') && !this.mayDamage()) return undefined
    this.#fault = undefined
    return fault
  }

  /** Nobody knows what is there now (D4): after a sync that failed even all of it. */
  #breakOff(
    where: 'log' | 'tree',
    steps: readonly (() => void)[],
    fault: 'syncFails' | 'writeFails' | 'fullDisk',
  ): void {
    const done = this.#ports.random.below(steps.length + (fault === 'syncFails' ? 1 : 0))
    for (const step of steps.slice(0, done)) step()
    this.#tell(where, 'STORAGE_FAILED', fault)
  }

  #tell(where: 'log' | 'tree', code: 'STORAGE_FAILED' | 'DATA_CORRUPT', fault: DiskFault): void {
    this.#failed = where
    this.#ports.happened(fault)
    this.#ports.complete({ kind: 'storageFailed', code, reason: `the simulated disk failed: ${fault}` })
  }

  #askForCheckpoint(): void {
    const { sinceCheckpoint } = this.store
    if (this.#checkpointing || sinceCheckpoint < this.#askedAt + this.#options.checkpointEntries) return
    this.#askedAt = sinceCheckpoint
    this.#ports.complete({ kind: 'checkpointDue' })
  }

  #beginCheckpoint(): void {
    const next = this.#checkpoints[0]
    if (this.#checkpointing || next === undefined || this.failed) return
    this.#checkpointing = true
    this.#later(() => this.#endCheckpoint(next))
  }

  #endCheckpoint(checkpoint: CheckpointEffect): void {
    if (this.failed) return
    if (this.holds('checkpoint')) return this.#hold(() => this.#endCheckpoint(checkpoint))
    const { op, changes } = checkpoint
    const fault = this.#takeFault('checkpoint')
    const steps = this.#checkpointSteps(checkpoint, fault === 'lostWrite')
    if (fault === 'syncFails' || fault === 'writeFails' || fault === 'fullDisk')
      return this.#breakOff('tree', steps, fault)
    for (const step of steps) step()
    if (fault !== undefined) this.#ports.happened(fault)
    this.#checkpoints.shift()
    this.#checkpointing = false
    this.#askedAt = 0
    this.#beginCheckpoint()
    this.#begin()
    this.#ports.complete({ kind: 'checkpointed', op, zxid: changes.zxid, base: this.base })
  }

  #checkpointSteps({ changes }: CheckpointEffect, isLost: boolean): (() => void)[] {
    return this.store.checkpointSteps(changes, this.#options.entriesKept, isLost)
  }

  #hold(run: () => void): void {
    this.#held.push(run)
  }

  #later(run: () => void): void {
    const life = this.#life
    const delayMs = this.#options.latencyMs() + this.#stallMs
    if (this.#stallMs > 0) this.#ports.happened('stuckDisk')
    this.#stallMs = 0
    this.#ports.after(delayMs, () => {
      if (life === this.#life) run()
    })
  }
}

function entriesOf(operations: readonly DiskOperation[]): readonly Proposal[] {
  const [only] = operations
  if (operations.length === 1 && only?.kind === 'append') return only.proposals
  return operations.flatMap(each => (each.kind === 'append' ? each.proposals : []))
}
