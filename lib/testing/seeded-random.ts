/**
 * Chance from one seed: xoshiro128**, its state filled by splitmix32 from the seed and the name of its purpose, so that the streams of a world
 * (network, disk, crashes, workload, clocks) do not disturb each other: one more draw in one of them changes nothing in the others.
 * Source: Blackman and Vigna, "Scrambled linear pseudorandom number generators". Not fit for secrets.
 */
import type { Random } from '../core/random.js'

export class SeededRandom implements Random {
  #a: number
  #b: number
  #c: number
  #d: number

  /** @param purpose names the stream; equal seed and purpose give equal numbers. */
  constructor(seed: number, purpose: string) {
    let state = seed >>> 0
    for (let i = 0; i < purpose.length; i++) state = (Math.imul(state, 31) + purpose.charCodeAt(i)) >>> 0
    const next = (): number => {
      state = (state + 0x9e3779b9) >>> 0
      let z = state
      z = Math.imul(z ^ (z >>> 16), 0x85ebca6b)
      z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35)
      return (z ^ (z >>> 16)) >>> 0
    }
    this.#a = next()
    this.#b = next()
    this.#c = next()
    this.#d = next() | 1
  }

  uint32(): number {
    const result = Math.imul(rotate(Math.imul(this.#b, 5), 7), 9) >>> 0
    const t = this.#b << 9
    this.#c ^= this.#a
    this.#d ^= this.#b
    this.#b ^= this.#c
    this.#a ^= this.#d
    this.#c ^= t
    this.#d = rotate(this.#d, 11)
    return result
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length)
    for (let i = 0; i < length; i++) bytes[i] = this.uint32() & 0xff
    return bytes
  }

  /** From 0 up to, not including, 1. */
  fraction(): number {
    return this.uint32() / 0x100000000
  }

  /** A whole number from 0 up to, not including, `bound`. */
  below(bound: number): number {
    return Math.floor(this.fraction() * bound)
  }

  /** From `low` up to `high`. */
  between(low: number, high: number): number {
    return low + this.fraction() * (high - low)
  }

  chance(probability: number): boolean {
    return this.fraction() < probability
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!
  }

  /** Waiting time of events that come `perMs` on average, at most ten times the mean. */
  waiting(meanMs: number): number {
    return Math.min(-Math.log(1 - this.fraction()), 10) * meanMs
  }
}

function rotate(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by))
}
