/**
 * What a store makes of a disk when it opens it, in the order of storage/level/level-storage.ts: identity, mark, epochs, tree, log. Judges the log by
 * the same code (storage/log-judge.ts).
 *
 * Always holds: it returns what may be relied on, or throws; DATA_CORRUPT with `repairable` when another member can bring back what is lost: identity and
 * epochs are not in doubt. Reads only; what follows from it is simulated-disk.ts's to do.
 */
import { ZooKeeperError } from '../model/errors.js'
import type { Epochs, HistorySummary } from '../model/history.js'
import type { Proposal } from '../model/proposal.js'
import { formatZxid, isAfter, type Zxid } from '../model/zxid.js'
import { LogJudge, wrongWithEpochs } from '../storage/log-judge.js'
import type { Checkpoint, DiskContent } from './disk-content.js'
import { type DiskFlaws, readTree } from './disk-flaws.js'

export interface Opened {
  readonly epochs: Epochs
  readonly checkpoint: Checkpoint
  readonly suffix: readonly Proposal[]
  readonly history: HistorySummary
  /** What lies behind it was torn, and is cut. */
  readonly last: Zxid
}

export class DiskOpening {
  readonly #content: DiskContent
  readonly #flaws: DiskFlaws

  constructor(content: DiskContent, flaws: DiskFlaws) {
    this.#content = content
    this.#flaws = flaws
  }

  open(): Opened {
    const { mark: file, base } = this.#content
    if (!this.#isOwn()) throw corrupt('identity: it is damaged, so nobody can tell whose data these are')
    for (const name of ['mark', 'log', 'tree'] as const) this.#requireThere(name)
    const mark = file.read()
    if (mark === undefined) throw corrupt('mark: both halves are damaged')
    const epochs = this.#epochs(mark.epochs)
    const checkpoint = this.#read('tree', () => readTree(this.#content, this.#flaws))
    if (mark.generation > checkpoint.generation) throw corrupt('tree: an installed snapshot is lost')
    if (isAfter(base, checkpoint.zxid))
      throw corrupt(`log: it begins only behind ${formatZxid(base)}: a checkpoint is lost`)
    const counts = mark.generation === checkpoint.generation && isAfter(mark.zxid, checkpoint.zxid)
    const judge = new LogJudge({ base, checkpoint: checkpoint.zxid, required: counts ? mark.zxid : checkpoint.zxid })
    this.#readLog(judge)
    if (judge.damage !== undefined) throw corrupt(`log: ${judge.damage}`)
    const { suffix, history, last } = judge
    return { epochs, checkpoint, suffix, history, last }
  }

  /** Whether a new log and tree may take the place of these: whose they are and what was promised is beyond doubt. */
  get repairable(): boolean {
    return this.#isOwn() && !this.#flaws.missing.has('mark') && this.#content.mark.intact
  }

  #isOwn(): boolean {
    return this.#flaws.identity === undefined
  }

  /** D8: what was there once is never made anew. */
  #requireThere(name: 'mark' | 'log' | 'tree'): void {
    if (this.#flaws.missing.has(name)) throw corrupt(`${name}: it is missing, though this directory has been in use`)
  }

  #epochs(marked: Epochs): Epochs {
    const { epochs: flaw } = this.#flaws
    const found = flaw === undefined ? this.#content.epochs : this.#read('epochs', () => flaw.found?.read())
    if (found === undefined) throw corrupt('epochs: they are missing')
    const wrong = wrongWithEpochs(found, marked)
    if (wrong !== undefined) throw corrupt(`epochs: the record ${wrong}`)
    return found
  }

  /** Each entry under its key, in their order, as LevelDB would list them. */
  #readLog(judge: LogJudge): void {
    for (const entry of this.#content.entries) {
      const found = this.#flaws.entry(entry)
      if (found === undefined) continue
      judge.take(entry.zxid, this.#group(found))
    }
    if (this.#flaws.tornTail) judge.take(this.#content.last, 'torn')
  }

  #group(found: { read(): Proposal }): readonly Proposal[] | string {
    try {
      return [found.read()]
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    }
  }

  #read<T>(what: string, read: () => T): T {
    try {
      return read()
    } catch (error) {
      throw corrupt(`${what}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
}

export function corrupt(why: string): ZooKeeperError {
  return new ZooKeeperError('DATA_CORRUPT', why)
}
