/**
 * A story as a test: it ends well; and for each bug that could have made it, it is seen to end badly, by one of the rows that the bug breaks.
 *
 * Always holds: a story that does not come about with a bug planted, or fails of something else, is no proof of anything, and its test fails.
 */

import { Violation } from '../checkers/violation.js'
import { hostMutants } from '../host/host-mutants.js'
import { mutants } from '../mutants/mutants.js'

export interface Bug {
  readonly name: string
  /** One of these must say so. */
  readonly rows: readonly string[]
  /** Returns how to take it out again. */
  plant(): () => void
}

/** A mutant of the random runs, of either depth. */
export function mutant(name: string, ...rows: readonly string[]): Bug {
  const found: Bug | undefined = [...mutants, ...hostMutants].find(each => each.name === name)
  if (found === undefined) throw new Error(`no mutant is called "${name}"`)
  return { name, rows: rows.length > 0 ? rows : found.rows, plant: () => found.plant() }
}

type Story = () => void | Promise<void>

export function plays(title: string, story: Story, ...bugs: readonly Bug[]): void {
  it(title, async () => story())
  for (const bug of bugs) {
    it(`… and is seen to fail (${bug.rows.join(' or ')}): ${bug.name}`, async () => {
      const row = await rowOf(story, bug)
      if (row === undefined) throw new Error('it ends well')
      if (!bug.rows.includes(row.row)) throw new Error(`it ends by ${row.row}: ${row.message}`)
    })
  }
}

async function rowOf(story: Story, bug: Bug): Promise<{ readonly row: string; readonly message: string } | undefined> {
  const undo = bug.plant()
  try {
    await story()
    return undefined
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    if (error instanceof Violation) return { row: error.row, message }
    return { row: /^([A-Z]\d+): /.exec(message)?.[1] ?? 'nothing', message }
  } finally {
    undo()
  }
}
