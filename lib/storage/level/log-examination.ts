/**
 * What a log database holds, all of it: every record's checksum and the chain, from the base to the end, beyond places where it breaks too.
 *
 * A run is a stretch of the log whose records are intact and follow one another without a gap. A whole log is one run, from its base. What
 * opening would keep is the first run; what can be saved beside a tree is the run that the tree's checkpoint lies in.
 * Only reads; on a copy, since LevelDB writes when it opens. Before: cli/examiner.ts. docs/format.md "Log".
 */
import { decodeGroup } from '../../codec/record.js'
import type { EpochRange, Epochs } from '../../model/history.js'
import type { Proposal } from '../../model/proposal.js'
import { formatZxid, isAfter, isAtMost, sameZxid, type Zxid } from '../../model/zxid.js'
import { HistoryRanges } from '../history-ranges.js'
import { wrongIn } from '../log-judge.js'
import type { Database } from './database.js'
import { readEpochs } from './epoch-store.js'
import { type FaultList, Faults } from './examination-faults.js'
import { groupsOf, groupsOutside, zxidOfGroupKey } from './keys.js'
import { readBase } from './log-store.js'
import { entriesOf } from './tree-examination.js'

export interface LogRun {
  /** `previous` of its first record. */
  readonly from: Zxid
  readonly to: Zxid
  readonly ranges: readonly EpochRange[]
  /** The checkpoint's zxid is `from`, or one of its records. */
  readonly hasCheckpoint: boolean
}

export interface LogExamination {
  readonly epochs?: Epochs
  /** Of the base record. */
  readonly generation?: number
  /** What the first record must follow. */
  readonly base?: Zxid
  readonly groups: number
  readonly transactions: number
  readonly bytes: number
  /** At least one, from the base, if there is a base. */
  readonly runs: readonly LogRun[]
  /** Groups that count for nothing: before the base, or of another generation. */
  readonly leftovers: number
  /** Read to its end: what is wrong is wrong with single records. */
  readonly complete: boolean
  /** Where it breaks, besides what else is wrong. */
  readonly faults: FaultList
}

/** What the tree says of the log; without a tree, the log speaks for itself. */
export interface TreeSays {
  readonly generation: number
  readonly chainBase: Zxid
  readonly zxid: Zxid
}

export async function examineLog(database: Database, tree: TreeSays | undefined): Promise<LogExamination> {
  const faults = new Faults()
  const found = { groups: 0, transactions: 0, bytes: 0, leftovers: 0 }
  const epochs = await faults.during('the record of the epochs', () => readEpochs(database, 'the record of the epochs'))
  const record = await faults.during('the record of the base', () => readBase(database, 'the record of the base'))
  const generation = tree?.generation ?? record?.generation
  // Right after a switch to a snapshot the record is of the generation before.
  const base = record !== undefined && record.generation === generation ? record.base : tree?.chainBase
  const said = {
    ...(epochs === undefined ? {} : { epochs }),
    ...(record === undefined ? {} : { generation: record.generation }),
    ...(base === undefined ? {} : { base }),
  }
  if (generation === undefined || base === undefined) return { ...said, ...found, runs: [], complete: false, faults }

  const runs = [new Run(base, tree?.zxid)]
  const complete = await faults.during('the groups', async () => {
    for await (const [key, value] of entriesOf(database, groupsOf(generation))) {
      const first = zxidOfGroupKey(key)
      if (first !== undefined && isAtMost(first, base)) {
        found.leftovers++
        continue
      }
      found.groups++
      found.bytes += value.length
      const at = first === undefined ? 'a key of a wrong form' : `at ${formatZxid(first)}`
      faults.check(`behind ${formatZxid(runs.at(-1)!.to)}, ${at}`, () => {
        if (first === undefined) throw new Error('not read')
        const group = decodeGroup(value)
        found.transactions += group.length
        const wrong = wrongIn(group, first, runs.at(-1)!.to)
        if (wrong === undefined) {
          runs.at(-1)!.add(group)
          return
        }
        // Intact in itself, it may begin a run of its own.
        if (wrongIn(group, first, group[0]?.previous ?? first) === undefined) {
          runs.push(new Run(group[0]!.previous, tree?.zxid))
          runs.at(-1)!.add(group)
        }
        throw new Error(wrong)
      })
    }
    return true
  })
  await faults.during('what is left over', async () => {
    for (const range of groupsOutside(generation)) for await (const _ of entriesOf(database, range)) found.leftovers++
  })
  return { ...said, ...found, runs: runs.map(run => run.summary()), complete: complete === true, faults }
}

/** The records behind `after` up to `last`, of the run that has both. What else lies there is passed over. */
export async function* readRun(
  database: Database,
  generation: number,
  after: Zxid,
  last: Zxid,
): AsyncGenerator<readonly Proposal[]> {
  let at = after
  for await (const [key, value] of entriesOf(database, groupsOf(generation))) {
    if (zxidOfGroupKey(key) === undefined) continue
    const taken: Proposal[] = []
    for (const entry of intact(value)) {
      if (!sameZxid(entry.previous, at) || isAfter(entry.zxid, last)) continue
      at = entry.zxid
      taken.push(entry)
    }
    if (taken.length > 0) yield taken
  }
}

function intact(value: Buffer): readonly Proposal[] {
  try {
    return decodeGroup(value)
  } catch {
    // Examined before: it is not of the run.
    return []
  }
}

class Run {
  readonly #from: Zxid
  readonly #checkpoint: Zxid | undefined
  readonly #ranges: HistoryRanges
  #to: Zxid
  #hasCheckpoint: boolean

  constructor(from: Zxid, checkpoint: Zxid | undefined) {
    this.#from = from
    this.#to = from
    this.#checkpoint = checkpoint
    this.#ranges = new HistoryRanges(from)
    this.#hasCheckpoint = checkpoint !== undefined && sameZxid(from, checkpoint)
  }

  get to(): Zxid {
    return this.#to
  }

  add(group: readonly Proposal[]): void {
    for (const { zxid } of group) {
      this.#ranges.add(zxid)
      this.#to = zxid
      if (this.#checkpoint !== undefined && sameZxid(zxid, this.#checkpoint)) this.#hasCheckpoint = true
    }
  }

  summary(): LogRun {
    const { ranges } = this.#ranges.summary()
    return { from: this.#from, to: this.#to, ranges, hasCheckpoint: this.#hasCheckpoint }
  }
}
