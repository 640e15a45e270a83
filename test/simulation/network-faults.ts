/**
 * Faults of links and networks that came later than those of faults.ts (invariants §4.1): links that deliver nothing for a while and then all of it, readers that
 * are slow, delays with a long tail, links that break again and again, and partitions by their shapes.
 *
 * Always holds: what a link carries keeps its order, and what is lost is the rest of it; a partition here is undone pair by pair, so two of them may overlap.
 */
import type { PeerId } from '../../lib/model/ids.js'
import type { SeededRandom } from '../../lib/testing/seeded-random.js'
import type { SimulatedPeer } from '../../lib/testing/simulated-peer.js'
import type { Strikes } from './strikes.js'

export const networkFaultKinds = [
  'clog',
  'swizzle',
  'slowReader',
  'delayTail',
  'breakingLinks',
  'cutOne',
  'cutMinority',
  'cutBridge',
  'cutRing',
] as const
export type NetworkFault = (typeof networkFaultKinds)[number]

/** A tenth of §4.1, as all times of this world. */
const TAIL_MS = 500
const LASTS_MS = 2500

/** Whether nothing goes from `a` to `b` any more. */
type IsCut = (a: SimulatedPeer, b: SimulatedPeer) => boolean

export function causeNetworkFault(
  kind: NetworkFault,
  target: SimulatedPeer,
  random: SeededRandom,
  strikes: Strikes,
): string | undefined {
  const { network } = strikes.world
  const all = [...strikes.world.peers.values()]
  const others = all.filter(each => each !== target)
  if (others.length === 0) return undefined
  const other = random.pick(others)
  const cutWhere = (isCut: IsCut) => cut(kind, all, isCut, random, strikes)
  switch (kind) {
    case 'clog':
      return clog(target, other, random, strikes)
    case 'swizzle':
      return swizzle(target, others, random, strikes)
    case 'slowReader': {
      const everyMs = random.between(0.5, 60)
      const release = network.slowReader(other.id, target.id, everyMs)
      if (release === undefined) return undefined
      strikes.lasting(random.between(100, LASTS_MS), release)
      strikes.hit(kind, target, other)
      return `${kind} ${target.id} of ${other.id}`
    }
    case 'delayTail': {
      const { world } = strikes
      world.delayTail = { chance: random.between(0.001, 0.1), ms: random.between(20, TAIL_MS) }
      strikes.lasting(random.between(200, LASTS_MS), () => {
        world.delayTail = { chance: 0, ms: 0 }
      })
      strikes.hit(kind, ...all)
      return kind
    }
    case 'breakingLinks': {
      // Each as soon as it stands, or before.
      for (let atMs = 0; atMs < 1000; atMs += random.waiting(100)) {
        const [a, b] = [random.chance(0.6) ? target : random.pick(all), random.pick(all)]
        strikes.world.after(atMs, () => {
          if (!strikes.active || a === b || !network.reset(a.id, b.id, random.pick([0, 0, 300]))) return
          strikes.hit(kind, a, b)
        })
      }
      return `${kind} ${target.id}`
    }
    case 'cutOne':
      return cutWhere((a, b) => (a === target) !== (b === target))
    case 'cutMinority': {
      // Of any size; the target is on the smaller side.
      const size = 1 + random.below(Math.max(1, Math.floor((all.length - 1) / 2)))
      const minority = new Set([target, ...shuffled(others, random).slice(0, size - 1)])
      return cutWhere((a, b) => minority.has(a) !== minority.has(b))
    }
    case 'cutBridge': {
      // The target alone hears both sides.
      const side = new Set(others.filter((_, index) => index % 2 === 0))
      if (others.length < 2) return undefined
      return cutWhere((a, b) => a !== target && b !== target && side.has(a) !== side.has(b))
    }
    case 'cutRing': {
      // Each hears its neighbours, and no two hear the same ones.
      if (all.length < 4) return undefined
      const ring = shuffled(all, random)
      const reach = Math.floor(all.length / 4)
      return cutWhere((a, b) => {
        const apart = Math.abs(ring.indexOf(a) - ring.indexOf(b))
        return Math.min(apart, ring.length - apart) > reach
      })
    }
  }
}

/** One link, in one direction or both. */
function clog(a: SimulatedPeer, b: SimulatedPeer, random: SeededRandom, strikes: Strikes): string | undefined {
  const { network } = strikes.world
  const releases = [network.clog(a.id, b.id), random.chance(0.5) ? network.clog(b.id, a.id) : undefined]
  const clogged = releases.filter(each => each !== undefined)
  if (clogged.length === 0) return undefined
  for (const release of clogged) strikes.lasting(random.between(20, 500), release)
  strikes.hit('clog', a, b)
  return `clog ${a.id} ${b.id}`
}

/** One after the other; let go in another order. */
function swizzle(
  target: SimulatedPeer,
  others: readonly SimulatedPeer[],
  random: SeededRandom,
  strikes: Strikes,
): string | undefined {
  const { world } = strikes
  const chosen = shuffled(others, random).slice(0, 2 + random.below(others.length))
  let atMs = 0
  for (const other of chosen) {
    world.after(atMs, () => {
      const release = strikes.active ? world.network.clog(target.id, other.id) : undefined
      if (release === undefined) return
      strikes.lasting(random.between(100, 1500), release)
      strikes.hit('swizzle', target, other)
    })
    atMs += random.between(0, 60)
  }
  return `swizzle ${target.id} to ${chosen.map(each => each.id)}`
}

function cut(
  kind: NetworkFault,
  all: readonly SimulatedPeer[],
  isCut: IsCut,
  random: SeededRandom,
  strikes: Strikes,
): string | undefined {
  const { network } = strikes.world
  const pairs: [PeerId, PeerId][] = []
  const struck = new Set<SimulatedPeer>()
  for (const a of all)
    for (const b of all) {
      if (a === b || !isCut(a, b)) continue
      pairs.push([a.id, b.id])
      struck.add(a)
    }
  if (pairs.length === 0) return undefined
  strikes.hit(kind, ...struck)
  for (const [a, b] of pairs) {
    network.block(a, b)
    if (random.chance(0.3)) network.reset(a, b, random.between(0, 500))
  }
  strikes.lasting(random.between(100, LASTS_MS), () => {
    for (const [a, b] of pairs) network.unblock(a, b)
  })
  return `${kind} ${pairs.map(([a, b]) => `${a}>${b}`)}`
}

function shuffled<T>(values: readonly T[], random: SeededRandom): T[] {
  const result = [...values]
  for (let index = result.length - 1; index > 0; index--) {
    const other = random.below(index + 1)
    const value = result[index]!
    result[index] = result[other]!
    result[other] = value
  }
  return result
}
