/**
 * A report about a stopped peer's data directory, of which it changes nothing: what is there, what is wrong with it, how a start would take it.
 *
 * Before: main.ts. After: examination.ts looks, this judges and words. docs/operating.md "Looking at a data directory".
 */
import { tmpdir } from 'node:os'
import { formatDigest } from '../model/digest.js'
import { ZooKeeperError } from '../model/errors.js'
import { formatZxid, isAfter, later, zxid } from '../model/zxid.js'
import { RECOVERING } from '../storage/level/data-directory.js'
import { OfflineDirectory } from '../storage/level/offline-directory.js'
import { BACKUP_PREFIX, RECORDS } from '../storage/level/replacement.js'
import { type DataSet, type Examination, examine } from './examination.js'
import { type ExaminedLog, type ExaminedTree, Examiner } from './examiner.js'

/**
 * `mendable`: a start mends it by itself, or, of a member of several, the others do. `damaged`: it needs an operator.
 */
export type Verdict = 'sound' | 'mendable' | 'damaged'

export interface FsckReport {
  readonly verdict: Verdict
  readonly lines: readonly string[]
}

/**
 * @example const { verdict, lines } = await fsck('./data/1')
 * @param examiner for who has several directories to look at; closed by whoever made it
 * Rejects with DATA_DIR_LOCKED, STORAGE_FAILED, and BAD_ARGUMENTS where there is no data directory.
 */
export async function fsck(directory: string, examiner?: Examiner): Promise<FsckReport> {
  const taken = await takeOffline(directory, 'vivarium fsck')
  const used = examiner ?? new Examiner()
  try {
    return report(await examine(taken, used))
  } finally {
    if (examiner === undefined) await used.close()
    await taken.release()
  }
}

export async function takeOffline(directory: string, opener: string, toChange = false): Promise<OfflineDirectory> {
  try {
    return await OfflineDirectory.take(directory, opener, tmpdir(), toChange)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error
    throw new ZooKeeperError('BAD_ARGUMENTS', `${directory} is not a directory`)
  }
}

/** What is wrong, as far as it matters, beside what is said of it. */
class Judgement {
  readonly lines: string[] = []
  readonly #found: Record<Exclude<Verdict, 'sound'>, string[]> = { mendable: [], damaged: [] }

  say(line: string): void {
    this.lines.push(line)
  }

  find(verdict: Exclude<Verdict, 'sound'>, what: string): void {
    this.#found[verdict].push(what)
  }

  end(): FsckReport {
    const { damaged, mendable } = this.#found
    const verdict = damaged.length > 0 ? 'damaged' : mendable.length > 0 ? 'mendable' : 'sound'
    const what = [...damaged, ...mendable].join('; ')
    this.say(verdict === 'sound' ? 'verdict: sound' : `verdict: ${verdict}: ${what}`)
    return { verdict, lines: this.lines }
  }
}

const OTHERS_REPAIR = 'a member of several is repaired by the others when it starts, one that is alone refuses'

export function report(examination: Examination): FsckReport {
  const judgement = new Judgement()
  const firstStart = examination.names.includes('first-start') && !examination.names.includes('identity')
  describeFiles(examination, judgement, firstStart)
  if (firstStart) judgement.find('mendable', 'a first start that was broken off: the next one begins it again')
  const { data, damaged } = examination
  const place = damaged?.ready === true ? 'mendable' : undefined
  describeSet(examination, data, firstStart || damaged?.ready === false ? undefined : (place ?? 'judge'), judgement)
  if (damaged !== undefined) {
    judgement.say(
      `damaged/: ${damaged.ready ? 'being repaired' : 'setting aside was begun'}: ${damaged.reason ?? 'no reason is written down'}`,
    )
    describeSet(examination, damaged.data, undefined, judgement)
    judgement.find('mendable', `it was found damaged; ${OTHERS_REPAIR}`)
  }
  return judgement.end()
}

