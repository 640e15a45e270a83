/**
 * Time as a port. This is the only file that touches the real clock and real timers; everything else is handed one of these,
 * so a whole ensemble can run on virtual time (lib/testing, test/simulation).
 *
 * Before: compose.ts hands one to the host. After: peer-host stamps inputs, links back off, the client counts its timeouts.
 */
import type { ClientClock } from '../client/channel.js'

/** The host's source of time. Monotonic and wall time are milliseconds. */
export interface Clock extends ClientClock {
  /** Milliseconds since 1970, as ctime and mtime show them; may step. */
  wall(): number
  /** Calls back after the event loop has had a turn for I/O and timers. */
  afterLoop(callback: () => void): void
}

/** setTimeout takes a signed 32-bit delay and fires at once beyond it. */
const DELAY_MAX_MS = 0x7fffffff

/** @example const clock = systemClock(); const cancel = clock.schedule(100, () => …) */
export function systemClock(): Clock {
  return {
    now: () => performance.now(),
    wall: () => Date.now(),
    schedule(afterMs, callback) {
      const timer = setTimeout(callback, Math.min(Math.max(0, afterMs), DELAY_MAX_MS))
      return () => clearTimeout(timer)
    },
    afterLoop(callback) {
      setImmediate(callback)
    },
  }
}
