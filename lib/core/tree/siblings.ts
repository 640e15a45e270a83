/**
 * Names of a whole tree that is loaded, to the lists of their parents. In the order of an image most paths have the parent of the one before: a
 * comparison of two texts instead of a copy of one and a look-up.
 * Used by data-tree.ts.
 */
import { parentOf } from '../../model/path.js'

export class Siblings {
  readonly #children: Map<string, Set<string>>
  /** The parent of the path before, with its slash. */
  #prefix = ''
  #names = new Set<string>()

  constructor(children: Map<string, Set<string>>) {
    this.#children = children
  }

  add(path: string): void {
    const slash = path.lastIndexOf('/')
    if (slash + 1 !== this.#prefix.length || !path.startsWith(this.#prefix)) this.#turnTo(path, slash)
    this.#names.add(path.slice(slash + 1))
  }

  #turnTo(path: string, slash: number): void {
    const parent = parentOf(path)
    const known = this.#children.get(parent)
    this.#names = known ?? new Set()
    if (known === undefined) this.#children.set(parent, this.#names)
    this.#prefix = path.slice(0, slash + 1)
  }
}
