/**
 * Lets a fault wait for its moment: until a peer takes a part that peers have only for milliseconds, as that of a leader in discovery. Left to luck
 * such moments are missed by nearly every fault.
 * Before: strikes.ts and faults.ts. After: coverage.ts counts what was hit.
 */
import type { PeerPhase } from '../../lib/core/peer-status.js'
import type { RoleName } from '../../lib/core/zab/messages.js'
import type { SeededRandom } from '../../lib/testing/seeded-random.js'
import type { SimulatedPeer } from '../../lib/testing/simulated-peer.js'
import type { World } from '../../lib/testing/world.js'

export interface Moment {
  readonly role: RoleName
  readonly phase: PeerPhase
}

/** The shortest part is named twice. */
export const moments: readonly Moment[] = [
  { role: 'looking', phase: 'election' },
  ...(['following', 'leading', 'observing'] as const).flatMap(role =>
    (['discovery', 'synchronization', 'synchronization', 'broadcast'] as const).map(phase => ({ role, phase })),
  ),
]

interface Waiting {
  readonly moment: Moment
  readonly random: SeededRandom
  readonly strike: (peer: SimulatedPeer) => void
}

/** Between the beginning of a part and the fault, mean. */
const INTO_IT_MS = 1.5

export class Aim {
  readonly #world: World
  #waiting: Waiting[] = []

  constructor(world: World) {
    this.#world = world
    world.observe({ statusChanged: (peer, status) => this.#changed(peer, status) })
  }

  /** Strikes whoever comes there first. */
  at(moment: Moment, random: SeededRandom, strike: (peer: SimulatedPeer) => void): void {
    this.#waiting.push({ moment, random, strike })
  }

  giveUp(): void {
    this.#waiting = []
  }

  #changed(peer: SimulatedPeer, status: Moment): void {
    const each = this.#waiting.find(({ moment }) => isIn(moment, status))
    if (each === undefined) return
    this.#waiting = this.#waiting.filter(other => other !== each)
    const { random, moment, strike } = each
    this.#world.after(random.chance(0.5) ? 0 : random.waiting(INTO_IT_MS), () => {
      // It was over sooner: the next one, then.
      if (peer.core === undefined || !isIn(moment, peer.core.status)) this.#waiting.push(each)
      else strike(peer)
    })
  }
}

function isIn(moment: Moment, { role, phase }: Moment): boolean {
  return moment.role === role && moment.phase === phase
}
