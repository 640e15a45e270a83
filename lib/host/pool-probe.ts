/**
 * Asks libuv's thread pool how long one waits for a thread: the job does next to nothing, so all the time it takes is waiting. With it, how
 * long the event loop has been busy, since a blocked loop hears late of everything.
 *
 * A port: tests have one of their own. Before: commit-watch.ts.
 */
import { randomFill } from 'node:crypto'
import { performance } from 'node:perf_hooks'

export interface PoolProbe {
  /** Calls back when a thread had time. */
  ask(done: () => void): void
  /** Milliseconds since the process began. */
  loopBusyMs(): number
  readonly threads: number
}

/** libuv's own default and bound. */
const THREADS_DEFAULT = 4
const THREADS_MAX = 1024

export function systemPoolProbe(): PoolProbe {
  const byte = new Uint8Array(1)
  const { UV_THREADPOOL_SIZE } = process.env
  const given = Number.parseInt(UV_THREADPOOL_SIZE ?? '', 10)
  return {
    ask(done) {
      // It cannot fail; if it did, it would have had its thread.
      randomFill(byte, () => done())
    },
    loopBusyMs: () => performance.eventLoopUtilization().active,
    threads: Number.isNaN(given) ? THREADS_DEFAULT : Math.min(Math.max(1, given), THREADS_MAX),
  }
}
