/**
 * What all families of faults share: when the next one comes, whom it strikes, that it is counted at the moment it takes effect, and that what lasts
 * for a while ends with the run's faults at the latest.
 * Before: faults.ts makes it. After: network-faults.ts, process-faults.ts, clock-faults.ts.
 */
import type { SeededRandom } from '../../lib/testing/seeded-random.js'
import type { SimulatedPeer } from '../../lib/testing/simulated-peer.js'
import type { World } from '../../lib/testing/world.js'
import { Aim, type Moment, moments } from './aim.js'
import type { Schedule } from './schedule.js'

/** What a run has of one family: drawn in scenario.ts. */
export interface FamilyPlan<Kind extends string> {
  readonly everyMs: number
  readonly kinds: readonly Kind[]
}

/** What a run looks for (seek.ts). */
export interface Sought {
  readonly fault: string
  readonly moment: Moment
}

/** Does one fault of a family to a peer, or beginning with it. Says what it did, if anything. */
export type Cause<Kind extends string> = (
  kind: Kind,
  target: SimulatedPeer,
  random: SeededRandom,
  strikes: Strikes,
) => string | undefined

export class Strikes {
  readonly counts = new Map<string, number>()
  readonly world: World
  readonly #schedule: Schedule
  readonly #aimed: boolean | Sought
  readonly #aim: Aim
  readonly #lasting = new Set<() => void>()
  #active = true

  /** @param aimed whether half of them wait for one of the short moments (aim.ts), or which of them waits for which. */
  constructor(world: World, schedule: Schedule, aimed: boolean | Sought) {
    this.world = world
    this.#schedule = schedule
    this.#aimed = aimed
    this.#aim = new Aim(world)
  }

  get active(): boolean {
    return this.#active
  }

  /** Faults of one family until the end, if this run has any. */
  series<Kind extends string>(family: string, plan: FamilyPlan<Kind> | undefined, cause: Cause<Kind>): void {
    if (plan === undefined || plan.kinds.length === 0) return
    this.#schedule.series(
      family,
      plan.everyMs,
      () => this.#active,
      random => {
        const kind = random.pick(plan.kinds)
        const waits = this.wait(random, kind, peer => cause(kind, peer, random, this))
        return waits ?? cause(kind, this.#target(random), random, this)
      },
    )
  }

  /** What the fault waits for; undefined if it is to happen now. */
  wait(random: SeededRandom, kind: string, strike: (peer: SimulatedPeer) => string | undefined): string | undefined {
    const moment = this.#momentFor(random, kind)
    if (moment === undefined) return undefined
    const strikes = (peer: SimulatedPeer): void => {
      const what = this.#active ? strike(peer) : undefined
      if (what !== undefined) this.world.note(`aimed: ${what}`)
      // There was nothing to be done about this one: the next.
      else if (this.#active) this.#aim.at(moment, random, strikes)
    }
    this.#aim.at(moment, random, strikes)
    return `${kind} waits for ${moment.role} in ${moment.phase}`
  }

  #momentFor(random: SeededRandom, kind: string): Moment | undefined {
    if (typeof this.#aimed === 'object') return kind === this.#aimed.fault ? this.#aimed.moment : undefined
    return !this.#aimed || random.chance(0.5) ? undefined : random.pick(moments)
  }

  /** A fault takes effect, now, on these peers, which are still what they were. */
  hit(kind: string, ...peers: readonly SimulatedPeer[]): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1)
    this.world.struck(kind, ...peers)
  }

  /** Undoes it when its time is over, or, when that is never, with the end of all faults. */
  lasting(ms: number, undo: () => void): void {
    const end = (): void => {
      if (this.#lasting.delete(end)) undo()
    }
    this.#lasting.add(end)
    if (ms !== Number.POSITIVE_INFINITY) this.world.after(ms, end)
  }

  heal(): void {
    this.#active = false
    this.#aim.giveUp()
    for (const end of [...this.#lasting]) end()
  }

  #target(random: SeededRandom): SimulatedPeer {
    const leader = this.world.livePeers.find(each => each.core!.status.role === 'leading')
    return leader !== undefined && random.chance(0.4) ? leader : random.pick([...this.world.peers.values()])
  }
}
