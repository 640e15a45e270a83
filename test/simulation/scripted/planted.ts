/** A story, told as a test; and once more with each bug planted that it is about, which it must notice. */
import { AssertionError, expect } from 'chai'
import { InvariantViolation } from '../../../lib/model/invariant.js'
import { Violation } from '../checkers/violation.js'
import { hostMutants } from '../host/host-mutants.js'
import { mutants } from '../mutants/mutants.js'

export interface Bug {
  readonly name: string
  plant(): () => void
}

const known = new Map<string, Bug>([...mutants, ...hostMutants].map(bug => [bug.name, bug]))

/** @param bugs mutants of the random runs by name, or of this story alone. */
export function tell(title: string, story: () => void | Promise<void>, bugs: readonly (string | Bug)[] = []): void {
  it(title, async () => story())
  for (const named of bugs) {
    const bug = typeof named === 'string' ? known.get(named)! : named
    it(`… and notices that ${bug.name}`, async () => {
      const undo = bug.plant()
      try {
        await story()
      } catch (error) {
        if (isVerdict(error)) return
        throw error
      } finally {
        undo()
      }
      expect.fail('the story ends well')
    })
  }
}

/** Of a story, a checker, or the core about itself; anything else is a bug of the test. */
function isVerdict(error: unknown): boolean {
  return error instanceof AssertionError || error instanceof Violation || error instanceof InvariantViolation
}
