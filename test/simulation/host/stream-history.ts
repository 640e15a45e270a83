/**
 * What an observable of a real client has said: each a state that there was, never going back (C5, W10), `stale` while its peer is cut off,
 * and not silent at the end.
 */
import type { Observable, Subscription } from 'rxjs'
import type { Client } from '../../../lib/client/client.js'
import type { ChildrenState, DataState } from '../../../lib/client/streams.js'
import { Violation } from '../checkers/violation.js'
import type { Chain } from './chain.js'
import { differs, type SessionHistory } from './session-history.js'
import type { Verdict } from './verdict.js'

export type StreamKind = 'data$' | 'children$'

export class StreamHistory {
  readonly kind: StreamKind
  readonly path: string
  readonly #chain: Chain
  readonly #session: SessionHistory
  readonly #subscription: Subscription
  #last: { readonly zxid: bigint; readonly stale: boolean; readonly said: string } | undefined
  /** How it ended. */
  end: string | undefined
  said = 0

  constructor(
    kind: StreamKind,
    path: string,
    client: Client<string>,
    session: SessionHistory,
    chain: Chain,
    verdict: Verdict,
  ) {
    this.kind = kind
    this.path = path
    this.#chain = chain
    this.#session = session
    const stream: Observable<DataState<string> | ChildrenState> =
      kind === 'data$' ? client.data$(path) : client.children$(path)
    this.#subscription = stream.subscribe({
      next: state => verdict.guard(() => this.#next(state)),
      error: error => {
        this.end = error.code
        if (error.code === 'SESSION_EXPIRED') return
        verdict.report('W10', `${this} ends with ${error.code}: ${error.message}`)
      },
      complete: () => {
        this.end = 'complete'
      },
    })
  }

  get stale(): boolean | undefined {
    return this.#last?.stale
  }

  stop(): void {
    this.#subscription.unsubscribe()
    this.end ??= 'unsubscribed'
  }

  /** Undefined when it says what is so now. */
  get behind(): string | undefined {
    if (this.#last === undefined) return 'it has said nothing'
    if (this.#last.stale) return `it says stale since ${this.#last.zxid}`
    const state = this.#chain.now(this.path)
    const now = this.kind === 'data$' ? (state?.value ?? 'none') : (state?.children.join() ?? 'none')
    return this.#last.said === now ? undefined : `it says ${this.#last.said}, where there is ${now}`
  }

  #next(state: DataState<string> | ChildrenState): void {
    this.said += 1
    const { zxid, stale } = state
    const where = `${this} at ${zxid}`
    if (this.end !== undefined) throw new Violation('W10', `${where} goes on after ${this.end}`)
    if (this.#last !== undefined && zxid < this.#last.zxid)
      throw new Violation('W10', `${where} goes back, from ${this.#last.zxid}`)
    this.#session.saw(zxid)
    const was = this.#chain.before(this.path, zxid)
    let said = 'none'
    if ('children' in state) {
      if (state.exists) said = state.children.join()
      if (said !== (was?.children.join() ?? 'none'))
        throw new Violation('C5', `${where} says ${said}, where there was ${was?.children.join() ?? 'none'}`)
    } else if (state.exists) {
      said = state.value ?? ''
      const wrong = differs(was, said, state.stat)
      if (wrong !== undefined) throw new Violation('C5', `${where}: ${wrong}`)
    } else if (was !== undefined) throw new Violation('C5', `${where} says none, where there was ${was.value}`)
    if (this.#last?.said === said && this.#last.stale === stale && this.#last.zxid === zxid)
      throw new Violation('W10', `${where} says the same twice`)
    this.#last = { zxid, stale, said }
  }

  toString(): string {
    return `${this.#session.name} ${this.kind} ${this.path}`
  }
}
