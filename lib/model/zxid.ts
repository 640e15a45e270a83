/**
 * A zxid orders every transaction: the epoch of the leader that proposed it, then a counter from 1 in each epoch.
 * Inside, it is a pair of uint32 (no double or bigint on the path of a write); the public API shows a bigint.
 * Zab paper, "zxid"; ZooKeeper: epoch << 32 | counter.
 */
export interface Zxid {
  readonly epoch: number
  readonly counter: number
}

export const MAX_EPOCH = 0xffffffff
export const MAX_COUNTER = 0xffffffff
export const ZERO: Zxid = Object.freeze({ epoch: 0, counter: 0 })

export function zxid(epoch: number, counter: number): Zxid {
  return { epoch, counter }
}

export function isZxid(value: unknown): value is Zxid {
  const { epoch, counter } = (value ?? {}) as Partial<Zxid>
  return [epoch, counter].every(part => typeof part === 'number' && part >>> 0 === part)
}

/** Negative, zero or positive, as `a` is before, equal to or after `b`. */
export function compareZxid(a: Zxid, b: Zxid): number {
  return a.epoch !== b.epoch ? a.epoch - b.epoch : a.counter - b.counter
}

export function sameZxid(a: Zxid, b: Zxid): boolean {
  return a.counter === b.counter && a.epoch === b.epoch
}

export function isAfter(a: Zxid, b: Zxid): boolean {
  return a.epoch > b.epoch || (a.epoch === b.epoch && a.counter > b.counter)
}

export function isAtMost(a: Zxid, b: Zxid): boolean {
  return !isAfter(a, b)
}

export function earlier(a: Zxid, b: Zxid): Zxid {
  return isAfter(a, b) ? b : a
}

export function later(a: Zxid, b: Zxid): Zxid {
  return isAfter(b, a) ? b : a
}

export function zxidToBigint(value: Zxid): bigint {
  return (BigInt(value.epoch) << 32n) | BigInt(value.counter)
}

/** ZooKeeper's way to print one: `0x` and the 64 bits without leading zeros. @example formatZxid(zxid(1, 10)) // '0x10000000a' */
export function formatZxid(value: Zxid): string {
  if (value.epoch === 0) return `0x${value.counter.toString(16)}`
  return `0x${value.epoch.toString(16)}${value.counter.toString(16).padStart(8, '0')}`
}
