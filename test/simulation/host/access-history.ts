/**
 * C1, C5: what a session was refused, it may not; and what it was given, it may. Both by the ACLs of the one committed sequence, of a moment at which the
 * call can have been judged.
 * Before: session-history.ts. After: proved.ts, chain.ts.
 */
import type { Acl } from '../../../lib/model/acl.js'
import { shown } from '../checkers/model-access.js'
import { Violation } from '../checkers/violation.js'
import type { Chain, ZnodeState } from './chain.js'
import type { Proved } from './proved.js'

/** What a call needs to be allowed: all of these. Where there is no such znode it fails for other reasons. */
export interface Need {
  readonly path: string
  readonly wanted: number
}

export class AccessHistory {
  readonly #chain: Chain
  readonly #proved: Proved

  constructor(chain: Chain, proved: Proved) {
    this.#chain = chain
    this.#proved = proved
  }

  /** @param needs undefined: of several requests, each with its own. */
  refused(what: string, row: string, needs: readonly Need[] | undefined, since: bigint): void {
    const lacking = (at: bigint): boolean => needs!.some(need => this.#may(need, at) !== true)
    const explained = needs === undefined ? !this.#proved.trusted : this.#chain.someSince(since, lacking)
    if (!explained) throw new Violation(row, `${what} is refused: NO_AUTH, but it may since ${since}`)
  }

  /** @param at the state that it was judged by. */
  given(what: string, row: string, needs: readonly Need[], at: bigint): void {
    const lacking = needs.find(need => this.#may(need, at) === false)
    if (lacking !== undefined)
      throw new Violation(row, `${what} succeeds, but ${lacking.path} at ${at} does not let it (${lacking.wanted})`)
  }

  /** Whether what was read can have been given to it. */
  isGiven(state: ZnodeState | undefined, wanted: number): boolean {
    return state === undefined || this.#proved.may(state.acl, wanted) !== false
  }

  /** An ACL as this session sees it, some time since then. */
  isShown(path: string, acl: Acl, aversion: number, since: bigint): boolean {
    const text = JSON.stringify(acl)
    const views = [this.#proved.certain(), this.#proved.possible]
    return this.#chain.wasSince(
      path,
      since,
      state => state?.stat.aversion === aversion && views.some(each => JSON.stringify(shown(state.acl, each)) === text),
    )
  }

  #may({ path, wanted }: Need, at: bigint): boolean | undefined {
    const state = this.#chain.before(path, at)
    return state === undefined ? true : this.#proved.may(state.acl, wanted)
  }
}
