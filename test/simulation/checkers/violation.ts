/** A promise was broken: the row of the list of invariants, and what was seen. */
export class Violation extends Error {
  override readonly name = 'Violation'
  readonly row: string

  constructor(row: string, message: string) {
    super(message)
    this.row = row
  }
}

/** In place of a row: the run took longer than it was given. */
export const GIVEN_UP = 'given up'
