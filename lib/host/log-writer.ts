/**
 * The one FIFO of everything a peer writes to its log: append, truncate, saveEpochs, installSnapshot, by operation number.
 * Group commit: while one synced write is under way the next group gathers.
 *
 * Always holds (Z17, D2): a completion is told only after the storage's promise resolved; one operation is under way at a time and
 * they complete in order; after the first error one `storageFailed` is told, and neither another write nor a completion follows.
 * Before: perform.ts. After: storage/, then the inbox.
 */
import type { Effect } from '../core/effect.js'
import type { Input } from '../core/input.js'
import { invariant, unreachable } from '../model/invariant.js'
import type { Proposal } from '../model/proposal.js'
import type { Storage } from '../storage/storage.js'
import { storageFailed } from './storage-failure.js'

type Kind<K extends Effect['kind']> = Extract<Effect, { readonly kind: K }>
export type LogOperation = Kind<'append'> | Kind<'truncate'> | Kind<'saveEpochs'> | Kind<'installSnapshot'>

export interface LogWriterPorts {
  readonly storage: Pick<Storage, 'append' | 'truncate' | 'saveEpochs' | 'endRepair'>
  /** Performs an installSnapshot; resolves with its completion, whole or aborted. */
  readonly installSnapshot: (effect: Kind<'installSnapshot'>) => Promise<Input>
  readonly completed: (input: Input) => void
  /** Called right before a group is written; what it returns, when the group is durable. */
  readonly writing: () => () => void
}

/** One group is one value in LevelDB: these keep it, and the memory of its encoding, of bounded size. */
const GROUP_PROPOSALS_MAX = 4096
const GROUP_BYTES_MAX = 8 * 1024 * 1024
/** Waiting bytes from which links are paused, so that a slow disk does not fill the memory (L4, R2). */
const CONGESTED_BYTES = 64 * 1024 * 1024

export class LogWriter {
  readonly #ports: LogWriterPorts
  #queue: LogOperation[] = []
  #waitingBytes = 0
  #underWay: Promise<void> | undefined
  #stopped = false
  #lastOp = -1
  #awaitsGrowth: (() => void)[] = []

  constructor(ports: LogWriterPorts) {
    this.#ports = ports
  }

  get congested(): boolean {
    return this.#waitingBytes >= CONGESTED_BYTES
  }

  /** Nothing waits and nothing is under way. */
  get idle(): boolean {
    return this.#queue.length === 0 && this.#underWay === undefined
  }

  submit(operation: LogOperation): void {
    if (this.#stopped) return
    invariant(operation.op > this.#lastOp, `storage operation ${operation.op} after ${this.#lastOp}`)
    this.#lastOp = operation.op
    this.#queue.push(operation)
    if (operation.kind === 'append') this.#waitingBytes += bytesOf(operation.proposals)
  }

  /** Called at the end of a turn: what the turn submitted leaves as one group. */
  flush(): void {
    if (this.#underWay === undefined && this.#queue.length > 0 && !this.#stopped) this.#underWay = this.#run()
  }

  /** Resolves after the next group commit, or when there will be none any more. */
  grown(): Promise<void> {
    if (this.#stopped) return Promise.resolve()
    return new Promise(resolve => this.#awaitsGrowth.push(resolve))
  }

  /** Starts nothing more and tells nothing more; resolves when what is under way has ended. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#queue = []
    this.#waitingBytes = 0
    this.#tellGrowth()
    await this.#underWay
  }

  async #run(): Promise<void> {
    try {
      while (this.#queue.length > 0) {
        const completion = await this.#next()
        if (this.#stopped) return
        this.#ports.completed(completion)
        if (completion.kind === 'logged') this.#tellGrowth()
      }
    } catch (error) {
      if (this.#stopped) return
      this.#stopped = true
      this.#queue = []
      this.#ports.completed(storageFailed(error))
      this.#tellGrowth()
    } finally {
      this.#underWay = undefined
    }
  }

  #tellGrowth(): void {
    for (const resolve of this.#awaitsGrowth.splice(0)) resolve()
  }

  async #next(): Promise<Input> {
    const operation = this.#queue[0]!
    if (operation.kind === 'append') return this.#append()
    this.#queue.shift()
    switch (operation.kind) {
      case 'truncate':
        await this.#ports.storage.truncate(operation.after)
        return { kind: 'truncated', op: operation.op }
      case 'saveEpochs':
        await this.#ports.storage.saveEpochs(operation.epochs)
        if (operation.endsRepair) await this.#ports.storage.endRepair?.()
        return { kind: 'epochsSaved', op: operation.op }
      case 'installSnapshot':
        return this.#ports.installSnapshot(operation)
      default:
        return unreachable(operation)
    }
  }

  /** Every append that waits in front of another operation, as one group. */
  async #append(): Promise<Input> {
    const group: Proposal[] = []
    let bytes = 0
    let count = 0
    let op = this.#queue[0]!.op
    for (const operation of this.#queue) {
      if (operation.kind !== 'append') break
      if (count > 0 && (group.length >= GROUP_PROPOSALS_MAX || bytes >= GROUP_BYTES_MAX)) break
      for (const proposal of operation.proposals) group.push(proposal)
      bytes += bytesOf(operation.proposals)
      op = operation.op
      count++
    }
    this.#queue.splice(0, count)
    this.#waitingBytes -= bytes
    const last = group.at(-1)
    invariant(last !== undefined, 'an append holds at least one proposal')
    const durable = this.#ports.writing()
    await this.#ports.storage.append(group)
    durable()
    return { kind: 'logged', op, zxid: last.zxid }
  }
}

/** An estimate is enough: it bounds memory, it does not account for it. */
function bytesOf(proposals: readonly Proposal[]): number {
  let bytes = 0
  for (const { record, txn } of proposals) {
    if (record !== undefined) bytes += record.byteLength
    else bytes += 128 + ('data' in txn && txn.data !== null ? txn.data.byteLength : 0)
  }
  return bytes
}
