/**
 * What a simulated disk has been given to keep: the log, the epochs, the tree of the last checkpoint, and the durable mark beside them.
 *
 * Always holds: entries are one chain from `base`; base ≤ checkpoint ≤ last (Z30); a change is whole when its method returns. What is wrong with the
 * disk is not here but in disk-flaws.ts: this is the truth that a reader should find.
 * Before: simulated-disk.ts, which knows when. After: disk-opening.ts. Mirrors storage/level/log-store.ts and tree-store.ts.
 */

import { EMPTY_DIGEST } from '../model/digest.js'
import type { Epochs } from '../model/history.js'
import type { SessionId } from '../model/ids.js'
import { invariant } from '../model/invariant.js'
import type { Proposal } from '../model/proposal.js'
import type { ReplicaChanges, ReplicaImage } from '../model/replica-image.js'
import type { SessionRecord } from '../model/session-record.js'
import type { Znode } from '../model/znode.js'
import { isAfter, isAtMost, sameZxid, ZERO, type Zxid } from '../model/zxid.js'
import { requireBehind, requireChained, requireRising } from '../storage/storage-order.js'
import { SimulatedMark } from './simulated-mark.js'

export interface Checkpoint {
  readonly generation: number
  readonly zxid: Zxid
  readonly time: number
  readonly digest: ReplicaImage['digest']
  readonly nodes: Map<string, Znode>
  readonly sessions: Map<SessionId, SessionRecord>
}

const NO_EPOCHS: Epochs = { accepted: 0, current: 0 }

export class DiskContent {
  epochs: Epochs
  base: Zxid = ZERO
  entries: Proposal[] = []
  checkpoint: Checkpoint = emptyCheckpoint()
  readonly mark: SimulatedMark

  constructor(epochs: Epochs = NO_EPOCHS) {
    this.epochs = epochs
    this.mark = new SimulatedMark({ generation: 1, zxid: ZERO, epochs })
  }

  get last(): Zxid {
    return this.entries.at(-1)?.zxid ?? this.base
  }

  /** Whether a peer with this disk has the entry, in its log or below. */
  covers(zxid: Zxid): boolean {
    return isAtMost(zxid, this.checkpoint.zxid) || isAtMost(zxid, this.base) || this.find(zxid) !== undefined
  }

  find(zxid: Zxid): Proposal | undefined {
    const found = this.entries[this.firstFrom(zxid)]
    return found !== undefined && sameZxid(found.zxid, zxid) ? found : undefined
  }

  /** Index of the first entry that is not before `zxid`. */
  firstFrom(zxid: Zxid): number {
    let low = 0
    let high = this.entries.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (isAfter(zxid, this.entries[middle]!.zxid)) low = middle + 1
      else high = middle
    }
    return low
  }

  append(entries: readonly Proposal[]): void {
    requireChained(this.last, entries)
    for (const entry of entries) this.entries.push(entry)
  }

  /** The mark goes first: see `truncated`. */
  truncate(after: Zxid): readonly Proposal[] {
    invariant(this.covers(after), 'Z19: a log is cut only at an entry it has')
    requireBehind(this.checkpoint.zxid, after)
    const kept = this.entries.filter(each => isAtMost(each.zxid, after))
    const dropped = this.entries.slice(kept.length)
    this.entries = kept
    return dropped
  }

  saveEpochs(epochs: Epochs): Epochs {
    const before = this.epochs
    requireRising(before, epochs)
    this.epochs = epochs
    return before
  }

  /** The switch: the received tree is valid, and the log of the generation before is not. */
  install({ zxid, time, digest, nodes, sessions }: ReplicaImage): readonly Proposal[] {
    const dropped = this.entries
    const generation = this.checkpoint.generation + 1
    const bySession = new Map([...sessions].map(each => [each.session, each]))
    this.checkpoint = { generation, zxid, time, digest, nodes: new Map(nodes), sessions: bySession }
    this.base = zxid
    this.entries = []
    return dropped
  }

  writeCheckpoint({ zxid, time, digest, nodes, sessions }: ReplicaChanges): void {
    invariant(isAtMost(zxid, this.last), 'Z30: a checkpoint is never ahead of its log')
    const { checkpoint } = this
    for (const [path, znode] of nodes) put(checkpoint.nodes, path, znode)
    for (const [session, record] of sessions) put(checkpoint.sessions, session, record)
    this.checkpoint = { ...checkpoint, zxid, time, digest }
  }

  /** History beyond what is to be kept behind the checkpoint goes. */
  purge(entriesKept: number): void {
    const behind = this.entries.findIndex(each => isAfter(each.zxid, this.checkpoint.zxid))
    const drop = (behind === -1 ? this.entries.length : behind) - entriesKept
    if (drop <= 0) return
    this.dropUpTo(this.entries[drop - 1]!.zxid)
  }

  dropUpTo(base: Zxid): void {
    this.base = base
    this.entries = this.entries.filter(each => isAfter(each.zxid, base))
  }
}

export function emptyCheckpoint(): Checkpoint {
  return { generation: 1, zxid: ZERO, time: 0, digest: EMPTY_DIGEST, nodes: new Map(), sessions: new Map() }
}

function put<K, V>(map: Map<K, V>, key: K, value: V | undefined): void {
  if (value === undefined) map.delete(key)
  else map.set(key, value)
}
