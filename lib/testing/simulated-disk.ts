/**
 * The disk of one peer in a simulated world: what is on it after a crash, and how long it takes to get there.
 *
 * Always holds: operations complete in the order given, one at a time, appends that wait together as one; a completion is told after the state
 * has changed. A crash loses what waits and keeps none, a part (of an append: a prefix) or all of what is under way. Bit rot below the durable mark
 * leaves the epochs and nothing else, and is known as damage until a repair has ended.
 * Mirrors host/log-writer.ts, host/checkpointer.ts and storage/storage.ts, without bytes.
 */
import type { Effect } from '../core/effect.js'
import type { Input } from '../core/input.js'
import type { PeerInitial } from '../core/peer.js'
import { EMPTY_DIGEST } from '../model/digest.js'
import type { Epochs } from '../model/history.js'
import type { LinkId, SessionId } from '../model/ids.js'
import { invariant } from '../model/invariant.js'
import type { Proposal } from '../model/proposal.js'
import type { ReplicaImage } from '../model/replica-image.js'
import type { SessionRecord } from '../model/session-record.js'
import type { Znode } from '../model/znode.js'
import { isAfter, isAtMost, sameZxid, ZERO, type Zxid } from '../model/zxid.js'
import { HistoryRanges } from '../storage/history-ranges.js'
import { requireChained, requireRising } from '../storage/storage-order.js'
import type { SeededRandom } from './seeded-random.js'

type Kind<K extends Effect['kind']> = Extract<Effect, { readonly kind: K }>
export type DiskOperation = Kind<'append'> | Kind<'truncate'> | Kind<'saveEpochs'> | Kind<'installSnapshot'>

/** A snapshot on its way to the disk of a learner: it can be installed once it has ended. */
export type ArrivingSnapshot = { state: 'open' | 'broken' } | { state: 'ended'; image: ReplicaImage }

export interface DiskOptions {
  /** Entries appended after which a checkpoint is due. */
  readonly checkpointEntries: number
  /** Entries kept behind a checkpoint. */
  readonly entriesKept: number
  readonly latencyMs: () => number
}

export interface DiskPorts {
  readonly random: SeededRandom
  readonly after: (delayMs: number, run: () => void) => void
  readonly complete: (input: Input) => void
  /** The durable state has changed by this operation; for an append, `entries` of it. */
  readonly changed: (change: DiskChange) => void
}

export type DiskChange =
  | { readonly kind: 'append'; readonly entries: readonly Proposal[] }
  | { readonly kind: 'truncate'; readonly after: Zxid; readonly dropped: readonly Proposal[] }
  | { readonly kind: 'epochs'; readonly epochs: Epochs; readonly before: Epochs }
  | { readonly kind: 'checkpoint'; readonly zxid: Zxid }
  | { readonly kind: 'rot' }
  | { readonly kind: 'repaired'; readonly lost: LostHistory }
  | { readonly kind: 'install'; readonly zxid: Zxid; readonly dropped: readonly Proposal[] }

/** What a disk held when it was damaged. */
export interface LostHistory {
  readonly upTo: Zxid
  readonly entries: readonly Proposal[]
}

interface Checkpoint {
  zxid: Zxid
  time: number
  digest: ReplicaImage['digest']
  nodes: Map<string, Znode>
  sessions: Map<SessionId, SessionRecord>
}

export class SimulatedDisk {
  readonly #options: DiskOptions
  readonly #ports: DiskPorts
  // What survives.
  epochs: Epochs = { accepted: 0, current: 0 }
  base: Zxid = ZERO
  entries: Proposal[] = []
  #checkpoint: Checkpoint = emptyCheckpoint()
  lost: LostHistory | undefined
  // What does not.
  #queue: DiskOperation[] = []
  #underWay: DiskOperation[] | undefined
  #checkpoints: Kind<'checkpoint'>[] = []
  #checkpointing = false
  #snapshots = new Map<LinkId, ArrivingSnapshot>()
  #sinceCheckpoint = 0
  #askedAt = 0
  #life = 0
  #broken = false
  /** Set to make the next write fail. */
  failNext = false

  constructor(options: DiskOptions, ports: DiskPorts) {
    this.#options = options
    this.#ports = ports
  }

  /** The end of what is on it. */
  get last(): Zxid {
    return this.entries.at(-1)?.zxid ?? this.base
  }

  get checkpointZxid(): Zxid {
    return this.#checkpoint.zxid
  }

