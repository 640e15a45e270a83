/**
 * What the events of a real client have said, held against the chain: each is a change of the right kind (W5), they come in the order of the
 * changes (W2), and from the first one on, until a `gap`, each change is told once (W6).
 */
import type { Subscription } from 'rxjs'
import type { Client } from '../../../lib/client/client.js'
import type { ZnodeEvent } from '../../../lib/client/streams.js'
import { parentOf } from '../../../lib/model/path.js'
import { Violation } from '../checkers/violation.js'
import type { Chain, Committed } from './chain.js'
import type { SessionHistory } from './session-history.js'
import type { Verdict } from './verdict.js'

/** What is observed: one znode, or all below it; by a client of that root. */
export interface Observed {
  readonly path: string
  readonly recursive: boolean
  readonly root: '' | '/a'
}

export class EventHistory {
  readonly observed: Observed
  readonly #session: SessionHistory
  readonly #chain: Chain
  readonly #subscription: Subscription
  #last = 0n
  /** No event is missing behind the last one. */
  #whole = false
  /** What is still to come of the last one's txn. */
  #expected: string[] = []
  ended = false

  constructor(observed: Observed, client: Client<string>, session: SessionHistory, chain: Chain, verdict: Verdict) {
    const { path, recursive, root } = observed
    this.observed = observed
    this.#session = session
    this.#chain = chain
    const view = root === '' ? client : client.chroot(root)
    this.#subscription = view.events$(path.slice(root.length) || '/', { recursive }).subscribe({
      next: event => verdict.guard(() => this.#next(event)),
      error: () => {
        this.ended = true
      },
      complete: () => {
        this.ended = true
      },
    })
  }

  stop(): void {
    this.ended = true
    this.#subscription.unsubscribe()
  }

  /** Undefined when everything that happened was told. */
  get missing(): string | undefined {
    if (this.ended || !this.#whole) return undefined
    if (this.#expected.length > 0) return `${this.#expected} of ${this.#last}`
    const next = this.#chain.behind(this.#last).find(entry => this.#told(entry).length > 0)
    return next && `${this.#told(next)} of ${next.zxid}`
  }

  #next({ type, path: shown, zxid }: ZnodeEvent): void {
    if (this.ended) throw new Violation('W8', `${this} goes on after its end`)
    if (type === 'gap') {
      // Another connection, perhaps to a peer that is behind the one before: the order of events is that of one.
      this.#last = 0n
      this.#whole = false
      this.#expected = []
      return
    }
    if (zxid === undefined) return
    const { root, recursive } = this.observed
    const path = shown === '/' && root !== '' ? root : `${root}${shown}`
    if (recursive && root === '') this.#session.event(path, zxid)
    const what = `${type} ${path}`
    if (zxid < this.#last) throw new Violation('W2', `${this}: ${what} of ${zxid} comes behind ${this.#last}`)
    if (zxid > this.#last) {
      const passed = this.#passed(zxid)
      if (passed !== undefined) throw new Violation('W6', `${this}: ${what} of ${zxid} comes, but not ${passed}`)
      const entry = this.#chain.at(zxid)
      this.#expected = entry === undefined ? [] : this.#told(entry)
      this.#last = zxid
    }
    // What a recursive watch above tells reaches an observer before its own watch stands; only that tells of children.
    this.#whole ||= recursive || type === 'childrenChanged'
    const at = this.#expected.indexOf(what)
    if (at < 0) throw new Violation('W5', `${this}: ${what} at ${zxid} is no change, or was told before`)
    if (at > 0) throw new Violation('W2', `${this}: ${what} at ${zxid} comes before ${this.#expected[0]}`)
    this.#expected.shift()
  }

  /** What should have been told before this. */
  #passed(zxid: bigint): string | undefined {
    if (!this.#whole) return undefined
    if (this.#expected.length > 0) return `${this.#expected} of ${this.#last}`
    for (const entry of this.#chain.behind(this.#last)) {
      if (entry.zxid >= zxid) return undefined
      const told = this.#told(entry)
      if (told.length > 0) return `${told} of ${entry.zxid}`
    }
    return undefined
  }

  #told({ changes }: Committed): string[] {
    const { path: root, recursive } = this.observed
    return changes.flatMap(({ type, path }) => {
      const self = path === root || (recursive && path.startsWith(`${root}/`))
      const child = !recursive && type !== 'dataChanged' && path !== '/' && parentOf(path) === root
      return [...(self ? [`${type} ${path}`] : []), ...(child ? [`childrenChanged ${root}`] : [])]
    })
  }

  toString(): string {
    const { path, recursive, root } = this.observed
    return `${this.#session.name} events$ ${path}${recursive ? ' and below' : ''}${root && ` by ${root}`}`
  }
}
