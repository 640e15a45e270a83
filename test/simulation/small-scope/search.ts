/**
 * Depth first over the events of the small world, each state once: a state is known by 53 bits of a hash over its parts. The order of events is
 * drawn from a seed; after a number of new states the search begins again at the end of a random walk, so that a limited search sees more than
 * the last few steps of one path.
 *
 * Ends with the first violation and the events that lead to it; or when enough states, or all of them, have been seen.
 */
import { createHash } from 'node:crypto'
import { SeededRandom } from '../../../lib/testing/seeded-random.js'
import { check } from './checks.js'
import { LocalStates } from './local-states.js'
import { SmallWorld } from './small-world.js'
import { type Event, keyOf, type Scope, type State, type Violation } from './state.js'

export interface SearchOptions {
  readonly scope: Scope
  readonly states: number
  readonly seed: number
  /** Every state of the scope, in one go: it never begins again elsewhere. @default false */
  readonly all?: boolean
}

export interface SearchResult {
  readonly states: number
  readonly steps: number
  readonly localStates: number
  /** Steps that were taken by two ways, with the same effects. */
  readonly checkedSteps: number
  readonly deepest: number
  /** Every state of the scope was seen. */
  readonly complete: boolean
  readonly violation: Violation | undefined
  /** What leads to it. */
  readonly path: readonly string[]
  /** Of all states, how many had so much in them. */
  readonly seen: {
    readonly acknowledged: number
    readonly epochs: number
    readonly crashed: number
    readonly cut: number
  }
}

interface Frame {
  readonly state: State
  readonly events: Event[]
  readonly name: string
}

/** New states before the search begins again elsewhere. */
const PATIENCE = 500
/** Peers that link and part for ever get so far. */
const DEPTH_MAX = 400

export function search({ scope, states: wanted, seed, all = false }: SearchOptions): SearchResult {
  const locals = new LocalStates()
  const world = new SmallWorld(locals)
  const random = new SeededRandom(seed, 'small scope')
  const known = new Set<number>()
  const seen = { acknowledged: 0, epochs: 0, crashed: 0, cut: 0 }
  let steps = 0
  let deepest = 0
  let complete = false
  let cutShort = false
  const stack: Frame[] = []
  const result = (violation?: Violation, last?: string): SearchResult => ({
    states: known.size,
    steps,
    localStates: locals.size,
    checkedSteps: locals.checked,
    deepest,
    complete,
    violation,
    path:
      violation === undefined ? [] : [...stack.slice(1).map(each => each.name), ...(last === undefined ? [] : [last])],
    seen,
  })
  const push = (state: State, name: string): void => {
    stack.push({ state, events: shuffled(world.events(state), random), name })
    deepest = Math.max(deepest, stack.length)
  }
  /** True for a state that was not known. */
  const visit = (state: State): boolean => {
    const hash = hashOf(state)
    if (known.has(hash)) return false
    known.add(hash)
    check(state)
    const { ghost, left, cut } = state
    if (ghost.asked.some(({ session }) => session !== undefined)) seen.acknowledged += 1
    if (ghost.leaders.length > 1) seen.epochs += 1
    if (left.crashes < scope.crashes) seen.crashed += 1
    if (cut !== undefined) seen.cut += 1
    return true
  }
  let last = ''
  try {
    for (;;) {
      stack.length = 0
      const begin = settled(world, world.begin(scope))
      push(begin, 'begin')
      visit(begin)
      // A walk through states known or not, each of them as good as any.
      for (let length = all ? 0 : random.below(120); length > 0; length--) {
        const { events } = stack.at(-1)!
        const event = events.pop()
        if (event === undefined) break
        last = event.name
        const state = event.apply()
        steps += 1
        visit(state)
        push(state, last)
      }
      last = ''
      const until = all ? Number.POSITIVE_INFINITY : known.size + PATIENCE
      while (stack.length > 0 && known.size < until) {
        if (known.size >= wanted) return result()
        const { events } = stack.at(-1)!
        const event = events.pop()
        if (event === undefined || stack.length > DEPTH_MAX) {
          cutShort ||= event !== undefined
          stack.pop()
          continue
        }
        last = event.name
        const state = event.apply()
        steps += 1
        if (visit(state)) push(state, last)
        last = ''
      }
      if (all) {
        complete = !cutShort
        return result()
      }
    }
  } catch (error) {
    if (error instanceof Error && 'row' in error) return result(error as Violation, last)
    throw error
  }
}

/** The first leader is there, and everybody follows: what happens by itself is done, in one order. */
function settled(world: SmallWorld, begin: State): State {
  let state = begin
  for (;;) {
    const [first] = world.events({ ...state, left: { txns: 0, crashes: 0, partitions: 0, timers: 0 } })
    if (first === undefined) return state
    state = { ...first.apply(), left: begin.left }
  }
}

const numbers = new Map<string, number>()
/** Parts are numbered by their text, so a state is a few numbers. */
function numberOf(value: object): number {
  const key = keyOf(value)
  let number = numbers.get(key)
  if (number === undefined) {
    number = numbers.size
    numbers.set(key, number)
  }
  return number
}

function hashOf({ peers, links, cut, left, ghost }: State): number {
  const parts: (number | string)[] = [cut ?? 0, left.txns, left.crashes, left.partitions, left.timers, numberOf(ghost)]
  for (const { local, disk, pending, streams, lives, links: count } of peers)
    parts.push(local?.number ?? -1, numberOf(disk), numberOf(pending), numberOf(streams), lives, count)
  for (const link of links) {
    if (link === undefined) parts.push('-')
    else
      for (const { id, open, broken, coming } of link)
        parts.push(id, open ? 1 : 0, broken ? 1 : 0, ...coming.map(numberOf), '/')
  }
  const bytes = createHash('sha1').update(parts.join(' ')).digest()
  return bytes.readUIntBE(0, 6) * 32 + (bytes[6]! & 31)
}

/** In an order of chance; what happens by itself rather comes first (at the end, from which events are taken). */
function shuffled(events: readonly Event[], random: SeededRandom): Event[] {
  return events
    .map(event => ({ event, at: random.below(1000) * (event.special ? 0.3 : 1) }))
    .sort((a, b) => a.at - b.at)
    .map(({ event }) => event)
}
