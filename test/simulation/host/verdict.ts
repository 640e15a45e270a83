/** The first thing that was seen to be wrong in a run. Checkers run inside callbacks of peers and clients, which no throw of theirs may disturb. */
import { Violation } from '../checkers/violation.js'

export class Verdict {
  violation: { readonly row: string; readonly message: string } | undefined

  report(row: string, message: string): void {
    this.violation ??= { row, message }
  }

  /** Anything else than a violation that a checker throws is a bug of its own. */
  guard(check: () => void): void {
    try {
      check()
    } catch (error) {
      if (error instanceof Violation) this.report(error.row, error.message)
      else this.report('R1', error instanceof Error ? `${error.stack}` : String(error))
    }
  }
}
