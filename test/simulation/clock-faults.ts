/**
 * Faults of clocks that came later than those of faults.ts (invariants §4.4): monotonic clocks that run at half or twice the rate, timers that are late all at
 * once, wall clocks that are a year off, or show the same everywhere.
 *
 * Always holds: monotonic time never goes back; what is measured on one peer's clock is held against that clock by the checkers.
 */
import type { SeededRandom } from '../../lib/testing/seeded-random.js'
import type { SimulatedPeer } from '../../lib/testing/simulated-peer.js'
import type { Strikes } from './strikes.js'

export const clockFaultKinds = ['drift', 'lateTimers', 'wallYear', 'equalWalls'] as const
export type ClockFault = (typeof clockFaultKinds)[number]

const YEAR_MS = 365 * 24 * 3600 * 1000
/** A tenth of §4.4, as all times of this world. */
const LATE_MS = 500
const LASTS_MS = 3000

export function causeClockFault(
  kind: ClockFault,
  target: SimulatedPeer,
  random: SeededRandom,
  strikes: Strikes,
): string | undefined {
  const all = [...strikes.world.peers.values()]
  const lastsMs = random.between(200, LASTS_MS)
  switch (kind) {
    case 'drift': {
      if (target.clock.rate !== 1) return undefined
      const rate = 2 ** random.between(-1, 1)
      strikes.hit(kind, target)
      target.drift(rate)
      strikes.lasting(lastsMs, () => target.drift(1))
      return `${kind} ${target.id} ${rate}`
    }
    case 'lateTimers': {
      // Those of all peers go off in one moment; or of one.
      const late = random.chance(0.5) ? all : [target]
      const everyMs = 10 ** random.between(1, Math.log10(LATE_MS))
      strikes.hit(kind, ...late)
      for (const { clock } of late) clock.timersEveryMs = everyMs
      strikes.lasting(lastsMs, () => {
        for (const { clock } of late) clock.timersEveryMs = 0
      })
      return `${kind} ${late.map(each => each.id)} ${everyMs}`
    }
    case 'wallYear': {
      const step = Math.floor(random.between(-1, 1) * YEAR_MS)
      strikes.hit(kind, target)
      target.clock.wallOffsetMs += step
      return `${kind} ${target.id} ${step}`
    }
    case 'equalWalls': {
      const { wall } = target.now()
      strikes.hit(kind, ...all)
      for (const { clock } of all) clock.wallStandsAt = wall
      strikes.lasting(lastsMs, () => {
        for (const { clock } of all) clock.wallStandsAt = undefined
      })
      return kind
    }
  }
}
