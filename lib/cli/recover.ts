/**
 * The way out of a lost majority: one surviving directory becomes the beginning of a new ensemble, at the price of what only the others had.
 *
 * Always holds: what is not named is not lost. The operator names the last transaction that is kept, and it must be the last one that is intact here; the
 * new ensemble must have a name that these data never had, so that members of the old one are refused (ENSEMBLE_MISMATCH) whenever they come
 * back; what is replaced is kept; and a record of it all stays in the directory. The new directory has an incarnation of its own and says that
 * it is the origin of its ensemble, so that blank members count beside it (Z29).
 * Before: main.ts. After: examination.ts judges, new-beginning.ts makes, storage/level/replacement.ts puts the new in place of the old. docs/operating.md "A lost majority".
 */
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { ZooKeeperError } from '../model/errors.js'
import type { Epochs } from '../model/history.js'
import { formatZxid, sameZxid, ZERO, type Zxid, zxid } from '../model/zxid.js'
import { RECOVERING } from '../storage/level/data-directory.js'
import { decodeIdentity } from '../storage/level/identity.js'
import { LevelStorage } from '../storage/level/level-storage.js'
import type { OfflineDirectory } from '../storage/level/offline-directory.js'
import { BACKUP_PREFIX, RECORDS, Replacement, type ReplacementPlan } from '../storage/level/replacement.js'
import type { StorageIdentity } from '../storage/storage.js'
import { type DataSet, type Examination, examine } from './examination.js'
import { Examiner } from './examiner.js'
import { report, takeOffline } from './fsck.js'
import { build, verify } from './new-beginning.js'
import { versionOfPackage } from './version.js'

export interface RecoverOptions {
  /** As fsck prints it, after "last intact". @example '0x20000000c' */
  readonly acceptLossAfter: string
  /** The name of the new ensemble. */
  readonly ensemble: string
  /** Without it nothing is changed. */
  readonly yes: boolean
}

/**
 * Says what it does, or with `yes: false` what it would do.
 *
 * @example for await (const line of recover('./data/1', { acceptLossAfter: '0x20000000c', ensemble: 'shop-2', yes: true })) console.log(line)
 * Rejects with BAD_ARGUMENTS (what the operator says is not what is there), DATA_DIR_LOCKED, DATA_CORRUPT, DATA_TOO_NEW, STORAGE_FAILED: nothing is
 * changed then, or the same command carries on.
 * @param examiner as fsck's
 */
export async function* recover(
  directory: string,
  options: RecoverOptions,
  examiner?: Examiner,
): AsyncGenerator<string> {
  const accepted = parseZxid(options.acceptLossAfter)
  await requireDataDirectory(directory)
  const taken = await takeOffline(directory, 'vivarium recover', options.yes)
  try {
    const begun = await Replacement.find(taken.location)
    if (begun?.underWay) return yield* carryOn(taken, begun.plan, options)
    const identity = await identityOf(taken)
    if (begun?.plan.incarnation === identity.incarnation) {
      // Everything was in its place; only the scaffold stood.
      await (await Replacement.begin(taken.location, true)).abandon()
      return yield `this recovery had come to its end: ${describe(begun.plan)}`
    }
    await requireNewName(taken, identity, options.ensemble)
    const examination = await examineOnce(taken, examiner)
    const set = chooseSet(examination, accepted)
    const from = `${formatZxid(accepted)}, of ${set.lastIntact!.from === 'checkpoint' ? set.tree.join('/') : 'an empty tree'} and ${set.log.join('/')}`
    yield `peer ${identity.peer} of the ensemble ${JSON.stringify(identity.ensemble)}: everything up to ${from}, begins the ensemble ${JSON.stringify(options.ensemble)}`
    yield `whatever was acknowledged behind ${formatZxid(accepted)} is given up, and so is the ensemble ${JSON.stringify(identity.ensemble)}`
    if (!options.yes) return yield 'nothing has been changed: --yes does it'
    yield* replace(taken, examination, identity, set, options)
  } finally {
    await taken.release()
  }
}

async function* carryOn(
  taken: OfflineDirectory,
  plan: ReplacementPlan,
  { acceptLossAfter, ensemble, yes }: RecoverOptions,
): AsyncGenerator<string> {
  if (plan.ensemble !== ensemble || !sameZxid(parseZxid(plan.acceptLossAfter), parseZxid(acceptLossAfter))) {
    const why = `a recovery was begun with --accept-loss-after ${plan.acceptLossAfter} --ensemble ${plan.ensemble}: it must come to its end first`
    throw new ZooKeeperError('BAD_ARGUMENTS', why)
  }
  yield 'a recovery was begun and has not come to its end'
  if (!yes) return yield 'nothing has been changed: --yes carries it on'
  await (await Replacement.begin(taken.location, false)).carryOut(plan)
  yield `done: ${describe(plan)}`
}

async function* replace(
  taken: OfflineDirectory,
  examination: Examination,
  identity: StorageIdentity,
  set: DataSet,
  options: RecoverOptions,
): AsyncGenerator<string> {
  const replacement = await Replacement.begin(taken.location, true)
  let ready = false
  try {
    const { peer } = identity
    const make = () => new LevelStorage({ dataDir: replacement.place, ensemble: options.ensemble, peer })
    const { incarnation } = await build(make(), taken, set, epochsOf(examination, set))
    await verify(make(), set.lastIntact!.zxid)
    const at = new Date().toISOString()
    const backup = await unusedName(taken.location, `${BACKUP_PREFIX}${at.replace(/[-:]|\.\d+/g, '')}`)
    const common = {
      ensemble: options.ensemble,
      incarnation,
      acceptLossAfter: formatZxid(set.lastIntact!.zxid),
      backup,
    }
    const plan = { ...common, record: recordOf(at, identity, common, examination) }
    await replacement.ready(plan)
    ready = true
    await replacement.carryOut(plan)
    yield `done: ${describe(plan)}`
  } finally {
    if (!ready) await replacement.abandon()
  }
}