function describeFiles({ names, identity, owner, mark }: Examination, judgement: Judgement, firstStart: boolean): void {
  if ('fault' in identity) {
    judgement.say(`identity: ${identity.fault}`)
    if (names.includes(RECOVERING))
      judgement.find('damaged', 'a recovery has not come to its end: give its command again')
    else if (!firstStart) judgement.find('damaged', identity.tooNew ? TOO_NEW : 'nobody can tell whose data these are')
  } else {
    const { peer, ensemble, incarnation } = identity
    judgement.say(`identity: peer ${peer} of the ensemble ${JSON.stringify(ensemble)}, incarnation ${incarnation}`)
  }
  judgement.say(`owner: ${owner === undefined ? 'nobody' : `nobody now; not closed by ${owner}`}`)
  if ('fault' in mark) {
    judgement.say(`mark: ${mark.fault}`)
    if (!firstStart)
      judgement.find('damaged', mark.tooNew ? TOO_NEW : 'the durable mark is lost, and the epochs are in doubt')
  } else {
    const { generation, zxid, epochs } = mark.mark
    const halves = mark.intact ? '' : '; one of its halves is damaged'
    judgement.say(
      `mark: ${formatZxid(zxid)} of generation ${generation}, epochs accepted ${epochs.accepted}, current ${epochs.current}${halves}`,
    )
    if (!mark.intact) judgement.find('mendable', 'one half of the durable mark is damaged: the next write replaces it')
  }
  if (names.includes(RECORDS)) judgement.say(`${RECORDS}: it has been made the beginning of another ensemble`)
  const others = names.filter(name => !KNOWN.has(name) && !name.startsWith(BACKUP_PREFIX))
  if (others.length > 0) judgement.say(`besides: ${others.join(', ')}`)
}

/** Of these the report speaks, or there is nothing to say. */
const KNOWN: ReadonlySet<string> = new Set([
  ...['identity', 'owner', 'mark', 'lock', 'log', 'tree', 'damaged', 'discarded', 'first-start', 'identity.new'],
  ...[RECORDS, 'lost+found'],
])
const TOO_NEW = 'a later release wrote it: start that one'

/** @param weight what a fault of it means: to be judged, always mendable (what a repair has got so far), or nothing. */
function describeSet(
  examination: Examination,
  set: DataSet,
  weight: 'judge' | 'mendable' | undefined,
  judgement: Judgement,
): void {
  const { examinedLog: log, examinedTree: tree, lastIntact } = set
  const { mark } = examination
  const find = (verdict: 'mendable' | 'damaged', what: string): void => {
    if (weight !== undefined) judgement.find(weight === 'judge' ? verdict : 'mendable', what)
  }
  /** Log or tree are lost: others can fill them when the epochs are beyond doubt. */
  const lost = (what: string): void => {
    if ('fault' in mark || !mark.intact) find('damaged', `${what}, and the epochs are in doubt`)
    else find('mendable', `${what}; ${OTHERS_REPAIR}`)
  }
  const named = (place: readonly string[]) => place.join('/')

  for (const [place, part] of [
    [set.log, log],
    [set.tree, tree],
  ] as const) {
    if ('unreadable' in part) {
      judgement.say(`${named(place)}: ${part.unreadable}`)
      lost(`${named(place)} cannot be ${part.aborted ? 'read' : 'opened'}`)
    } else if (part.label === "another directory's") {
      judgement.say(`${named(place)}: comes from another data directory`)
      find('damaged', 'directories were mixed up')
    } else if (part.label === 'damaged') lost(`the label of ${named(place)} is damaged`)
  }
  for (const place of set.tornEdits)
    find('mendable', `a power cut has left the MANIFEST of ${place} ahead of its tables: a start takes that back`)
  for (const { file, why } of set.damagedFiles) judgement.say(`${file}: ${why}`)
  if (set.damagedFiles.length > 0) lost(`${set.damagedFiles.map(({ file }) => file).join(', ')} damaged`)
  if (!('unreadable' in log)) describeLog(named(set.log), log, judgement)
  if (!('unreadable' in tree)) describeTree(named(set.tree), tree, judgement)
  for (const part of [log, tree]) {
    if (!('unreadable' in part) && part.faults.tooNew !== undefined) find('damaged', TOO_NEW)
  }
  if (!('unreadable' in tree) && !tree.whole) lost('the tree is not whole')
  if (!('unreadable' in log)) judgeLog(examination, log, 'unreadable' in tree ? undefined : tree, find, lost)
  if (!('unreadable' in tree) && tree.journalChunks > 0)
    find('mendable', 'a checkpoint is not carried over yet: a start does it')
  const how = lastIntact?.from === 'empty tree' ? ', from the log alone' : ''
  judgement.say(`last intact: ${lastIntact === undefined ? 'nothing' : formatZxid(lastIntact.zxid)}${how}`)
}

