/**
 * When to try again: which failures pass by themselves, and how long to wait, with jitter so that the clients of a peer
 * that went away do not return in one wave.
 *
 * Always holds: chance comes from the injected source and time from the channel's clock. Only what took no effect or is
 * harmless to repeat (attaching, watching, reading for a stream) is tried again: an application's call never is.
 */
import type { ErrorCode } from '../model/errors.js'

/** Chance as an argument: a uint32, uniformly. The host's and the simulation's Random fit. */
export interface ClientRandom {
  uint32(): number
}

const FIRST_MS = 20
const LONGEST_MS = 2000

/** The wait before attempt `attempt` (0, 1, …): doubles from 20 ms up to 2 s, of which the upper half is chance. */
export function backOffMs(attempt: number, random: ClientRandom): number {
  const bound = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt, 10))
  return bound / 2 + (bound / 2) * (random.uint32() / 2 ** 32)
}

const transient: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'CONNECTION_LOSS',
  'OPERATION_TIMEOUT',
  'REQUEST_TIMEOUT',
  'SESSION_MOVED',
  'THROTTLED_OP',
  'OVERLOADED',
])

/** Whether the same read may succeed a little later. */
export function isTransient(code: ErrorCode): boolean {
  return transient.has(code)
}
