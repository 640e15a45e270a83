/**
 * One crash test: three processes, eight writers without pause, kills by a seeded schedule, and the questions afterwards.
 *
 * In the first half of the kills members 2 and 3 keep little history, so that members which come back are sent a snapshot; then all
 * keep everything, and the log tells every write of that half. A seed fixes the kills and what each writer does, not how the machine
 * interleaves them: the same seed finds the same bug often, not always.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Chance } from './chance.js'
import { Cluster, until } from './cluster.js'
import { Ledger } from './ledger.js'
import { loopback } from './network.js'
import type { PlantedBug } from './planted-bugs.js'
import { checkLive, PATIENCE_MS, pause, progress, startMissing } from './settled.js'
import { verifyDisks } from './verify.js'

export interface CrashOptions {
  readonly kills: number
  readonly seed: number
  readonly plant?: PlantedBug | undefined
  readonly say: (line: string) => void
}

export interface CrashResult {
  readonly violations: readonly string[]
  readonly killed: Readonly<Record<KillKind, number>>
  readonly acknowledged: number
  readonly unknown: number
  readonly elections: number
  readonly foundInLog: number
}

type KillKind = 'leader' | 'follower' | 'all'
const kinds: Readonly<Record<KillKind, number>> = { leader: 4, follower: 4, all: 2 }
const KILLS_PER_CHECK = 10
const PACE = { burstPauseMs: 0, sessionTimeoutMs: 3000, observe: false }

export async function runCrashTest({ kills, seed, plant, say }: CrashOptions): Promise<CrashResult> {
  const directory = await mkdtemp(join(tmpdir(), 'vivarium-crash-'))
  const ledger = new Ledger()
  const cluster = new Cluster({ directory, seed, members: 3, network: await loopback(3), pace: PACE }, ledger)
  const chance = new Chance(seed)
  const killed = { leader: 0, follower: 0, all: 0 }
  let foundInLog = 0
  try {
    cluster.logBytesKept = member => (member === 1 ? 1024 ** 3 : 1)
    let planted: PlantedBug | undefined = plant === 'ack-early' ? plant : undefined
    startMissing(cluster, planted)
    await progress(cluster, ledger)
    for (let count = 1; count <= kills && ledger.violations.length === 0; count++) {
      if (count === Math.floor(kills / 2) + 1) cluster.logBytesKept = () => 1024 ** 3
      // The first kills show each kind, whatever the seed.
      const kind = count <= 3 ? (['leader', 'follower', 'all'] as const)[count - 1]! : chance.weighted(kinds)
      await pause(chance.between(50, 1500))
      await until(PATIENCE_MS, () => cluster.leader !== undefined && cluster.running.length > 1, 'leader')
      const leader = cluster.leader!
      const followers = cluster.running.filter(each => each !== leader)
      const victims = kind === 'all' ? cluster.running : [kind === 'leader' ? leader : chance.pick(followers)]
      await cluster.kill(...victims)
      killed[kind] += 1
      say(
        `${String(count).padStart(3)}  kill -9 ${kind} (${victims.join(', ')})  acknowledged ${ledger.counts.acknowledged}`,
      )
      // All members forget the same: if only some did, they would notice themselves.
      planted = plant === 'lose-last-group' && kind !== 'all' ? undefined : plant
      if (chance.next() < 0.3 && victims.length === 1) {
        // The next kill finds this one still away, or catching up.
        void pause(chance.between(0, 2000)).then(() => startMissing(cluster, planted))
        continue
      }
      await pause(chance.between(0, 1000))
      startMissing(cluster, planted)
      await progress(cluster, ledger)
      if (count % KILLS_PER_CHECK === 0 && count < kills) {
        await checkLive(cluster, ledger)
        cluster.resume()
      }
    }
    await pause(2000)
    startMissing(cluster, undefined)
    const live = await checkLive(cluster, ledger)
    await cluster.kill(...cluster.running)
    const verified = await verifyDisks(
      cluster.members.map(member => cluster.dataDir(member)),
      live,
      cluster.established,
      ledger,
    )
    foundInLog = verified.foundInLog
    say(`on disk: ${verified.znodes} znodes, ${verified.transactions} transactions in the longest log`)
  } catch (error) {
    ledger.violation(error instanceof Error ? (error.stack ?? error.message) : String(error))
  } finally {
    await cluster.kill(...cluster.running)
  }
  const { acknowledged, refused, notApplied, unknown } = ledger.counts
  say(
    `${kills} kills (leader ${killed.leader}, follower ${killed.follower}, all ${killed.all}), ` +
      `elections ${cluster.established.length}, snapshots ${cluster.counts.snapshots}, truncations ${cluster.counts.truncations}, ` +
      `sessions expired under a living client ${cluster.counts.expiredSessions}`,
  )
  say(
    `writes: acknowledged ${acknowledged} (${foundInLog} of them found in the log), unknown ${unknown}, ` +
      `not applied ${notApplied}, refused as they should ${refused}; seed ${seed}`,
  )
  if (ledger.violations.length === 0) await rm(directory, { recursive: true, force: true })
  else say(`the data of the members are in ${directory}`)
  return {
    violations: ledger.violations,
    killed,
    acknowledged,
    unknown,
    elections: cluster.established.length,
    foundInLog,
  }
}
