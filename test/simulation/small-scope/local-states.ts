/**
 * The states that one peer's core can be in, each once, and what an input makes of it: a core is deterministic, so a step is taken once and
 * remembered. To go on from a state whose core has moved on meanwhile, its inputs are played again from its start.
 *
 * Always holds: two states with one number cannot be told apart by any input; a remembered step has the effects of the real one. This is what
 * the text of a state has to achieve, so it is tried out: every so often a step is taken by another way to the same state as well, and must
 * have the same effects.
 */
import type { Effect } from '../../../lib/core/effect.js'
import type { Input } from '../../../lib/core/input.js'
import { PeerCore, type PeerInitial } from '../../../lib/core/peer.js'
import type { PeerStatus } from '../../../lib/core/peer-status.js'
import { deepFreeze } from '../../../lib/testing/deep-freeze.js'
import { describe, digest } from './describe-state.js'

export interface Local {
  readonly number: number
  readonly status: PeerStatus
  /** Of the peer's own clock, which stands still but for what a timer makes it wait. */
  readonly now: number
  /** When it wants to be woken, if it does. */
  readonly wakeAt: number | undefined
  readonly start: () => PeerInitial
  readonly before: Local | undefined
  readonly input: Input
  readonly steps: Map<string, Step>
  /** Another way here: a state before, and what came in then. */
  other: Pick<Local, 'before' | 'input' | 'now' | 'start'> | undefined
}

export interface Step {
  readonly local: Local
  readonly effects: readonly Effect[]
  /** What the core has thrown: an invariant of its own. */
  readonly thrown?: Error
}

/** Steps from states with two ways to them, of which one is taken by the other way too. */
const CHECK_EVERY = 10

export class LocalStates {
  readonly #known = new Map<string, Local>()
  readonly #starts = new Map<string, Step>()
  /** Cores that stand in a state, to go on from without playing anything again. */
  readonly #live = new Map<Local, PeerCore>()
  /** For the report. */
  replayed = 0
  checked = 0
  #taken = 0

  get size(): number {
    return this.#known.size
  }

  /** A peer's life begins. `key` says all that `initial` depends on. */
  start(key: string, initial: () => PeerInitial, now: number): Step {
    const known = this.#starts.get(key)
    if (known !== undefined) return known
    const core = new PeerCore(initial(), at(now))
    const step = this.#take(core, { kind: 'tick' }, { start: initial, before: undefined, now })
    this.#starts.set(key, step)
    return step
  }

  /** `now` is later than before only where a timer has been waited for. */
  step(from: Local, key: string, input: Input, now = from.now): Step {
    const known = from.steps.get(key)
    if (known !== undefined) return known
    const core = this.#coreOf(from)
    const step = this.#take(core, deepFreeze(input), { start: from.start, before: from, now })
    from.steps.set(key, step)
    if (from.other !== undefined && ++this.#taken % CHECK_EVERY === 0) this.#check(from, from.other, input, step)
    return step
  }

  #take(core: PeerCore, input: Input, rest: Pick<Local, 'start' | 'before' | 'now'>): Step {
    let effects: Effect[]
    try {
      effects = core.step(input, at(rest.now))
    } catch (error) {
      return { local: rest.before!, effects: [], thrown: error as Error }
    }
    for (const effect of effects) deepFreeze(effect)
    const wakeAt = effects.findLast(each => each.kind === 'wakeAt')?.at ?? rest.before?.wakeAt
    const key = digest(`${rest.now} ${wakeAt} ${describe(core)}`)
    let local = this.#known.get(key)
    if (local === undefined) {
      local = {
        number: this.#known.size,
        status: core.status,
        wakeAt,
        input,
        steps: new Map(),
        other: undefined,
        ...rest,
      }
      this.#known.set(key, local)
    } else if (local.before !== rest.before) local.other = { input, ...rest }
    this.#keep(local, core)
    return { local, effects }
  }

  #coreOf(local: Local): PeerCore {
    const live = this.#live.get(local)
    if (live !== undefined) {
      this.#live.delete(local)
      return live
    }
    this.replayed += 1
    return replay(local)
  }

  #check(from: Local, other: NonNullable<Local['other']>, input: Input, { local, effects, thrown }: Step): void {
    this.checked += 1
    const core = replay(other)
    if (thrown !== undefined) return
    const again = core.step(input, at(local.now))
    if (describe(again) === describe(effects)) return
    throw new Error(
      `two states of peer ${from.status.peer} have one text, but not the same effects of ${describe(input)}`,
    )
  }

  #keep(local: Local, core: PeerCore): void {
    if (this.#live.size >= 500) this.#live.delete(this.#live.keys().next().value!)
    this.#live.set(local, core)
  }
}

function replay(local: Pick<Local, 'before' | 'input' | 'now' | 'start'>): PeerCore {
  const inputs = [local]
  for (let each = local.before; each !== undefined; each = each.before) inputs.unshift(each)
  const core = new PeerCore(local.start(), at(inputs[0]!.now))
  for (const each of inputs) core.step(each.input, at(each.now))
  return core
}

function at(now: number): { readonly monotonic: number; readonly wall: number } {
  return { monotonic: now, wall: now }
}
