/** What every test of member processes does between its faults: all up again, progress, and the questions to a whole ensemble that stands still. */
import { type Cluster, until } from './cluster.js'
import type { Ledger } from './ledger.js'
import type { PlantedBug } from './planted-bugs.js'

/** On a busy machine the start of a process alone takes seconds. */
export const PATIENCE_MS = 90_000

export function startMissing(cluster: Cluster, plant: PlantedBug | undefined): void {
  for (const member of cluster.members) if (!cluster.running.includes(member)) cluster.start(member, plant)
}

/** Writes are acknowledged again. */
export async function progress(cluster: Cluster, ledger: Ledger): Promise<void> {
  ledger.progress()
  let since = 0
  const again = () => {
    since += ledger.progress()
    return since >= 50 || ledger.violations.length > 0
  }
  await until(PATIENCE_MS, again, `acknowledged write with members ${cluster.running.join(', ')} running`)
}

/**
 * Stops the writers and waits until all replicas are at one zxid with no ephemeral but those of living sessions: then all digests are
 * equal, every acknowledged ephemeral of a living session is there, and every stream shows what its replica holds. The writers stay paused.
 */
export async function checkLive(cluster: Cluster, ledger: Ledger): Promise<{ zxid: bigint; digest: bigint }> {
  await until(
    PATIENCE_MS,
    () => cluster.leader !== undefined && cluster.running.length === cluster.members.length,
    'whole ensemble',
  )
  const sessions = await cluster.pause()
  const giveUpAt = performance.now() + PATIENCE_MS
  for (;;) {
    const states = [...(await cluster.states()).values()]
    const [first] = states
    const settled =
      states.every(({ zxid }) => zxid === first!.zxid) &&
      states.every(({ ephemerals }) => ephemerals.every(({ owner }) => sessions.has(owner))) &&
      states.every(({ unseen }) => unseen.length === 0)
    if (!settled) {
      if (performance.now() > giveUpAt) {
        const zxids = states.map(({ zxid }) => zxid.toString(16)).join(', ')
        const orphans = states.flatMap(({ ephemerals }) => ephemerals.filter(({ owner }) => !sessions.has(owner)))
        ledger.violation(
          `replicas stay at ${zxids}; ephemerals of dead sessions: ${orphans.map(({ path }) => path).join(', ')}; ` +
            `streams that do not show what their replica holds: ${states.flatMap(({ unseen }) => unseen).join(', ')}`,
        )
        return first!
      }
      await pause(100)
      continue
    }
    if (states.some(({ digest }) => digest !== first!.digest)) {
      ledger.violation(
        `at 0x${first!.zxid.toString(16)} the digests are ${states.map(({ digest }) => digest.toString(16)).join(', ')}`,
      )
    }
    const present = new Set(first!.ephemerals.map(({ path }) => path))
    for (const { session, path } of ledger.ephemerals) {
      if (sessions.has(session) && !present.has(path!)) ledger.violation(`${path} of a living session is missing`)
    }
    return first!
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}
