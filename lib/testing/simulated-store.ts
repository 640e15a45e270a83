/**
 * What a peer's store makes of a simulated disk: what it reads from it, and the synced writes of which each operation consists.
 *
 * Always holds: each step leaves the disk as one completed write does; an operation is its steps in order, and a crash or a failure may come between
 * any two of them. Nothing is read without being verified. Whether there is time, room and power is simulated-disk.ts's.
 * Mirrors storage/level/level-storage.ts. After: disk-opening.ts judges a disk at a start.
 */
import type { Effect } from '../core/effect.js'
import type { PeerInitial } from '../core/peer.js'
import { Replica } from '../core/replica.js'
import { sameDigest } from '../model/digest.js'
import type { Epochs } from '../model/history.js'
import type { Proposal } from '../model/proposal.js'
import type { ReplicaChanges, ReplicaImage } from '../model/replica-image.js'
import { isAfter, later, type Zxid } from '../model/zxid.js'
import { type Checkpoint, DiskContent } from './disk-content.js'
import {
  type Backup,
  backUp,
  type DamageKind,
  damage,
  loseCheckpoint,
  loseEntries,
  misdirectEntry,
  mixTrees,
} from './disk-damage.js'
import { DiskFlaws, readLog, readTree, StoredValue } from './disk-flaws.js'
import { corrupt, DiskOpening } from './disk-opening.js'
import type { SeededRandom } from './seeded-random.js'

type Kind<K extends Effect['kind']> = Extract<Effect, { readonly kind: K }>
/** What is written in the order it is asked for. */
export type DiskOperation = Kind<'append'> | Kind<'truncate'> | Kind<'saveEpochs'> | Kind<'installSnapshot'>

export type DiskChange =
  | { readonly kind: 'append'; readonly entries: readonly Proposal[] }
  | { readonly kind: 'truncate'; readonly after: Zxid; readonly dropped: readonly Proposal[] }
  | { readonly kind: 'epochs'; readonly epochs: Epochs; readonly before: Epochs }
  | { readonly kind: 'checkpoint'; readonly zxid: Zxid }
  | { readonly kind: 'damaged' }
  | { readonly kind: 'repaired'; readonly lost: LostHistory }
  | { readonly kind: 'install'; readonly zxid: Zxid; readonly dropped: readonly Proposal[] }

/** What a disk held when it was found damaged. */
export interface LostHistory {
  readonly upTo: Zxid
  readonly entries: readonly Proposal[]
}

export interface StorePorts {
  readonly random: SeededRandom
  readonly now: () => number
  /** The durable state has changed by this operation; for an append, `entries` of it. */
  readonly changed: (change: DiskChange) => void
}

export class SimulatedStore {
  content = new DiskContent()
  readonly flaws = new DiskFlaws()
  /** Found damaged, and not repaired yet. */
  lost: LostHistory | undefined
  /** What the disk held of which this one has taken the place. */
  wiped: LostHistory | undefined
  #reason = ''
  /** Entries in the log that the last checkpoint does not have. */
  sinceCheckpoint = 0
  readonly #ports: StorePorts
  #backup: Backup | undefined

  constructor(ports: StorePorts) {
    this.#ports = ports
  }

