/**
 * Faults of processes that came later than those of faults.ts (invariants §4.3): crashes at named points, again and again during recovery, of one peer after
 * another, of every leader; long standstills; steps that take long.
 *
 * Always holds: a crash loses what was not durable and nothing else; who stands still, or is slow, hears everything, in order and late.
 */
import { crashPoints, rareCrashPoints } from '../../lib/testing/crash-points.js'
import type { SeededRandom } from '../../lib/testing/seeded-random.js'
import type { SimulatedPeer } from '../../lib/testing/simulated-peer.js'
import type { Strikes } from './strikes.js'

export const processFaultKinds = [
  'crashAtPoint',
  'crashInRecovery',
  'rollingCrash',
  'crashLeaders',
  'longPause',
  'slowSteps',
] as const
export type ProcessFault = (typeof processFaultKinds)[number]

const RECOVERIES = 5
const RARE_POINTS = 3
/** What a step takes at least when steps are slow; they may take a thousand times that. */
const STEP_MS = 0.03
const SESSION_TIMEOUTS = 10

export class ProcessFaults {
  /** How often a peer has crashed at each named point. */
  readonly points = new Map<string, number>()
  readonly #strikes: Strikes
  /** Named points at which somebody is to crash, and how often they are passed before. */
  readonly #armed = new Map<string, number>()
  /** Peers whose next starts end in a crash: how many of them. */
  readonly #recovering = new Map<SimulatedPeer, { times: number; readonly random: SeededRandom }>()

  readonly #named: readonly string[]
  readonly #rare: readonly string[]

  /** @param points at which to crash; all of them, and a few that hardly anybody comes past besides, when undefined. */
  constructor(strikes: Strikes, points: readonly string[] | undefined) {
    this.#strikes = strikes
    this.#named = points ?? crashPoints
    this.#rare = points ?? rareCrashPoints
    strikes.world.observe({ started: peer => this.#started(peer) })
  }

  cause(kind: ProcessFault, target: SimulatedPeer, random: SeededRandom): string | undefined {
    const strikes = this.#strikes
    const { world } = strikes
    switch (kind) {
      case 'crashAtPoint':
        return this.#crashAt(random.pick(this.#named), random)
      case 'crashInRecovery':
        if (!target.isUp) return undefined
        this.#recovering.set(target, { times: 1 + random.below(RECOVERIES), random })
        this.#crash(kind, target, random)
        return `${kind} ${target.id}`
      case 'rollingCrash': {
        const gapMs = random.between(30, 700)
        const peers = [...world.peers.values()]
        for (const [index, peer] of peers.entries()) world.after(index * gapMs, () => this.#crash(kind, peer, random))
        return kind
      }
      case 'crashLeaders': {
        // Whoever it is by then.
        for (let times = 1 + random.below(4); times > 0; times--)
          world.after(times * random.between(50, 900), () => {
            const leader = world.livePeers.find(each => each.core!.status.role === 'leading')
            if (leader !== undefined) this.#crash(kind, leader, random)
          })
        return kind
      }
      case 'longPause': {
        if (!target.isUp || target.isPaused) return undefined
        const { tickMs, sessionTimeoutMinMs } = world.protocol
        strikes.hit(kind, target)
        target.pause()
        // Half of them short: there are to be others after it.
        const timeouts = random.chance(0.5) ? 1 : SESSION_TIMEOUTS
        strikes.lasting(random.between(tickMs, timeouts * sessionTimeoutMinMs), () => target.resume())
        return `${kind} ${target.id}`
      }
      case 'slowSteps': {
        if (!target.isUp || target.stepMs !== undefined) return undefined
        const times = 10 ** random.between(0, 3)
        strikes.hit(kind, target)
        target.stepMs = () => random.waiting(STEP_MS * times)
        strikes.lasting(random.between(100, 2000), () => {
          target.stepMs = undefined
        })
        return `${kind} ${target.id} ${times}`
      }
    }
  }

  /** Whoever comes past it first, or a little later. */
  #crashAt(point: string, random: SeededRandom): string {
    // And a few that hardly anybody comes past.
    const rare = Array.from({ length: RARE_POINTS }, () => random.pick(this.#rare))
    for (const each of [point, ...rare]) this.#armed.set(each, random.chance(0.7) ? 0 : random.below(10))
    const asks = (at: string, peer: SimulatedPeer): boolean => {
      const passes = this.#armed.get(at)
      if (passes === undefined) return false
      if (passes > 0) this.#armed.set(at, passes - 1)
      else {
        this.#armed.delete(at)
        this.points.set(at, (this.points.get(at) ?? 0) + 1)
        this.#strikes.hit('crashAtPoint', peer)
      }
      return passes === 0
    }
    const peers = [...this.#strikes.world.peers.values()]
    for (const peer of peers) peer.crashesAtPoint = asks
    this.#strikes.lasting(Number.POSITIVE_INFINITY, () => {
      for (const peer of peers) peer.crashesAtPoint = undefined
    })
    return `crashAtPoint ${[point, ...rare].join(', ')}`
  }

  /** Back for a moment, it goes again. */
  #started(peer: SimulatedPeer): void {
    const recovering = this.#recovering.get(peer)
    if (recovering === undefined || !this.#strikes.active) return
    if (recovering.times-- <= 0) this.#recovering.delete(peer)
    else
      this.#strikes.world.after(recovering.random.waiting(15), () =>
        this.#crash('crashInRecovery', peer, recovering.random),
      )
  }

  #crash(kind: ProcessFault, peer: SimulatedPeer, random: SeededRandom): void {
    if (!this.#strikes.active || !peer.isUp) return
    this.#strikes.hit(kind, peer)
    peer.crash(random.chance(0.3))
  }
}
