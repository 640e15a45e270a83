/** What any run of a seed says at its end, whatever its depth. Made by run.ts and host/host-run.ts; job.ts hands it on. */

export interface Outcome<Fault extends string = string> {
  readonly violation: { readonly row: string; readonly message: string; readonly event: number } | undefined
  readonly traceHash: string
  readonly events: number
  readonly virtualMs: number
  readonly commits: number
  readonly answered: number
  readonly faults: ReadonlyMap<Fault, number>
  /** What each fault did, by its name in the schedule. */
  readonly caused: ReadonlyMap<string, string>
}
