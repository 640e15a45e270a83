/**
 * How a simulated disk comes by its flaws: what happens to data at rest, and to a write that was reported done.
 *
 * Always holds: the content, what should be there, is never touched; false is returned when there is nothing to damage.
 * Invariants §4.2, with what LevelDB makes of each: a run of entries gone, or one that does not read (store-1, store-2), a whole database gone (store-3),
 * a wrong value (store-4).
 */
import type { Epochs } from '../model/history.js'
import type { Proposal } from '../model/proposal.js'
import type { ReplicaChanges } from '../model/replica-image.js'
import { type Checkpoint, type DiskContent, emptyCheckpoint } from './disk-content.js'
import { type DiskFlaws, keyOf, rotten, StoredValue } from './disk-flaws.js'
import type { SeededRandom } from './seeded-random.js'

/** To data that lie there: found when they are read, at the latest at the next start. */
export const damageKinds = ['rotLog', 'rotTree', 'rotEpochs', 'rotMark', 'rotIdentity', 'lostName', 'oldCopy'] as const
export type DamageKind = (typeof damageKinds)[number]

/** An earlier state of a disk, kept to be put back. */
export interface Backup {
  readonly last: Proposal | undefined
  readonly epochs: Epochs
  readonly checkpoint: Checkpoint
}

export function backUp({ entries, epochs, checkpoint }: DiskContent): Backup {
  return { last: entries.at(-1), epochs, checkpoint: copied(checkpoint) }
}

export function damage(
  kind: DamageKind,
  content: DiskContent,
  flaws: DiskFlaws,
  random: SeededRandom,
  backup: Backup | undefined,
): boolean {
  const { entries, checkpoint } = content
  switch (kind) {
    case 'rotLog': {
      if (entries.length === 0) return false
      const first = random.below(entries.length)
      // A block of LevelDB's write-ahead file, with all that is in it; or one value; or the end.
      const end = random.pick([first + 1, first + 1 + random.below(8), entries.length])
      const broken = random.chance(0.5)
      for (const entry of entries.slice(first, end))
        flaws.log.set(keyOf(entry.zxid), broken ? rotten(entry) : undefined)
      return true
    }
    case 'rotTree': {
      const paths = [...checkpoint.nodes.keys()]
      if (paths.length === 0) return false
      const path = random.pick(paths)
      const znode = checkpoint.nodes.get(path)!
      flaws.tree.set(
        path,
        random.chance(0.3) ? undefined : new StoredValue({ ...znode, mtime: znode.mtime + 1 }, false),
      )
      return true
    }
    case 'rotEpochs':
      flaws.epochs = { found: random.chance(0.5) ? undefined : new StoredValue(content.epochs, false) }
      return true
    case 'rotMark':
      content.mark.spoil(random.pick(['newest', 'other'] as const))
      return true
    case 'rotIdentity':
      flaws.identity = 'broken'
      return true
    case 'lostName':
      flaws.missing.add(random.pick(['log', 'tree'] as const))
      return true
    case 'oldCopy': {
      if (backup === undefined) return false
      const which = random.pick(['log', 'tree', 'both'] as const)
      if (which !== 'tree') {
        const since = backup.last === undefined ? 0 : content.firstFrom(backup.last.zxid) + 1
        for (const entry of entries.slice(since)) flaws.log.set(keyOf(entry.zxid), undefined)
        if (backup.epochs !== content.epochs) flaws.epochs = { found: new StoredValue(backup.epochs, true) }
      }
      if (which !== 'log') flaws.oldTree = backup.checkpoint
      return true
    }
  }
}

/** Reported done and synced, never stored. */
export function loseEntries(written: readonly Proposal[], flaws: DiskFlaws): void {
  for (const { zxid } of written) flaws.log.set(keyOf(zxid), undefined)
}

/** Stored in another entry's place, and its own has nothing. */
export function misdirectEntry(
  written: Proposal,
  content: DiskContent,
  flaws: DiskFlaws,
  random: SeededRandom,
): boolean {
  const others = content.entries.filter(each => each !== written)
  if (others.length === 0) return false
  flaws.log.set(keyOf(random.pick(others).zxid), new StoredValue(written, true))
  flaws.log.set(keyOf(written.zxid), undefined)
  return true
}

/** What a checkpoint that is never stored, or stored in part only, leaves in its places. Called before it counts. */
export function loseCheckpoint(
  changes: ReplicaChanges,
  content: DiskContent,
  flaws: DiskFlaws,
  random: SeededRandom,
): void {
  if (random.chance(0.4) && flaws.tree.size === 0) {
    flaws.oldTree ??= copied(content.checkpoint)
    return
  }
  for (const path of changes.nodes.keys()) {
    if (random.chance(0.3)) continue
    const before = content.checkpoint.nodes.get(path)
    flaws.tree.set(path, before === undefined ? undefined : new StoredValue(before, true))
  }
}

/** A checkpoint that is stored over one that was lost: what the lost one had changed stays as it was before. */
export function mixTrees(changes: ReplicaChanges, content: DiskContent, flaws: DiskFlaws): void {
  flaws.healTree(changes.nodes.keys())
  const { oldTree } = flaws
  if (oldTree === undefined) return
  flaws.oldTree = undefined
  const { nodes } = content.checkpoint
  for (const path of new Set([...nodes.keys(), ...oldTree.nodes.keys()])) {
    const old = oldTree.nodes.get(path)
    if (old === nodes.get(path) || changes.nodes.has(path)) continue
    flaws.tree.set(path, old === undefined ? undefined : new StoredValue(old, true))
  }
}

function copied(checkpoint: Checkpoint): Checkpoint {
  if (checkpoint.nodes.size === 0) return { ...emptyCheckpoint(), generation: checkpoint.generation }
  return { ...checkpoint, nodes: new Map(checkpoint.nodes), sessions: new Map(checkpoint.sessions) }
}
