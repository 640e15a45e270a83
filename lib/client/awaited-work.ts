/**
 * What the application itself has to say in the middle of a call: the new value of an `update`. It may never come, and the call ends all the
 * same: at its deadline, by its signal, or with the session.
 * Used by session.ts for composite-calls.ts.
 */
import { type ErrorCode, ZooKeeperError } from '../model/errors.js'
import { onAbort } from './abort-listeners.js'
import type { CallScope } from './session.js'
import type { SessionTimers } from './session-timers.js'

type End = (code: ErrorCode, message: string, cause?: unknown) => void

export class AwaitedWork {
  readonly #timers: SessionTimers
  /** How to end each that is still waited for. */
  readonly #ends = new Set<End>()

  constructor(timers: SessionTimers) {
    this.#timers = timers
  }

  within<R>(work: PromiseLike<R>, path: string, { signal, deadline }: CallScope): Promise<R> {
    return new Promise<R>((resolve, reject) => {
      const settle = (): void => {
        this.#ends.delete(end)
        cancel()
        unlisten?.()
      }
      const end: End = (code, message, cause) => {
        settle()
        reject(new ZooKeeperError(code, `${path}: ${message}`, { path, outcome: 'not-applied', cause }))
      }
      this.#ends.add(end)
      const cancel = this.#timers.scheduleAt(deadline, () =>
        end('CONNECTION_LOSS', 'the new value did not come within its timeout'),
      )
      const aborted = (): void => end('ABORTED', 'aborted by its signal', signal?.reason)
      const unlisten = signal && onAbort(signal, aborted)
      if (signal?.aborted === true) aborted()
      work.then(
        value => {
          settle()
          resolve(value)
        },
        error => {
          settle()
          reject(error)
        },
      )
    })
  }

  /** The session is gone. */
  end(code: ErrorCode, message: string): void {
    for (const end of [...this.#ends]) end(code, message)
  }
}