/** Two recoveries within a second must not share a backup. */
async function unusedName(directory: string, name: string): Promise<string> {
  const taken = new Set(await readdir(directory))
  let unused = name
  for (let count = 2; taken.has(unused); count++) unused = `${name}-${count}`
  return unused
}

/** Looked at first: the lock would be made where there is none. */
async function requireDataDirectory(directory: string): Promise<void> {
  const names = await readdir(directory).catch((): string[] => [])
  if (names.includes('identity') || names.includes(RECOVERING)) return
  throw new ZooKeeperError('BAD_ARGUMENTS', `${directory} is not the data directory of a peer: it has no identity file`)
}

async function identityOf(taken: OfflineDirectory): Promise<StorageIdentity> {
  const bytes = await taken.read('identity')
  if (bytes !== undefined) return decodeIdentity(bytes, path.join(taken.location, 'identity'))
  const why = `a recovery was begun in ${taken.location}, and its plan is gone: what was there is in ${BACKUP_PREFIX}…`
  throw new ZooKeeperError('DATA_CORRUPT', why)
}

async function examineOnce(taken: OfflineDirectory, examiner: Examiner | undefined): Promise<Examination> {
  const used = examiner ?? new Examiner()
  try {
    return await examine(taken, used)
  } finally {
    if (examiner === undefined) await used.close()
  }
}

/** What a repair has received counts for as much as what it had set aside: the zxid says which is meant. */
function chooseSet({ data, damaged }: Examination, accepted: Zxid): DataSet {
  const sets = damaged === undefined ? [data] : [data, damaged.data]
  for (const part of sets.flatMap(({ examinedLog, examinedTree }) => [examinedLog, examinedTree])) {
    if ('unreadable' in part || part.faults.tooNew === undefined) continue
    throw new ZooKeeperError('DATA_TOO_NEW', `${part.faults.tooNew}; start the release that wrote it`)
  }
  const useful = sets.filter(({ lastIntact }) => lastIntact !== undefined && !sameZxid(lastIntact.zxid, ZERO))
  if (useful.length === 0) throw new ZooKeeperError('DATA_CORRUPT', 'no state is whole here: nothing can be recovered')
  const meant = useful.find(({ lastIntact }) => sameZxid(lastIntact!.zxid, accepted))
  if (meant !== undefined) return meant
  const there = useful.map(({ log, lastIntact }) => `${formatZxid(lastIntact!.zxid)} (${log.join('/')})`).join(' and ')
  throw new ZooKeeperError(
    'BAD_ARGUMENTS',
    `the last transaction that is intact here is ${there}, not ${formatZxid(accepted)}. See vivarium fsck; nothing has been changed`,
  )
}

/** No member of the old ensemble, nor of one that these data belonged to before, must find itself among the new ones. */
async function requireNewName(taken: OfflineDirectory, identity: StorageIdentity, name: string): Promise<void> {
  const bytes = Buffer.byteLength(name)
  if (bytes < 1 || bytes > 255) throw new ZooKeeperError('BAD_ARGUMENTS', 'the name of an ensemble has 1 to 255 bytes')
  const records = (await taken.read(RECORDS))?.toString('utf8') ?? ''
  const former = [...records.matchAll(/^(?:from|to) ensemble (".*"), incarnation [0-9a-f]+$/gm)].map(found => found[1])
  if (name !== identity.ensemble && !former.includes(JSON.stringify(name))) return
  throw new ZooKeeperError(
    'BAD_ARGUMENTS',
    `the new ensemble must not be called ${JSON.stringify(name)}: members of the old one of that name would be taken for its own`,
  )
}

function epochsOf({ mark }: Examination, { examinedLog, lastIntact }: DataSet): Epochs {
  const logged = 'epochs' in examinedLog ? (examinedLog.epochs?.accepted ?? 0) : 0
  const marked = 'fault' in mark ? 0 : mark.mark.epochs.accepted
  return { accepted: Math.max(logged, marked, lastIntact!.zxid.epoch), current: 0, origin: true }
}

function recordOf(
  at: string,
  { ensemble, incarnation, peer }: StorageIdentity,
  plan: Omit<ReplacementPlan, 'record'>,
  examination: Examination,
): string {
  const lines = [
    `recovered ${at} by vivarium ${versionOfPackage()}`,
    `peer ${peer}`,
    `from ensemble ${JSON.stringify(ensemble)}, incarnation ${incarnation}`,
    `to ensemble ${JSON.stringify(plan.ensemble)}, incarnation ${plan.incarnation}`,
    `accepted as the end ${plan.acceptLossAfter}`,
    `kept in ${plan.backup}`,
    'there was',
    ...report(examination).lines.map(line => `  ${line}`),
  ]
  return `${lines.join('\n')}\n`
}

function describe({ ensemble, acceptLossAfter, backup }: ReplacementPlan): string {
  return `the ensemble ${JSON.stringify(ensemble)} begins with ${acceptLossAfter}; what was here before is in ${backup}, a record in ${RECORDS}`
}

/** As formatZxid writes it. */
function parseZxid(text: string): Zxid {
  if (!/^0x[0-9a-f]{1,16}$/i.test(text)) {
    throw new ZooKeeperError('BAD_ARGUMENTS', `${JSON.stringify(text)} is no zxid; fsck prints them, like 0x20000000c`)
  }
  const value = BigInt(text)
  return zxid(Number(value >> 32n), Number(value & 0xffffffffn))
}
