/**
 * The log: one LevelDB value per group commit, in the database log/, under its first entry's zxid.
 *
 * Always holds: what is on disk in the current generation, above the base, is one chain (Z14); an append that resolved is in it, synced;
 * the durable mark is never ahead. Groups at or before the base, or of another generation, are void and cleared when there is time.
 * A purge writes the new base, synced, before it deletes. LevelDB shows a value only after its sync, so readers see durable entries only.
 * Before: the host's log writer. After: recovery (log-scan.ts), DIFF syncs (read).
 */
import { decodeGroup, encodeGroup, recordOf } from '../../codec/record.js'
import { ZooKeeperError } from '../../model/errors.js'
import { invariant } from '../../model/invariant.js'
import type { Proposal } from '../../model/proposal.js'
import { formatZxid, isAfter, isAtMost, sameZxid, type Zxid } from '../../model/zxid.js'
import { HistoryPins, type LogRetention } from '../log-retention.js'
import type { LostHistory } from '../storage.js'
import { requireChained } from '../storage-order.js'
import { type Database, type Operation, putSynced, WHAT_TO_DO, writeBatch } from './database.js'
import type { DurableMark } from './durable-mark.js'
import { decodeWords, encodeWords } from './fixed-record.js'
import { BASE_KEY, groupKey, groupsOf, groupsOutside, type KeyRange, zxidOfGroupKey } from './keys.js'
import { readGroup, type ScannedLog, scanLog } from './log-scan.js'
import { LogSegments } from './log-segments.js'

const BASE_VERSION = 1
const BATCH_BYTES = 256 * 1024
const BATCH_ENTRIES = 1000
const GROUPS_PER_READ = 64
const READING = { highWaterMarkBytes: BATCH_BYTES, fillCache: false } as const

/** What the tree says of the log: entries of `generation` behind `chainBase` explain it up to `zxid`. */
export interface LogFoundation {
  readonly generation: number
  readonly chainBase: Zxid
  readonly zxid: Zxid
}

export class LogStore {
  readonly #database: Database
  readonly #mark: DurableMark
  #generation: number
  /** What the tree has: older history may go. */
  #checkpoint: Zxid
  #base: Zxid
  #last: Zxid
  #segments: LogSegments
  #bytesSinceCheckpoint: number
  readonly #pins = new HistoryPins()
  #historyLost: ((lost: LostHistory) => void) | undefined

  private constructor(database: Database, mark: DurableMark, tree: LogFoundation, base: Zxid, scanned: ScannedLog) {
    this.#database = database
    this.#mark = mark
    this.#generation = tree.generation
    this.#checkpoint = tree.zxid
    this.#base = base
    this.#last = scanned.last
    this.#segments = scanned.segments
    this.#bytesSinceCheckpoint = scanned.suffixBytes
  }

  static async open(
    database: Database,
    mark: DurableMark,
    tree: LogFoundation,
  ): Promise<{ log: LogStore; scanned: ScannedLog }> {
    const { generation, chainBase, zxid: checkpoint } = tree
    const found = await readBase(database, `${database.location}: the record of its base`)
    const marked = mark.value
    if (found.generation > generation || marked.generation > generation) {
      const newer = Math.max(found.generation, marked.generation)
      const why = `the tree is of generation ${generation}, the log or its mark of ${newer}: an installed snapshot is lost`
      throw new ZooKeeperError(
        'DATA_CORRUPT',
        `${database.location} and its tree do not belong together: ${why}. ${WHAT_TO_DO}`,
      )
    }
    // A crash right after a snapshot was switched to: everything the log and the mark say is of the generation before.
    const base = found.generation === generation ? found.base : chainBase
    if (isAfter(base, checkpoint)) {
      const why = `the tree is at ${formatZxid(checkpoint)}, but the log begins only behind ${formatZxid(base)}`
      throw new ZooKeeperError('DATA_CORRUPT', `${database.location}: a checkpoint is lost: ${why}. ${WHAT_TO_DO}`)
    }
    const required = marked.generation === generation && isAfter(marked.zxid, checkpoint) ? marked.zxid : checkpoint
    const scanned = await scanLog(database, { generation, base, checkpoint, required })
    const begin = scanned.lost?.base ?? base
    const operations = scanned.cut.map((key): Operation => ({ type: 'del', key }))
    if (found.generation !== generation || scanned.lost !== undefined) operations.push(baseRecord(generation, begin))
    if (operations.length > 0) await writeBatch(database, operations)
    mark.advance({ generation, zxid: scanned.last })
    return { log: new LogStore(database, mark, tree, begin, scanned), scanned }
  }