  /** Something is wrong here, or was found wrong and is not repaired yet. */
  get damaged(): boolean {
    const { mark } = this.content
    mark.settle(this.#ports.now())
    return this.lost !== undefined || this.flaws.any || !mark.intact
  }

  // --- what becomes of the disk

  damage(kind: DamageKind): boolean {
    return damage(kind, this.content, this.flaws, this.#ports.random, this.#backup)
  }

  /** Another disk takes its place, while the peer is down. */
  wipe(): void {
    this.wiped = this.#history()
    this.content = new DiskContent()
    this.flaws.heal()
    this.lost = undefined
    this.sinceCheckpoint = 0
    this.#backup = undefined
  }

  #history(): LostHistory {
    const { checkpoint, base, entries } = this.content
    return { upTo: later(checkpoint.zxid, base), entries }
  }

  /** For an old copy to be put back later. */
  backUp(): void {
    this.#backup = backUp(this.content)
  }

  /** An operator has put the identity back from a copy. */
  restoreIdentity(): void {
    this.flaws.identity = undefined
  }

  /** The operation is reported done, and something else was stored. False: it cannot be told from the right thing. */
  mislead(
    fault: 'lostWrite' | 'misdirectedWrite',
    operation: DiskOperation,
    entries: readonly Proposal[],
    before: Epochs,
  ): boolean {
    if (operation.kind === 'saveEpochs') this.flaws.epochs = { found: new StoredValue(before, true) }
    else if (fault === 'lostWrite') loseEntries(entries, this.flaws)
    else return misdirectEntry(entries.at(-1)!, this.content, this.flaws, this.#ports.random)
    return true
  }

  /**
   * After a crash. Flaws above the durable mark look like a torn tail (D3): where that would lose what too few others hold (`mayLose` says of which it
   * would not), the disk was well after all.
   */
  settleFlaws(mayLose: (zxid: Zxid) => boolean): void {
    const { content, flaws } = this
    const { generation, zxid } = content.checkpoint
    // What is bad behind the checkpoint is missed by nobody.
    const first = flaws.firstBad(content.entries, zxid)
    const mark = content.mark.read()
    if (first === undefined || mark === undefined) return
    const required = mark.generation === generation ? later(mark.zxid, zxid) : zxid
    if (!isAfter(content.entries[first]!.zxid, required)) return
    if (!content.entries.slice(first).every(each => mayLose(each.zxid))) flaws.healLog(undefined)
  }

  // --- what its peer reads

  /** Unreadable history behind the checkpoint is let go, with all before it: where the log begins now. Undefined when it is damage. */
  leaveBehind(): Zxid | undefined {
    const { content, flaws } = this
    const first = flaws.firstBad(content.entries)
    if (first === undefined) return undefined
    const next = content.entries.slice(first).find(each => flaws.reads(each))
    if (next === undefined || isAfter(next.previous, content.checkpoint.zxid)) return undefined
    content.dropUpTo(next.previous)
    flaws.purged(content.base)
    this.#ports.changed({ kind: 'checkpoint', zxid: content.checkpoint.zxid })
    return content.base
  }

  /** Entries behind `after`; undefined when the log begins later. Throws what a store would reject with. */
  historyAfter(after: Zxid, count: number): readonly Proposal[] | undefined {
    if (isAfter(this.content.base, after)) return undefined
    return readLog(this.content, this.flaws, after, count)
  }

  /** The last checkpoint as it is now, to be sent away. */
  image(): ReplicaImage {
    const { checkpoint } = this.content
    if (this.flaws.tree.size === 0 && this.flaws.oldTree === undefined) return imageOf(checkpoint)
    const { nodes, sessions } = readTree(this.content, this.flaws)
    const image = imageOf({ ...checkpoint, nodes, sessions })
    if (!sameDigest(Replica.from(image).digest, image.digest)) throw corrupt('tree: it is not what its digest says')
    return image
  }

  /** Throws DATA_CORRUPT. */
  open(): PeerInitial['recovered'] {
    const { epochs, checkpoint, suffix, history, last } = new DiskOpening(this.content, this.flaws).open()
    const { content } = this
    // What was read counts from here on; what does not count has been cut.
    content.base = history.base
    content.entries = content.entries.filter(each => isAfter(each.zxid, history.base) && !isAfter(each.zxid, last))
    content.checkpoint = checkpoint
    content.epochs = epochs
    content.mark.reopen()
    const { generation } = checkpoint
    content.mark.advance({ generation, zxid: content.last, epochs }, this.#ports.now())
    this.flaws.heal()
    this.sinceCheckpoint = suffix.length
    const damage = this.lost === undefined ? undefined : { reason: this.#reason }
    return { epochs, image: imageOf(checkpoint), suffix, history, damage }
  }

  /** A new beginning in place of what is damaged, if the epochs are beyond doubt; else `damage` is thrown. */
  beginRepair(damage: unknown): PeerInitial['recovered'] {
    const { content } = this
    if (!new DiskOpening(content, this.flaws).repairable) throw damage
    const { epochs } = content.mark.read()!
    this.#reason = damage instanceof Error ? damage.message : String(damage)
    this.lost ??= this.#history()
    this.content = new DiskContent(epochs)
    this.flaws.heal()
    this.#ports.changed({ kind: 'damaged' })
    return this.open()
  }

  // --- what its peer writes, step by step

  append(entries: readonly Proposal[]): void {
    this.content.append(entries)
    this.content.mark.advance({ zxid: this.content.last }, this.#ports.now())
    this.sinceCheckpoint += entries.length
    this.#ports.changed({ kind: 'append', entries })
  }

  /** The mark goes first: it may be behind, never ahead. */
  truncateSteps(after: Zxid): (() => void)[] {
    return [() => this.content.mark.write({ zxid: after }), () => this.#truncate(after)]
  }

  /** A promise outlives the log it is written in: it is in the mark, too, before it is given. */
  epochSteps(epochs: Epochs, endsRepair: boolean): (() => void)[] {
    const steps = [() => this.#saveEpochs(epochs), () => this.content.mark.write({ epochs })]
    return endsRepair ? [...steps, () => this.#endRepair()] : steps
  }

  /** One switch; until the mark follows, it is void by its generation. */
  installSteps(image: ReplicaImage): (() => void)[] {
    return [() => this.#install(image), () => this.#markInstalled()]
  }

  /** The tree, which becomes valid in one step; then the log lets go of what nobody needs. */
  checkpointSteps(changes: ReplicaChanges, entriesKept: number, isLost: boolean): (() => void)[] {
    // A snapshot has overtaken it.
    if (isAfter(this.content.checkpoint.zxid, changes.zxid)) return []
    return [() => this.#checkpoint(changes, isLost), () => this.#purge(entriesKept)]
  }

  #truncate(after: Zxid): void {
    const dropped = this.content.truncate(after)
    this.flaws.healLog(after)
    this.#ports.changed({ kind: 'truncate', after, dropped })
  }

  #saveEpochs(epochs: Epochs): void {
    const before = this.content.saveEpochs(epochs)
    this.flaws.epochs = undefined
    this.#ports.changed({ kind: 'epochs', epochs: this.content.epochs, before })
  }

  #endRepair(): void {
    const { lost } = this
    if (lost === undefined) return
    this.lost = undefined
    this.#ports.changed({ kind: 'repaired', lost })
  }

  #install(image: ReplicaImage): void {
    const dropped = this.content.install(image)
    this.flaws.healTree(this.flaws.tree.keys())
    this.flaws.healLog(undefined)
    this.flaws.oldTree = undefined
    this.sinceCheckpoint = 0
    this.#ports.changed({ kind: 'install', zxid: image.zxid, dropped })
  }

  #markInstalled(): void {
    const { generation, zxid } = this.content.checkpoint
    this.content.mark.write({ generation, zxid })
  }

  #checkpoint(changes: ReplicaChanges, isLost: boolean): void {
    if (isLost) loseCheckpoint(changes, this.content, this.flaws, this.#ports.random)
    else mixTrees(changes, this.content, this.flaws)
    this.content.writeCheckpoint(changes)
    this.sinceCheckpoint = 0
    this.#ports.changed({ kind: 'checkpoint', zxid: changes.zxid })
  }

  #purge(entriesKept: number): void {
    this.content.purge(entriesKept)
    this.flaws.purged(this.content.base)
    this.#ports.changed({ kind: 'checkpoint', zxid: this.content.checkpoint.zxid })
  }
}

export function imageOf({ zxid, time, digest, nodes, sessions }: Checkpoint): ReplicaImage {
  return { zxid, time, digest, nodes: new Map(nodes), sessions: [...sessions.values()] }
}