  /** Nothing waits and nothing is under way. */
  get idle(): boolean {
    return this.#queue.length === 0 && this.#underWay === undefined
  }

  /** A snapshot waits to take the place of what is here. */
  get isInstalling(): boolean {
    return [...this.#queue, ...(this.#underWay ?? [])].some(each => each.kind === 'installSnapshot')
  }

  /** Whether a peer with this disk has the entry, in its log or below. */
  covers(zxid: Zxid): boolean {
    return isAtMost(zxid, this.#checkpoint.zxid) || isAtMost(zxid, this.base) || this.find(zxid) !== undefined
  }

  /** Damage is found at the next start. Only while its peer is down. */
  rot(): void {
    invariant(this.lost === undefined, 'one damage at a time')
    const { zxid } = this.#checkpoint
    this.lost = { upTo: isAfter(zxid, this.base) ? zxid : this.base, entries: this.entries }
    this.#checkpoint = emptyCheckpoint()
    this.base = ZERO
    this.entries = []
    this.#sinceCheckpoint = 0
    this.#ports.changed({ kind: 'rot' })
  }

  find(zxid: Zxid): Proposal | undefined {
    let low = 0
    let high = this.entries.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (isAfter(zxid, this.entries[middle]!.zxid)) low = middle + 1
      else high = middle
    }
    const found = this.entries[low]
    return found !== undefined && sameZxid(found.zxid, zxid) ? found : undefined
  }

  /** Entries behind `after`; undefined when the log begins later. */
  historyAfter(after: Zxid, count: number): readonly Proposal[] | undefined {
    if (isAfter(this.base, after)) return undefined
    const first = this.entries.findIndex(each => isAfter(each.zxid, after))
    return first === -1 ? [] : this.entries.slice(first, first + count)
  }

  /** The last checkpoint as it is now. */
  image(): ReplicaImage {
    const { zxid, time, digest, nodes, sessions } = this.#checkpoint
    return { zxid, time, digest, nodes: new Map(nodes), sessions: [...sessions.values()] }
  }

  recovered(): PeerInitial['recovered'] {
    const ranges = new HistoryRanges(this.base)
    for (const { zxid } of this.entries) ranges.add(zxid)
    const image = this.image()
    const suffix = this.entries.filter(each => isAfter(each.zxid, image.zxid))
    const damage = this.lost === undefined ? undefined : { reason: 'bit rot' }
    return { epochs: this.epochs, image, suffix, history: ranges.summary(), damage }
  }

  submit(operation: DiskOperation): void {
    if (this.#broken) return
    this.#queue.push(operation)
    this.#begin()
  }

  submitCheckpoint(checkpoint: Kind<'checkpoint'>): void {
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
    const { random } = this.#ports
    const operations = this.#underWay
    if (operations !== undefined && !this.#broken) {
      const first = operations[0]!
      if (first.kind === 'append') {
        const entries = operations.flatMap(each => (each.kind === 'append' ? each.proposals : []))
        const kept = entries.slice(0, random.below(entries.length + 1))
        if (kept.length > 0) this.#append(kept)
      } else if (random.chance(0.5)) {
        // The end of a repair is a second write.
        const part = first.kind === 'saveEpochs' && first.endsRepair === true && random.chance(0.5)
        this.#carryOut(part ? { ...first, endsRepair: false } : first)
      }
    }
    if (this.#checkpointing && random.chance(0.5)) this.#carryOutCheckpoint(this.#checkpoints[0]!)
    this.#life += 1
    this.#queue = []
    this.#underWay = undefined
    this.#checkpoints = []
    this.#checkpointing = false
    this.#snapshots.clear()
    this.#askedAt = 0
    this.#broken = false
    this.failNext = false
  }

  #begin(): void {
    const first = this.#queue[0]
    if (this.#underWay !== undefined || first === undefined || this.#broken) return
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
    const last = operations.at(-1)!
    if (this.failNext) {
      this.failNext = false
      this.#broken = true
      // Nobody knows what is there now.
      if (last.kind === 'append' && this.#ports.random.chance(0.5))
        this.#append(operations.flatMap(each => (each as Kind<'append'>).proposals))
      this.#ports.complete({ kind: 'storageFailed', code: 'STORAGE_FAILED', reason: 'the simulated disk failed' })
      return
    }
    this.#underWay = undefined
    if (last.kind === 'append') {
      const entries = operations.flatMap(each => (each as Kind<'append'>).proposals)
      this.#append(entries)
      this.#begin()
      this.#ports.complete({ kind: 'logged', op: last.op, zxid: entries.at(-1)!.zxid })
      this.#askForCheckpoint()
    } else {
      const completion = this.#carryOut(last)
      this.#begin()
      this.#ports.complete(completion)
    }
  }

  #carryOut(operation: DiskOperation): Input {
    const { op } = operation
    switch (operation.kind) {
      case 'truncate': {
        invariant(this.covers(operation.after), 'Z19: a log is cut only at an entry it has')
        const kept = this.entries.filter(each => isAtMost(each.zxid, operation.after))
        const dropped = this.entries.slice(kept.length)
        this.entries = kept
        this.#ports.changed({ kind: 'truncate', after: operation.after, dropped })
        return { kind: 'truncated', op }
      }
      case 'saveEpochs': {
        const before = this.epochs
        requireRising(before, operation.epochs)
        this.epochs = operation.epochs
        this.#ports.changed({ kind: 'epochs', epochs: operation.epochs, before })
        if (operation.endsRepair === true && this.lost !== undefined) {
          const { lost } = this
          this.lost = undefined
          this.#ports.changed({ kind: 'repaired', lost })
        }
        return { kind: 'epochsSaved', op }
      }
      case 'installSnapshot': {
        const snapshot = this.#snapshots.get(operation.link)
        this.#snapshots.delete(operation.link)
        if (snapshot?.state !== 'ended') return { kind: 'snapshotAborted', op }
        const { zxid, time, digest, nodes, sessions } = snapshot.image
        const dropped = this.entries
        this.#checkpoint = {
          zxid,
          time,
          digest,
          nodes: new Map(nodes),
          sessions: new Map([...sessions].map(each => [each.session, each])),
        }
        this.base = zxid
        this.entries = []
        this.#sinceCheckpoint = 0
        this.#ports.changed({ kind: 'install', zxid, dropped })
        return { kind: 'snapshotInstalled', op, image: this.image() }
      }
      default:
        throw new Error('appends are carried out as a group')
    }
  }

  #append(entries: readonly Proposal[]): void {
    requireChained(this.last, entries)
    this.entries.push(...entries)
    this.#sinceCheckpoint += entries.length
    this.#ports.changed({ kind: 'append', entries })
  }

  #askForCheckpoint(): void {
    if (this.#checkpointing || this.#sinceCheckpoint < this.#askedAt + this.#options.checkpointEntries) return
    this.#askedAt = this.#sinceCheckpoint
    this.#ports.complete({ kind: 'checkpointDue' })
  }

  #beginCheckpoint(): void {
    const next = this.#checkpoints[0]
    if (this.#checkpointing || next === undefined) return
    this.#checkpointing = true
    this.#later(() => {
      this.#carryOutCheckpoint(next)
      this.#checkpoints.shift()
      this.#checkpointing = false
      this.#askedAt = 0
      this.#beginCheckpoint()
      this.#begin()
      this.#ports.complete({ kind: 'checkpointed', op: next.op, zxid: next.changes.zxid, base: this.base })
    })
  }

  #carryOutCheckpoint({ changes }: Kind<'checkpoint'>): void {
    const { zxid, time, digest } = changes
    const { nodes, sessions } = this.#checkpoint
    // A snapshot has overtaken it.
    if (isAfter(this.#checkpoint.zxid, zxid)) return
    invariant(isAtMost(zxid, this.last), 'Z30: a checkpoint is never ahead of its log')
    for (const [path, znode] of changes.nodes) put(nodes, path, znode)
    for (const [session, record] of changes.sessions) put(sessions, session, record)
    this.#checkpoint = { zxid, time, digest, nodes, sessions }
    this.#sinceCheckpoint = 0
    const behind = this.entries.findIndex(each => isAfter(each.zxid, zxid))
    const drop = (behind === -1 ? this.entries.length : behind) - this.#options.entriesKept
    if (drop > 0) {
      this.base = this.entries[drop - 1]!.zxid
      this.entries = this.entries.slice(drop)
    }
    this.#ports.changed({ kind: 'checkpoint', zxid })
  }

  #later(run: () => void): void {
    const life = this.#life
    this.#ports.after(this.#options.latencyMs(), () => {
      if (life === this.#life) run()
    })
  }
}

function emptyCheckpoint(): Checkpoint {
  return { zxid: ZERO, time: 0, digest: EMPTY_DIGEST, nodes: new Map(), sessions: new Map() }
}

function put<K, V>(map: Map<K, V>, key: K, value: V | undefined): void {
  if (value === undefined) map.delete(key)
  else map.set(key, value)
}
