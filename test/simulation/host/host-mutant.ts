/** A bug planted into host or client while a run lasts, and the rows of the invariants that it breaks. */
import type { HostScenarioChange } from './host-scenario.js'

export interface HostMutant {
  readonly name: string
  /** One of these is what a checker must say. */
  readonly rows: readonly string[]
  readonly scenario?: HostScenarioChange
  plant(): () => void
}

/** True every so many times. */
export function every(times: number): () => boolean {
  let count = 0
  return () => ++count % times === 0
}
