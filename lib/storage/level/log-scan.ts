/**
 * Reads the log once, at open: every record's CRC, and by log-judge.ts the chain from the base and what its end means (D1, D3, Z14). What is
 * torn is cut; where something acknowledged is lost, opening fails; what is bad behind the checkpoint only makes the history shorter.
 * Before: LogStore.open. `required` is the later of durable mark and checkpoint.
 */
import { decodeGroup } from '../../codec/record.js'
import { ZooKeeperError } from '../../model/errors.js'
import type { HistorySummary } from '../../model/history.js'
import type { Proposal } from '../../model/proposal.js'
import { formatZxid, isAfter, isAtMost, type Zxid } from '../../model/zxid.js'
import { type LogBounds, LogJudge, wrongIn } from '../log-judge.js'
import type { LostHistory } from '../storage.js'
import { type Database, WHAT_TO_DO } from './database.js'
import { reasonOf } from './fail-stop.js'
import { groupsOf, zxidOfGroupKey } from './keys.js'
import { LogSegments } from './log-segments.js'

export interface ScanRange extends LogBounds {
  readonly generation: number
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

export async function scanLog(database: Database, { generation, ...bounds }: ScanRange): Promise<ScannedLog> {
  const judge = new LogJudge(bounds)
  let segments = new LogSegments()
  let suffixBytes = 0
  const cut: Buffer[] = []

  const groups = database.iterator({ ...groupsOf(generation), highWaterMarkBytes: 1 << 20, fillCache: false })
  try {
    for (let reading = groups.nextv(100); ; ) {
      const found = await reading
      if (found.length === 0) break
      reading = groups.nextv(100)
      for (const [key, value] of found) {
        const first = zxidOfGroupKey(key)
        if (first !== undefined && isAtMost(first, bounds.base)) continue
        const group = readGroup(first, value)
        const verdict = judge.take(first, group)
        if (verdict === 'cut' || typeof group === 'string') {
          cut.push(key)
          continue
        }
        if (verdict === 'begins') segments = new LogSegments()
        segments.add(group[0]!.previous, group, value.length)
        if (isAfter(judge.last, bounds.checkpoint)) suffixBytes += value.length
      }
    }
  } finally {
    await groups.close()
  }

  const { last, suffix, history, damage, lost } = judge
  if (damage !== undefined)
    throw new ZooKeeperError('DATA_CORRUPT', `${database.location} is damaged: ${damage}. ${WHAT_TO_DO}`)
  return { last, suffix, suffixBytes, history, segments, cut, lost }
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
