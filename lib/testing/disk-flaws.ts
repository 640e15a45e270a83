/**
 * What is wrong with a simulated disk, as an overlay on its content: what a read of a place gives instead of what was written there.
 *
 * Always holds: a place without a flaw reads as written; writing to a place heals it. Nothing here knows what a flaw will lead to: that is for the
 * reader to find out (disk-opening.ts, simulated-disk.ts), and for a checker to hold against the content.
 * Invariants §4.2: bit rot, lost and misdirected writes, lost names, old copies; torn writes are the tail here.
 */
import { ZooKeeperError } from '../model/errors.js'
import type { Epochs } from '../model/history.js'
import type { Proposal } from '../model/proposal.js'
import type { Znode } from '../model/znode.js'
import { isAfter, isAtMost, ZERO, type Zxid } from '../model/zxid.js'
import type { Checkpoint, DiskContent } from './disk-content.js'

/** A value with its checksum, as it lies on the disk. */
export class StoredValue<T> {
  readonly content: T
  readonly intact: boolean

  constructor(content: T, intact: boolean) {
    this.content = content
    this.intact = intact
  }

  /** Verifies the checksum, as every read does (D1, D9). */
  read(): T {
    if (!this.intact) throw new ZooKeeperError('DATA_CORRUPT', 'the checksum does not match')
    return this.content
  }
}

/** Undefined: nothing is found there. */
type Found<T> = StoredValue<T> | undefined

export class DiskFlaws {
  /** By zxidKey, the entry that should be there. */
  readonly log = new Map<number, Found<Proposal>>()
  readonly tree = new Map<string, Found<Znode>>()
  /** The record of the epochs, when it is not what was written last. */
  epochs: { readonly found: Found<Epochs> } | undefined
  /** An earlier checkpoint in the place of the last one. */
  oldTree: Checkpoint | undefined
  identity: 'broken' | undefined
  readonly missing = new Set<'log' | 'tree' | 'mark'>()
  /** A write that was under way when the power went: what follows the last entry makes no sense. */
  tornTail = false

  /** Something that was promised may be lost, or be found false. */
  get any(): boolean {
    return (
      this.log.size + this.tree.size + this.missing.size > 0 ||
      this.epochs !== undefined ||
      this.oldTree !== undefined ||
      this.identity !== undefined
    )
  }

  entry(entry: Proposal): Found<Proposal> {
    const key = keyOf(entry.zxid)
    return this.log.has(key) ? this.log.get(key) : new StoredValue(entry, true)
  }

  /** From `from` to the end every place of the log is as it should be again. */
  healLog(behind: Zxid | undefined): void {
    for (const key of this.log.keys()) if (behind === undefined || key > keyOf(behind)) this.log.delete(key)
  }

  healTree(paths: Iterable<string>): void {
    for (const path of paths) this.tree.delete(path)
  }

  /** A new log and tree, or a disk on which all was found to be well. */
  heal(): void {
    this.log.clear()
    this.tree.clear()
    this.epochs = undefined
    this.missing.clear()
    this.oldTree = undefined
    this.tornTail = false
  }

  /** What is below the base of the log is nobody's any more. */
  purged(base: Zxid): void {
    for (const key of this.log.keys()) if (key <= keyOf(base)) this.log.delete(key)
  }

  /** The first entry behind `behind` that does not read as written; undefined: there is none. */
  firstBad(entries: readonly Proposal[], behind: Zxid = ZERO): number | undefined {
    if (this.log.size === 0) return undefined
    const index = entries.findIndex(({ zxid }) => this.log.has(keyOf(zxid)) && isAfter(zxid, behind))
    return index === -1 ? undefined : index
  }

  reads({ zxid }: Proposal): boolean {
    return !this.log.has(keyOf(zxid))
  }
}

/** Another entry's bytes with the same key: what a flipped bit leaves. */
export function rotten(entry: Proposal): StoredValue<Proposal> {
  return new StoredValue({ ...entry, time: entry.time + 1 }, false)
}

export function keyOf({ epoch, counter }: Zxid): number {
  return epoch * 0x100000000 + counter
}

/** The tree as it is read: throws for a value that is broken; what is stale, misplaced or missing shows only in the digest of the whole. */
export function readTree({ checkpoint: whole }: DiskContent, { tree, oldTree }: DiskFlaws): Checkpoint {
  const checkpoint = oldTree ?? whole
  if (tree.size === 0) return checkpoint
  const nodes = new Map(checkpoint.nodes)
  for (const [path, found] of tree) {
    if (found === undefined) nodes.delete(path)
    else nodes.set(path, found.read())
  }
  return { ...checkpoint, nodes }
}

/** Entries behind `after` as they are read. Throws for one that is broken, and where the chain has a gap. */
export function readLog(content: DiskContent, flaws: DiskFlaws, after: Zxid, count: number): readonly Proposal[] {
  const { entries } = content
  let first = content.firstFrom(after)
  if (first < entries.length && isAtMost(entries[first]!.zxid, after)) first += 1
  if (flaws.log.size === 0) return entries.slice(first, first + count)
  const batch: Proposal[] = []
  let last = after
  for (let index = first; index < entries.length && batch.length < count; index++) {
    const found = flaws.entry(entries[index]!)?.read()
    if (
      found === undefined ||
      keyOf(found.zxid) !== keyOf(entries[index]!.zxid) ||
      keyOf(found.previous) !== keyOf(last)
    )
      throw new ZooKeeperError('HISTORY_CONFLICT', 'the log does not go on there')
    batch.push(found)
    last = found.zxid
  }
  return batch
}
