/**
 * Reads the log once, at open, and judges it (D1, D3, Z14): every record's CRC and the chain from the base. Where it ends, or breaks:
 * at or above `required` what follows is torn, never promised to anyone, and is cut; below it something acknowledged is lost, unless the tree
 * has it: what is bad behind the checkpoint only makes the history shorter. The log then begins where the chain begins that leads on from there
 * without a fault, over the checkpoint, to the end.
 * Before: LogStore.open. `required` is the later of durable mark and checkpoint.
 */
import { decodeGroup } from '../../codec/record.js'
import { ZooKeeperError } from '../../model/errors.js'
import type { HistorySummary } from '../../model/history.js'
import type { Proposal } from '../../model/proposal.js'
import { formatZxid, isAfter, isAtMost, sameZxid, type Zxid } from '../../model/zxid.js'
import { HistoryRanges } from '../history-ranges.js'
import type { LostHistory } from '../storage.js'
import { type Database, WHAT_TO_DO } from './database.js'
import { reasonOf } from './fail-stop.js'
import { groupsOf, zxidOfGroupKey } from './keys.js'
import { LogSegments } from './log-segments.js'

export interface ScanRange {
  readonly generation: number
  readonly base: Zxid
  /** Entries behind it are handed out. */
  readonly checkpoint: Zxid
  readonly required: Zxid
}

export interface ScannedLog {
  readonly last: Zxid
  readonly suffix: readonly Proposal[]
  readonly suffixBytes: number
  readonly history: HistorySummary
  readonly segments: LogSegments
  /** Keys of what is torn, or bad: to be deleted, together with the new base. */
  readonly cut: readonly Buffer[]
  readonly lost: LostHistory | undefined
}

export async function scanLog(
  database: Database,
  { generation, base, checkpoint, required }: ScanRange,
): Promise<ScannedLog> {
  let ranges = new HistoryRanges(base)
  let segments = new LogSegments()
  const suffix: Proposal[] = []
  let suffixBytes = 0
  let last = base
  /** What breaks the chain, and is not behind us. */
  let broken: string | undefined
  let lost: LostHistory | undefined
  const cut: Buffer[] = []

  const groups = database.iterator({ ...groupsOf(generation), highWaterMarkBytes: 1 << 20, fillCache: false })
  try {
    for (let reading = groups.nextv(100); ; ) {
      const found = await reading
      if (found.length === 0) break
      reading = groups.nextv(100)
      for (const [key, value] of found) {
        const first = zxidOfGroupKey(key)
        if (first !== undefined && isAtMost(first, base)) continue
        const group = readGroup(first, value)
        if (typeof group === 'string') {
          broken ??= group
          cut.push(key)
          continue
        }
        const [{ zxid, previous }] = group as [Proposal]
        if (!sameZxid(previous, last))
          broken ??= `${formatZxid(zxid)} follows ${formatZxid(previous)}, not ${formatZxid(last)}`
        if (broken !== undefined) {
          // Behind the checkpoint nothing may be missing; and an end that was cut once must not come back as history.
          if (isAfter(previous, checkpoint) || isAfter(last, previous)) {
            cut.push(key)
            continue
          }
          lost = { base: previous, reason: broken }
          broken = undefined
          last = previous
          ranges = new HistoryRanges(last)
          segments = new LogSegments()
        }
        const before = last
        for (const entry of group) {
          last = entry.zxid
          ranges.add(last)
          if (isAfter(last, checkpoint)) suffix.push(entry)
        }
        segments.add(before, group, value.length)
        if (isAfter(last, checkpoint)) suffixBytes += value.length
      }
    }
  } finally {
    await groups.close()
  }

  if (isAfter(required, last)) {
    const why = broken ?? 'it ends there'
    throw new ZooKeeperError(
      'DATA_CORRUPT',
      `${database.location} is damaged: entries behind ${formatZxid(last)}, at least up to ${formatZxid(required)}, were acknowledged and ` +
        `are lost or unreadable (${why}). ${WHAT_TO_DO}`,
    )
  }
  return { last, suffix, suffixBytes, history: ranges.summary(), segments, cut, lost }
}

/** The group, or what is wrong with it by itself. An intact group of a later version is no damage: DATA_TOO_NEW is thrown. */
export function readGroup(first: Zxid | undefined, value: Buffer): readonly Proposal[] | string {
  if (first === undefined) return 'a key of a wrong form'
  try {
    const group = decodeGroup(value)
    const wrong = wrongIn(group, first, group[0]?.previous ?? first)
    return wrong === undefined ? group : `at ${formatZxid(first)}: ${wrong}`
  } catch (error) {
    if (!(error instanceof ZooKeeperError) || error.code !== 'DATA_CORRUPT') throw error
    return `at ${formatZxid(first)}: ${reasonOf(error)}`
  }
}

export function wrongIn(group: readonly Proposal[], first: Zxid, last: Zxid): string | undefined {
  if (group.length === 0) return 'an empty group'
  if (!sameZxid(group[0]!.zxid, first)) return `the group of ${formatZxid(group[0]!.zxid)}`
  let before = last
  for (const { previous, zxid } of group) {
    if (!sameZxid(previous, before) || !isAfter(zxid, before)) {
      return `${formatZxid(zxid)} follows ${formatZxid(previous)}, not ${formatZxid(before)}`
    }
    before = zxid
  }
  return undefined
}
