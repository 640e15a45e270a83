/**
 * Data of a member that were found damaged, kept aside in `damaged/` until the ensemble has given this member its history again.
 *
 * Always holds: while `damaged/` exists, this member is not whole, whatever else is in its directory; the first damaged log and tree stay there
 * untouched, for they may be the only copy; `damaged/ready` says that a new log and tree have been made in their place. Setting aside
 * can break off anywhere and is then begun again; it is over by one rename, so that no crash makes the member look whole too early.
 * Before: level-storage.ts (beginRepair, endRepair). docs/format.md "Damaged data".
 */
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { syncDirectory, writeAtomically } from './durable-file.js'

const DAMAGED = 'damaged'
/** What is left of it once the member is whole: to be deleted. */
const DISCARDED = 'discarded'

export interface DamagedData {
  readonly reason: string
  /** False when setting aside has been begun, and no more. */
  readonly ready: boolean
}

/** Undefined for a whole member. */
export async function findDamagedData(location: string): Promise<DamagedData | undefined> {
  if (!(await readdir(location)).includes(DAMAGED)) return undefined
  const names = await readdir(path.join(location, DAMAGED))
  const reason = names.includes('reason') ? await readFile(path.join(location, DAMAGED, 'reason'), 'utf8') : ''
  return { reason: reason || 'the reason was not written down', ready: names.includes('ready') }
}

/** From here on the member is not whole. The caller has the directory's lock until the end. */
export async function beginSettingAside(location: string, reason: string): Promise<void> {
  const place = path.join(location, DAMAGED)
  await mkdir(place, { mode: 0o700, recursive: true })
  await syncDirectory(location)
  const names = await readdir(place)
  await rm(path.join(place, 'ready'), { force: true })
  // Begun again: the first reason is the reason.
  if (!names.includes('ready') && names.includes('reason')) return
  await writeAtomically(path.join(place, 'reason'), Buffer.from(reason))
}

/** What lies in the place of a second one was made by an earlier repair, and is nobody's history. */
export async function setAside(location: string, name: 'log' | 'tree'): Promise<void> {
  const place = path.join(location, DAMAGED)
  if (!(await readdir(location)).includes(name)) return
  if ((await readdir(place)).includes(name)) await rm(path.join(location, name), { recursive: true })
  else await rename(path.join(location, name), path.join(place, name))
  await syncDirectory(place)
  await syncDirectory(location)
}

export async function endSettingAside(location: string): Promise<void> {
  await syncDirectory(location)
  await writeAtomically(path.join(location, DAMAGED, 'ready'), Buffer.alloc(0))
}

/** The member is whole, in one step. */
export async function forgetDamage(location: string): Promise<void> {
  await clearDiscarded(location)
  await rename(path.join(location, DAMAGED), path.join(location, DISCARDED))
  await syncDirectory(location)
}

/** Also after a crash. */
export async function clearDiscarded(location: string): Promise<void> {
  await rm(path.join(location, DISCARDED), { recursive: true, force: true })
}
