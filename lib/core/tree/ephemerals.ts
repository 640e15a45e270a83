/**
 * Which ephemeral znodes each session owns: what closing the session deletes. Derived from the znodes, so it is replicated as they
 * are (S4, S5). Always holds: no session with an empty set. Kept by data-tree.ts; read by tree-overlay.ts and close-session.
 */
import type { SessionId } from '../../model/ids.js'

const NONE: ReadonlySet<string> = new Set()

export class Ephemerals {
  readonly #paths = new Map<SessionId, Set<string>>()
  #count = 0

  add(owner: SessionId, path: string): void {
    const paths = this.#paths.get(owner) ?? new Set()
    if (paths.size === 0) this.#paths.set(owner, paths)
    if (paths.has(path)) return
    paths.add(path)
    this.#count += 1
  }

  remove(owner: SessionId, path: string): void {
    const paths = this.#paths.get(owner)
    if (!paths?.delete(path)) return
    this.#count -= 1
    if (paths.size === 0) this.#paths.delete(owner)
  }

  /** A live view, in no promised order. */
  of(owner: SessionId): ReadonlySet<string> {
    return this.#paths.get(owner) ?? NONE
  }

  owners(): Iterable<SessionId> {
    return this.#paths.keys()
  }

  /** Znodes that a session owns. */
  get count(): number {
    return this.#count
  }

  /** Sessions that own something. */
  get size(): number {
    return this.#paths.size
  }
}
