/**
 * Why commits are slow. LevelDB's syncs run in libuv's thread pool, which the application's crypto, DNS and file calls use, too: a write
 * may wait there much longer than its sync takes. Right before a write the pool is asked how long one waits; what is left is the disk's.
 *
 * Always holds: one measurement at a time and at most one in MEASURE_EVERY_MS, so that measuring costs nothing; a store that fails in the
 * middle of one ends the measuring, as it ends the peer. A warning comes once a minute at most.
 * Before: log-writer. After: status.commits, health(), the logger.
 */
import type { Clock } from './clock.js'
import type { Logger } from './logger.js'
import type { PoolProbe } from './pool-probe.js'

/** The longest of the last 10 s, in milliseconds; 0 when nothing was written. */
export interface CommitTimes {
  /** Waiting for a thread of libuv's pool. */
  readonly poolWaitMs: number
  /** Writing and syncing the log. */
  readonly syncMs: number
}

interface Measured extends CommitTimes {
  readonly at: number
  readonly totalMs: number
  readonly cause: Cause
}
type Cause = 'pool' | 'loop' | 'disk'

export interface CommitWatchPorts {
  readonly clock: Pick<Clock, 'now'>
  readonly probe: PoolProbe
  readonly logger: Logger
}

export const MEASURE_EVERY_MS = 100
const SLOW_COMMIT_MS = 200
const WINDOW_MS = 10_000
/** One slow commit is nothing; so many within the window are. */
const SLOW_COMMITS = 3
const WARN_EVERY_MS = 60_000

const notMeasured = (): void => {}

export class CommitWatch {
  readonly #ports: CommitWatchPorts
  #measured: Measured[] = []
  #measuring = false
  #beganAt = Number.NEGATIVE_INFINITY
  #warnedAt = Number.NEGATIVE_INFINITY

  constructor(ports: CommitWatchPorts) {
    this.#ports = ports
  }

  /** A write is about to begin; call what it returns when it is durable. */
  begin(): () => void {
    const { clock, probe } = this.#ports
    const at = clock.now()
    if (this.#measuring || at - this.#beganAt < MEASURE_EVERY_MS) return notMeasured
    this.#measuring = true
    this.#beganAt = at
    const busyAtFirst = probe.loopBusyMs()
    let waited: number | undefined
    let total: number | undefined
    let busy = 0
    const both = (): void => {
      if (waited !== undefined && total !== undefined) this.#record(total, Math.min(waited, total), busy)
    }
    probe.ask(() => {
      waited = clock.now() - at
      both()
    })
    return () => {
      total = clock.now() - at
      busy = probe.loopBusyMs() - busyAtFirst
      both()
    }
  }

  get times(): CommitTimes {
    const recent = this.#recent()
    return {
      poolWaitMs: Math.max(0, ...recent.map(each => each.poolWaitMs)),
      syncMs: Math.max(0, ...recent.map(each => each.syncMs)),
    }
  }

  /** What is wrong and what to do; undefined while commits are fast enough. */
  get trouble(): string | undefined {
    const slow = this.#recent().filter(({ totalMs }) => totalMs >= SLOW_COMMIT_MS)
    if (slow.length < SLOW_COMMITS) return undefined
    const count = (cause: Cause) => slow.filter(each => each.cause === cause).length
    const cause = (['pool', 'loop', 'disk'] as const).reduce((a, b) => (count(b) > count(a) ? b : a))
    const longest = Math.round(Math.max(...slow.map(({ totalMs }) => totalMs)))
    return `commits are slow (up to ${longest} ms): ${this.#cure(cause)}`
  }

  #record(totalMs: number, poolWaitMs: number, busyMs: number): void {
    this.#measuring = false
    const cause = busyMs >= totalMs / 2 ? 'loop' : poolWaitMs >= totalMs / 2 ? 'pool' : 'disk'
    const at = this.#ports.clock.now()
    this.#measured = [...this.#recent(), { at, totalMs, poolWaitMs, syncMs: totalMs - poolWaitMs, cause }]
    if (totalMs < SLOW_COMMIT_MS || at - this.#warnedAt < WARN_EVERY_MS) return
    const { trouble } = this
    if (trouble === undefined) return
    this.#warnedAt = at
    this.#ports.logger.warn(trouble, { ...this.times, poolThreads: this.#ports.probe.threads })
  }

  #recent(): Measured[] {
    const since = this.#ports.clock.now() - WINDOW_MS
    return this.#measured.filter(({ at }) => at > since)
  }

  #cure(cause: Cause): string {
    switch (cause) {
      case 'pool':
        return (
          `they wait for one of the ${this.#ports.probe.threads} threads of libuv's pool, which other calls of this process keep busy (crypto, ` +
          'dns.lookup, files, zlib). Start it with UV_THREADPOOL_SIZE above the number of such calls at a time'
        )
      case 'loop':
        return 'the event loop is busy with other work of this process. Move that to a worker thread or another process'
      case 'disk':
        return 'the disk takes that long to sync the log. Give it a faster one, or one of its own'
    }
  }
}
