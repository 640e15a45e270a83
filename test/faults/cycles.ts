/**
 * What goes wrong in one cycle, by kind of phase: does it, says since when service is possible again, and undoes it.
 *
 * A fault that leaves a majority is held until the others serve again (that is what is measured), and for a while by chance; one that leaves
 * none is held for a while only. After: fault-run.ts measures, waits for everybody, and asks the questions.
 */
import type { Chance } from '../crash/chance.js'
import type { Cluster, MemberNumber } from '../crash/cluster.js'
import { until } from '../crash/cluster.js'
import type { Network } from '../crash/network.js'
import type { PlantedBug } from '../crash/planted-bugs.js'
import { PATIENCE_MS, pause, startMissing } from '../crash/settled.js'
import type { ProxyNetwork, Weather } from './proxy.js'
import { partition, shapes } from './shapes.js'

const phaseKinds = ['kill', 'partition', 'link', 'pause'] as const
export type PhaseKind = (typeof phaseKinds)[number]

export interface CycleSetting {
  readonly cluster: Cluster
  readonly network: Network
  readonly chance: Chance
  readonly plant: PlantedBug | undefined
  /** Counts from 0. */
  readonly cycle: number
  /** The longest time that a member stands still. */
  readonly pauseMsMax: number
  /** Resolves when a write at one of these members that began after `since` has been acknowledged. */
  readonly resumed: (since: bigint, at: readonly MemberNumber[]) => Promise<void>
}

export interface Fault {
  readonly kind: string
  readonly what: string
  /** From when on nothing keeps the ensemble from serving (nanoseconds). */
  readonly since: bigint
  /** Where it must. */
  readonly at: readonly MemberNumber[]
}

export function inflict(kind: PhaseKind, setting: CycleSetting): Promise<Fault> {
  return { kill, partition: split, link: disturb, pause: standStill }[kind](setting)
}

async function kill({ cluster, chance, plant, cycle }: CycleSetting): Promise<Fault> {
  const leader = cluster.leader!
  const followers = cluster.running.filter(each => each !== leader)
  const kinds = { leader: 4, follower: 3, 'leader and followers': 2, all: 2 }
  const kind = cycle < 4 ? (Object.keys(kinds) as (keyof typeof kinds)[])[cycle]! : chance.weighted(kinds)
  const minority = Math.floor((cluster.members.length - 1) / 2)
  const victims = {
    leader: () => [leader],
    follower: () => [chance.pick(followers)],
    // A minority of five; of three more than may be lost.
    'leader and followers': () => [leader, ...followers.slice(0, Math.max(1, minority - 1))],
    all: () => cluster.running,
  }[kind]()
  const before = now()
  await cluster.kill(...victims)
  const left = cluster.members.length - victims.length
  await pause(chance.between(0, 1000))
  // Members with a planted bug have it from their first start to their last.
  startMissing(cluster, plant)
  const enough = Math.floor(cluster.members.length / 2) + 1
  const what = victims.join(', ')
  const { members } = cluster
  if (left >= enough) return { kind, what, since: before, at: members.filter(each => !victims.includes(each)) }
  const open = (): bigint[] =>
    cluster.running.flatMap(each => cluster.openedAt(each) ?? []).sort((a, b) => (a < b ? -1 : 1))
  await until(PATIENCE_MS, () => open().length >= enough, 'majority of open peers')
  return { kind, what, since: open()[enough - 1]!, at: members }
}

async function split({ cluster, network, chance, cycle, resumed }: CycleSetting): Promise<Fault> {
  const chosen = partition(shapes[cycle % shapes.length]!, cluster.members, cluster.leader!, chance)
  await network.cut(chosen.cut)
  let since = now()
  const { shape: kind, what, serving } = chosen
  if (serving.length > 0) await resumed(since, serving)
  await pause(chance.between(0, serving.length > 0 ? 3000 : 6000))
  if (serving.length > 0) {
    await network.cut([])
    return { kind, what, since, at: serving }
  }
  await network.cut([])
  since = now()
  return { kind, what, since, at: cluster.members }
}

async function standStill({ cluster, chance, cycle, pauseMsMax, resumed }: CycleSetting): Promise<Fault> {
  const leader = cluster.leader!
  const followers = cluster.members.filter(each => each !== leader)
  const kinds = { leader: 6, follower: 2, 'leader and a follower': 2 }
  const kind = cycle === 0 ? 'leader' : chance.weighted(kinds)
  const who =
    kind === 'leader' ? [leader] : kind === 'follower' ? [chance.pick(followers)] : [leader, chance.pick(followers)]
  // Every third time as long as it gets; else anything.
  const ms = cycle % 3 === 0 ? pauseMsMax : chance.between(200, pauseMsMax)
  cluster.stop(...who)
  let since = now()
  const rest = cluster.members.filter(each => !who.includes(each))
  const majority = rest.length > cluster.members.length / 2
  const began = performance.now()
  // So short a pause may go unnoticed: then the old leader goes on.
  const noticed = ms >= pauseMsMax / 2
  const demanded = majority && noticed
  if (demanded) await resumed(since, rest)
  await pause(Math.max(0, ms - (performance.now() - began)))
  cluster.continue(...who)
  if (!demanded) since = now()
  const at = demanded ? rest : cluster.members
  return { kind: `${kind} stands still`, what: `${who.join(', ')} for ${ms} ms`, since, at }
}

async function disturb({ cluster, network, chance, cycle }: CycleSetting): Promise<Fault> {
  const proxy = network as ProxyNetwork
  const leader = cluster.leader!
  const weathers: Readonly<Record<string, () => Weather>> = {
    'late links': () => ({ delayMs: chance.between(20, 200) }),
    'slow links': () => ({ bytesPerSecond: chance.between(20_000, 100_000) }),
    'clogged links': () => ({ clogged: true }),
    'links reset in the middle': () => ({ resetAfterBytes: chance.between(1, 30_000) }),
  }
  const names = Object.keys(weathers)
  const name = names[cycle % names.length]!
  const weather = weathers[name]!()
  const victim = chance.next() < 0.6 ? leader : chance.pick(cluster.members)
  const everywhere = name !== 'clogged links' && chance.next() < 0.3
  proxy.weather((from, to) => (everywhere || from === victim || to === victim ? weather : undefined))
  await pause(chance.between(1000, 5000))
  const since = now()
  proxy.weather(() => undefined)
  const what = `${everywhere ? 'all' : `of member ${victim}`}: ${JSON.stringify(weather)}`
  return { kind: name, what, since, at: cluster.members }
}

function now(): bigint {
  return process.hrtime.bigint()
}

export function whoServes(cluster: Cluster): MemberNumber[] {
  return cluster.running.filter(each => cluster.status(each)?.serving)
}
