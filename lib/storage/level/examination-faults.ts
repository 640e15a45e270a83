/**
 * What is wrong with a database that is being examined: all counted, the first few named. A later version's data are no fault of theirs
 * and are kept apart. Plain data, so that it passes from process to process.
 */
import { hasCode } from '../../model/errors.js'
import { levelCause, reasonOf } from './fail-stop.js'

const NAMED_MAX = 5

export interface FaultList {
  readonly count: number
  readonly named: readonly string[]
  /** Intact, but of a version that this release does not know. */
  readonly tooNew: string | undefined
}

export class Faults implements FaultList {
  count = 0
  readonly named: string[] = []
  tooNew: string | undefined

  add(what: string, error: unknown): void {
    const why = levelCause(error)?.message ?? reasonOf(error)
    if (hasCode(error, 'DATA_TOO_NEW')) this.tooNew ??= `${what}: ${why}`
    this.count++
    if (this.named.length < NAMED_MAX) this.named.push(why.startsWith(what) ? why : `${what}: ${why}`)
  }

  check(what: string, work: () => void): void {
    try {
      work()
    } catch (error) {
      this.add(what, error)
    }
  }

  async during<T>(what: string, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work()
    } catch (error) {
      this.add(what, error)
      return undefined
    }
  }
}