  get last(): Zxid {
    return this.#last
  }
  get base(): Zxid {
    return this.#base
  }
  get bytesSinceCheckpoint(): number {
    return this.#bytesSinceCheckpoint
  }

  async append(proposals: readonly Proposal[]): Promise<void> {
    requireChained(this.#last, proposals)
    const value = encodeGroup(proposals)
    await putSynced(this.#database, groupKey(this.#generation, proposals[0]!.zxid), asBuffer(value))
    const before = this.#last
    this.#last = proposals.at(-1)!.zxid
    this.#segments.add(before, proposals, value.length)
    this.#bytesSinceCheckpoint += value.length
    this.#mark.advance({ zxid: this.#last })
  }

  /** One batch, so a crash leaves the log before or after the cut. The mark goes first: it may be behind, never ahead. */
  async truncate(after: Zxid): Promise<void> {
    if (sameZxid(after, this.#last)) return
    invariant(
      isAtMost(this.#base, after) && isAtMost(after, this.#last),
      `cut at ${formatZxid(after)}, outside of the log`,
    )
    const operations: Operation[] = []
    let gone = 0
    let found = sameZxid(after, this.#base)
    for await (const [key, value] of this.#database.iterator(await this.#rangeFrom(after))) {
      const entries = decodeGroup(value)
      const kept = entries.filter(entry => isAtMost(entry.zxid, after))
      found ||= kept.some(entry => sameZxid(entry.zxid, after))
      if (kept.length === entries.length) continue
      gone += value.length
      if (kept.length === 0) operations.push({ type: 'del', key })
      else {
        const rest = asBuffer(encodeGroup(kept))
        gone -= rest.length
        operations.push({ type: 'put', key, value: rest })
      }
    }
    invariant(found, `cut at ${formatZxid(after)}, which is not in the log`)
    await this.#mark.lower({ zxid: after })
    await writeBatch(this.#database, operations)
    this.#segments.truncate(after, gone)
    this.#last = after
    this.#bytesSinceCheckpoint = Math.max(0, this.#bytesSinceCheckpoint - gone)
  }

  onHistoryLost(listener: (lost: LostHistory) => void): void {
    this.#historyLost = listener
  }

  /** Entries behind `after`; see Storage.readHistory. Each batch takes what is there by then, and only if the chain goes on there. */
  async *read(after: Zxid): AsyncGenerator<readonly Proposal[], void, undefined> {
    const pin = this.#pins.pin(after)
    try {
      for (;;) {
        const batch = await this.#batchBehind(pin.at)
        if (batch.length === 0) return
        yield batch
        pin.at = batch.at(-1)!.zxid
      }
    } finally {
      this.#pins.release(pin)
    }
  }

  async #batchBehind(after: Zxid): Promise<readonly Proposal[]> {
    this.#requireKept(after)
    const batch: Proposal[] = []
    let last = after
    let bytes = 0
    const groups = this.#database.iterator({ ...(await this.#rangeFrom(after)), ...READING })
    try {
      for (;;) {
        const found = await groups.nextv(GROUPS_PER_READ)
        if (found.length === 0) break
        for (const entry of await this.#entriesOf(found, last)) {
          if (isAtMost(entry.zxid, last)) continue
          if (!sameZxid(entry.previous, last)) {
            this.#requireKept(last)
            throw new ZooKeeperError('HISTORY_CONFLICT', `${formatZxid(last)} is no longer in the log`)
          }
          bytes += recordOf(entry).length
          if (batch.length === BATCH_ENTRIES || (batch.length > 0 && bytes > BATCH_BYTES)) return batch
          batch.push(entry)
          last = entry.zxid
        }
      }
    } finally {
      await groups.close()
    }
    if (batch.length === 0) this.#requireKept(after)
    return batch
  }

  async #entriesOf(groups: readonly (readonly [Buffer, Buffer])[], last: Zxid): Promise<readonly Proposal[]> {
    const entries: Proposal[] = []
    for (const [key, value] of groups) {
      const group = readGroup(zxidOfGroupKey(key), value)
      if (typeof group === 'string') {
        await this.#leaveBehind(key, group)
        this.#requireKept(last)
      } else entries.push(...group)
    }
    return entries
  }

  /** The bad group at `bad` and all before it, if the tree has what it led to; else it is damage, and DATA_CORRUPT is thrown. */
  async #leaveBehind(bad: Buffer, reason: string): Promise<void> {
    const cut: Operation[] = [{ type: 'del', key: bad }]
    const generation = this.#generation
    const { lt } = groupsOf(generation)
    for await (const [key, value] of this.#database.iterator({ gt: bad, lt, ...READING })) {
      const group = readGroup(zxidOfGroupKey(key), value)
      if (typeof group === 'string') {
        cut.push({ type: 'del', key })
        continue
      }
      const { previous: base } = group[0]!
      // Purged meanwhile, found by another reader, or a snapshot has been switched to: the reader has what was there when it began.
      if (this.#generation !== generation || !isAfter(base, this.#base)) return
      if (isAfter(base, this.#checkpoint)) break
      this.#base = base
      this.#segments.dropUpTo(base)
      await writeBatch(this.#database, [...cut, baseRecord(generation, base)])
      this.#historyLost?.({ base, reason })
      return
    }
    throw new ZooKeeperError('DATA_CORRUPT', `${this.#database.location} is damaged: ${reason}. ${WHAT_TO_DO}`)
  }

  /** The checkpoint is durable: history beyond what is to be kept may go. `pending` is how much was appended when it began. */
  async checkpointed(
    checkpoint: { readonly zxid: Zxid; readonly time: number },
    pending: number,
    retention: Required<LogRetention>,
  ): Promise<void> {
    this.#bytesSinceCheckpoint = Math.max(0, this.#bytesSinceCheckpoint - pending)
    this.#checkpoint = checkpoint.zxid
    const purged = this.#segments.purge(checkpoint, retention, this.#pins)
    if (purged === undefined) return
    this.#base = purged
    await writeBatch(this.#database, [baseRecord(this.#generation, purged)])
  }

  /** The tree has switched to a snapshot at `base`: the log of the generation before is void. */
  async restart(generation: number, base: Zxid): Promise<void> {
    this.#generation = generation
    this.#checkpoint = base
    this.#base = base
    this.#last = base
    this.#segments = new LogSegments()
    this.#bytesSinceCheckpoint = 0
    await this.#mark.lower({ generation, zxid: base })
    await writeBatch(this.#database, [baseRecord(generation, base)])
  }

  /** What may be cleared when there is time. */
  voidRanges(): readonly KeyRange[] {
    const beforeBase = { gte: groupsOf(this.#generation).gte, lt: behind(groupKey(this.#generation, this.#base)) }
    return [...groupsOutside(this.#generation), beforeBase]
  }

  #requireKept(after: Zxid): void {
    if (!isAfter(this.#base, after)) return
    const why = `history behind ${formatZxid(after)} is gone: the log begins at ${formatZxid(this.#base)}`
    throw new ZooKeeperError('HISTORY_PURGED', why)
  }

  /** From the group that has `zxid` in it, if there is one. */
  async #rangeFrom(zxid: Zxid): Promise<KeyRange> {
    const { gte, lt } = groupsOf(this.#generation)
    const upTo = behind(groupKey(this.#generation, zxid))
    const [key] = await this.#database.keys({ gte, lt: upTo, reverse: true, limit: 1 }).all()
    return { gte: key ?? gte, lt }
  }
}

/** The first key behind `key`. */
function behind(key: Buffer): Buffer {
  return Buffer.concat([key, Buffer.alloc(1)])
}

export async function readBase(database: Database, what: string): Promise<{ generation: number; base: Zxid }> {
  const words = decodeWords(await database.get(BASE_KEY), BASE_VERSION, 3, what) as [number, number, number]
  const [generation, epoch, counter] = words
  return { generation, base: { epoch, counter } }
}

export function baseRecord(generation: number, base: Zxid): Operation {
  return { type: 'put', key: BASE_KEY, value: encodeWords(BASE_VERSION, [generation, base.epoch, base.counter]) }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
