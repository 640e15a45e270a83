/**
 * A new data directory made beside the old contents, and put in their place; the old ones are kept, moved and not copied, in a folder of their own.
 *
 *   recovering/            while it is under way: new/ (a whole data directory), plan
 *   before-recovery-…/     what was replaced
 *   recovered              text, one record a time: who replaced what by what, and why
 *
 * Always holds: until the old `identity` is moved away, the old contents are as they were, and a peer starts from them. From then on there is no
 * `identity`, so no peer starts and none repairs, until everything else is in its place and the new one comes last. Every move is
 * synced before the next, and a replacement that broke off is carried on by its plan: each step sees what has been done. The caller has the
 * directory's lock (offline-directory.ts), which stays where it is.
 * Before: cli/recover.ts. docs/format.md "Recovery".
 */
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { crc32 } from '../../codec/checksum.js'
import { ZooKeeperError } from '../../model/errors.js'
import { RECOVERING } from './data-directory.js'
import { syncDirectory, writeAtomically } from './durable-file.js'

const PLAN = 'plan'
const NEW = 'new'
export const RECORDS = 'recovered'
export const BACKUP_PREFIX = 'before-recovery-'
/** What a new directory brings; its identity comes last. */
const REPLACED = ['mark', 'log', 'tree'] as const
const LEFT_BEHIND = ['damaged', 'discarded', 'owner', 'first-start', 'identity.new'] as const

export interface ReplacementPlan {
  /** Of the new directory. */
  readonly ensemble: string
  readonly incarnation: string
  /** As the operator named it. */
  readonly acceptLossAfter: string
  /** The folder that what is replaced goes to. */
  readonly backup: string
  /** Text to be added to `recovered`. */
  readonly record: string
}

export class Replacement {
  readonly #location: string

  private constructor(location: string) {
    this.#location = location
  }

  /** The plan of a replacement that was begun, if it came so far: `underWay` when the old identity is gone already. */
  static async find(location: string): Promise<{ plan: ReplacementPlan; underWay: boolean } | undefined> {
    const names = await readdir(location)
    if (!names.includes(RECOVERING)) return undefined
    if (!(await readdir(path.join(location, RECOVERING))).includes(PLAN)) return undefined
    const plan = decodePlan(await readFile(path.join(location, RECOVERING, PLAN), 'utf8'))
    return { plan, underWay: !names.includes('identity') }
  }

  /** `anew`: what an earlier one has made, and not put in its place, is deleted. */
  static async begin(location: string, anew: boolean): Promise<Replacement> {
    const replacement = new Replacement(location)
    const place = path.join(location, RECOVERING)
    if (anew) await rm(place, { recursive: true, force: true })
    await mkdir(place, { mode: 0o700, recursive: true })
    await syncDirectory(location)
    return replacement
  }

  /** Where the new data directory is to be made. */
  get place(): string {
    return path.join(this.#location, RECOVERING, NEW)
  }

  /** The new directory is whole, and on disk. */
  async ready(plan: ReplacementPlan): Promise<void> {
    await syncDirectory(this.place)
    await syncDirectory(path.join(this.#location, RECOVERING))
    await writeAtomically(path.join(this.#location, RECOVERING, PLAN), Buffer.from(encodePlan(plan)))
  }

  /** Also from where an earlier one broke off. */
  async carryOut({ backup, record }: ReplacementPlan): Promise<void> {
    const location = this.#location
    const old = path.join(location, backup)
    await mkdir(old, { mode: 0o700, recursive: true })
    await syncDirectory(location)
    const made = async () => readdir(this.place)
    if ((await made()).includes('identity')) await move(location, 'identity', old)
    for (const name of LEFT_BEHIND) await move(location, name, old)
    for (const name of REPLACED) {
      // Gone from there, it is in its place.
      if (!(await made()).includes(name)) continue
      await move(location, name, old)
      await move(this.place, name, location)
    }
    await this.#addRecord(record)
    await move(this.place, 'identity', location)
    await this.abandon()
  }

  /** Deletes what has been made; once the new identity is in its place, that is nothing any more. */
  async abandon(): Promise<void> {
    await rm(path.join(this.#location, RECOVERING), { recursive: true, force: true })
    await syncDirectory(this.#location)
  }

  async #addRecord(record: string): Promise<void> {
    const file = path.join(this.#location, RECORDS)
    const before = (await readdir(this.#location)).includes(RECORDS) ? await readFile(file, 'utf8') : ''
    if (before.endsWith(record)) return
    await writeAtomically(file, Buffer.from(before === '' ? record : `${before}\n${record}`))
  }
}

/** If it is there. */
async function move(from: string, name: string, to: string): Promise<void> {
  if (!(await readdir(from)).includes(name)) return
  await rename(path.join(from, name), path.join(to, name))
  await syncDirectory(to)
  await syncDirectory(from)
}

function encodePlan(plan: ReplacementPlan): string {
  const text = JSON.stringify(plan)
  return `${text}\n${crc32(Buffer.from(text))}\n`
}

function decodePlan(text: string): ReplacementPlan {
  const [json, checksum] = text.split('\n')
  if (checksum !== String(crc32(Buffer.from(json!)))) {
    const where = `its parts are in ${RECOVERING}/${NEW}, what it replaces in ${BACKUP_PREFIX}…`
    throw new ZooKeeperError('DATA_CORRUPT', `the plan of a recovery that was begun is damaged: ${where}`)
  }
  return JSON.parse(json!) as ReplacementPlan
}
