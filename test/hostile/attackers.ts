/**
 * All attackers, in one process of a low priority: those of an operator are other machines, which take nothing of the server's processor but what
 * they make it do. They come from many addresses of 127.0.0.0/8, so that the limits per address do not keep them away.
 *
 * Started with the port, a seed and their niceness; told up to which connection to go. Tells of each ten thousand, and at the end what there was of each kind.
 */
import { setPriority } from 'node:os'
import { SeededRandom } from '../../lib/testing/seeded-random.js'
import { type Attack, Attacker, attacks } from './attacks.js'

export interface Progress {
  readonly connections: number
  /** When all are through. */
  readonly byKind?: readonly (readonly [string, number])[]
}

const AT_ONCE = 48
const STEP = 10_000
const [port, seed, niceness] = process.argv.slice(2).map(Number) as [number, number, number]
const byKind = new Map<string, number>()
let next = 0

const tell = (progress: Progress): void => {
  process.send?.(progress)
}

async function attack(until: number): Promise<void> {
  while (next < until) {
    const number = next++
    const random = new SeededRandom(seed + number, 'hostile')
    const kind = drawn(random)
    byKind.set(kind.name, (byKind.get(kind.name) ?? 0) + 1)
    await kind.run(new Attacker(port, `127.0.${1 + (number % 50)}.${1 + random.below(200)}`, random))
    if (number % STEP === STEP - 1) tell({ connections: number + 1 })
  }
}

function drawn(random: SeededRandom): Attack {
  let draw = random.below(attacks.reduce((sum, { share }) => sum + share, 0))
  for (const attack of attacks) {
    draw -= attack.share
    if (draw < 0) return attack
  }
  return attacks[0]!
}

setPriority(niceness)
process.on('message', async (until: number) => {
  await Promise.all(Array.from({ length: AT_ONCE }, () => attack(until)))
  tell({ connections: next, byKind: [...byKind] })
})
process.on('disconnect', () => process.exit())
