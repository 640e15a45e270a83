/**
 * A story as a test: it ends well; and for each bug that could have made it, it is seen to end badly, by one of the rows that the bug breaks.
 *
 * Always holds: a story that does not come about with a bug planted, or fails of something else, is no proof of anything, and its test fails.
 */

import { Violation } from '../checkers/violation.js'
import { mutants } from '../mutants/mutants.js'

export interface Bug {
  readonly name: string
  /** One of these must say so. */
  readonly rows: readonly string[]
  /** Returns how to take it out again. */
  plant(): () => void
}

/** A mutant of the random runs. */
export function mutant(name: string, ...rows: readonly string[]): Bug {
  const found = mutants.find(each => each.name === name)
  if (found === undefined) throw new Error(`no mutant is called "${name}"`)
  return { name, rows: rows.length > 0 ? rows : found.rows, plant: () => found.plant() }
}

export function plays(title: string, story: () => void, ...bugs: readonly Bug[]): void {
  it(title, story)
  for (const bug of bugs) {
    it(`… and is seen to fail (${bug.rows.join(' or ')}): ${bug.name}`, () => {
      const row = rowOf(story, bug)
      if (row === undefined) throw new Error('it ends well')
      if (!bug.rows.includes(row.row)) throw new Error(`it ends by ${row.row}: ${row.message}`)
    })
  }
}

function rowOf(story: () => void, bug: Bug): { readonly row: string; readonly message: string } | undefined {
  const undo = bug.plant()
  try {
    story()
    return undefined
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    if (error instanceof Violation) return { row: error.row, message }
    return { row: /^([A-Z]\d+): /.exec(message)?.[1] ?? 'nothing', message }
  } finally {
    undo()
  }
}
