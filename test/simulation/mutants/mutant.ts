/** A bug planted into our own code while a run lasts, and the rows of the invariants it breaks. */
import type { Effect } from '../../../lib/core/effect.js'
import type { Input } from '../../../lib/core/input.js'
import { PeerCore } from '../../../lib/core/peer.js'
import type { ScenarioChange } from '../scenario.js'

export interface Mutant {
  readonly name: string
  /** Where such a bug was seen before: a ticket, or a row of the scenarios from known bugs. */
  readonly about?: string
  /** One of these is what a checker must say. */
  readonly rows: readonly string[]
  /** For a bug that ordinary runs meet rarely. */
  readonly scenario?: ScenarioChange
  /** Returns how to take it out again. */
  plant(): () => void
}

type Method = (...args: never[]) => unknown

/** Replaces a method of a class. */
export function replaceMethod<T extends object, K extends keyof T>(
  prototype: T,
  name: K,
  make: (original: T[K]) => T[K] & Method,
): () => void {
  const original = prototype[name]
  prototype[name] = make(original)
  return () => {
    prototype[name] = original
  }
}

/** Replaces a getter of a class. */
export function replaceGetter<T extends object>(
  prototype: T,
  name: keyof T & string,
  make: (original: (this: T) => unknown) => (this: T) => unknown,
): () => void {
  const original = Object.getOwnPropertyDescriptor(prototype, name)!
  Object.defineProperty(prototype, name, { ...original, get: make(original.get as (this: T) => unknown) })
  return () => Object.defineProperty(prototype, name, original)
}

/** Changes what a step of any peer asks for. */
export function changeEffects(change: (effects: Effect[], input: Input, core: PeerCore) => Effect[]): () => void {
  return replaceMethod(PeerCore.prototype, 'step', step => {
    return function (this: PeerCore, input, now) {
      return change(step.call(this, input, now), input, this)
    }
  })
}