/** As opening does: storage/level/log-scan.ts, level-storage.ts. */
function judgeLog(
  { mark }: Examination,
  log: ExaminedLog,
  tree: ExaminedTree | undefined,
  find: (verdict: 'mendable' | 'damaged', what: string) => void,
  lost: (what: string) => void,
): void {
  const marked = 'fault' in mark ? undefined : mark.mark
  const checkpoint = tree?.checkpoint
  if (log.epochs === undefined) lost('the epochs of the log are unreadable')
  else if (
    marked !== undefined &&
    (log.epochs.accepted < marked.epochs.accepted || log.epochs.current < marked.epochs.current)
  )
    lost('the log has older epochs than were promised')
  const first = log.runs[0]
  if (first === undefined || !log.complete) lost('the log cannot be read to its end')
  else if (checkpoint !== undefined) {
    const { generation, zxid } = checkpoint
    if (Math.max(log.generation ?? 0, marked?.generation ?? 0) > generation) lost('an installed snapshot is lost')
    else if (isAfter(first.from, zxid)) lost('a checkpoint is lost')
    else {
      const required = marked?.generation === generation ? later(marked.zxid, zxid) : zxid
      const behind = `what lies behind ${formatZxid(first.to)} in the log`
      // As opening takes it: where the chain goes on before the checkpoint, only history is lost.
      const onward = log.runs.findLast(run => run !== first && !isAfter(run.from, zxid) && !isAfter(first.to, run.from))
      if (isAfter(zxid, first.to) && onward !== undefined && !isAfter(required, onward.to)) {
        const upTo = formatZxid(onward.from)
        find('mendable', `history up to ${upTo} is damaged, and the tree does without it: a start lets go of it`)
      } else if (isAfter(required, first.to))
        lost(`${behind}, acknowledged up to ${formatZxid(required)}, is lost or unreadable`)
      else if (log.runs.length > 1 || log.faults.count > 0) {
        find('mendable', `${behind} is torn, but was never promised: a start cuts it`)
      }
    }
  }
}

function describeLog(name: string, log: ExaminedLog, judgement: Judgement): void {
  const { epochs, base, groups, transactions, bytes, runs, leftovers, faults } = log
  if (epochs !== undefined) {
    const { accepted, current, origin } = epochs
    judgement.say(
      `${name}: epochs accepted ${accepted}, current ${current}${origin ? ', the origin of its ensemble' : ''}`,
    )
  }
  if (base !== undefined) {
    judgement.say(
      `${name}: behind ${formatZxid(base)}, ${transactions} transactions in ${groups} groups, ${bytes} bytes; checksums and chain ` +
        `${faults.count === 0 ? 'hold' : 'are broken'}`,
    )
  }
  for (const run of runs) {
    if (run !== runs[0]) judgement.say(`${name}: goes on behind ${formatZxid(run.from)}`)
    for (const { epoch, first, last } of run.ranges) {
      judgement.say(`  epoch ${epoch}: ${formatZxid(zxid(epoch, first))} to ${formatZxid(zxid(epoch, last))}`)
    }
  }
  describeRest(name, leftovers, faults, judgement)
}

function describeTree(name: string, tree: ExaminedTree, judgement: Judgement): void {
  const { checkpoint, digest, znodes, sessions, journalChunks, leftovers, faults, whole } = tree
  if (checkpoint !== undefined) {
    const { zxid, generation, number } = checkpoint
    const counts = `${znodes} znodes, ${sessions} sessions`
    judgement.say(`${name}: checkpoint ${number} at ${formatZxid(zxid)}, generation ${generation}: ${counts}`)
    if (journalChunks > 0) judgement.say(`${name}: ${journalChunks} journal chunks, to be carried over`)
    if (znodes > 0) {
      const found = digest === undefined ? 'cannot be computed' : formatDigest(digest)
      const saved = whole ? 'as saved' : `saved as ${formatDigest(checkpoint.digest)}`
      judgement.say(`${name}: digest ${found}, ${saved}`)
    }
  }
  describeRest(name, leftovers, faults, judgement)
}

function describeRest(name: string, leftovers: number, faults: ExaminedLog['faults'], judgement: Judgement): void {
  if (leftovers > 0) judgement.say(`${name}: ${leftovers} void entries, which will be cleared when there is time`)
  for (const fault of faults.named) judgement.say(`  ${fault}`)
  if (faults.count > faults.named.length) judgement.say(`  and ${faults.count - faults.named.length} more`)
}
