/**
 * What the events of a real client have said, held against the chain: each is a change of the right kind (W5) of what its session may read (W7), they come
 * in the order of the changes (W2), and from the first one on, until a `gap`, each change is told once (W6).
 *
 * A watch that its peer refuses for the moment, as one does that takes few requests, is lost from then on, and its observer is told of the gap once it is tried
 * again. Meanwhile it may hear what other watches of its client tell: there, what seems to be missing is in doubt until the gap, or the end of the run.
 */
import type { Subscription } from 'rxjs'
import type { Client } from '../../../lib/client/client.js'
import type { ZnodeEvent } from '../../../lib/client/streams.js'
import { Permission } from '../../../lib/model/acl.js'
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
  /** The peer takes so few requests that it may refuse a watch. */
  readonly refusable: boolean
}

/** What an observer is told of a txn; perhaps, where it depends on a proof that is in doubt. */
interface Told {
  readonly what: string
  readonly certain: boolean
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
  #expected: Told[] = []
  /** What was missing, if there is no gap. */
  #doubt: string | undefined
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
    return this.#doubt ?? this.#passed(undefined)
  }

  #next({ type, path: shown, zxid }: ZnodeEvent): void {
    if (this.ended) throw new Violation('W8', `${this} goes on after its end`)
    if (type === 'gap') {
      // Another connection, perhaps to a peer that is behind the one before: the order of events is that of one.
      this.#last = 0n
      this.#whole = false
      this.#expected = []
      this.#doubt = undefined
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
      if (passed !== undefined && !this.observed.refusable)
        throw new Violation('W6', `${this}: ${what} of ${zxid} comes, but not ${passed}`)
      this.#doubt ??= passed
      const entry = this.#chain.at(zxid)
      this.#expected = entry === undefined ? [] : this.#told(entry)
      this.#last = zxid
    }
    // What a recursive watch above tells reaches an observer before its own watch stands; only that tells of children.
    this.#whole ||= recursive || type === 'childrenChanged'
    const at = this.#expected.findIndex(each => each.what === what)
    if (at < 0) {
      const entry = this.#chain.at(zxid)
      const isHidden =
        entry !== undefined && this.#happened(entry).some(each => each.what === what && each.may === false)
      if (isHidden) throw new Violation('W7', `${this}: ${what} at ${zxid} is told, which it may not read`)
      throw new Violation('W5', `${this}: ${what} at ${zxid} is no change, or was told before`)
    }
    const before = this.#expected.slice(0, at).find(each => each.certain)
    if (before !== undefined && !this.observed.refusable)
      throw new Violation('W2', `${this}: ${what} at ${zxid} comes before ${before.what}`)
    this.#doubt ??= before && `${before.what} of ${zxid}`
    this.#expected.splice(0, at + 1)
  }

  /** What should have been told before this; or by now. */
  #passed(zxid: bigint | undefined): string | undefined {
    if (!this.#whole) return undefined
    const rest = this.#expected.find(each => each.certain)
    if (rest !== undefined) return `${rest.what} of ${this.#last}`
    for (const entry of this.#chain.behind(this.#last)) {
      if (zxid !== undefined && entry.zxid >= zxid) return undefined
      const told = this.#told(entry).find(each => each.certain)
      if (told !== undefined) return `${told.what} of ${entry.zxid}`
    }
    return undefined
  }

  #told(entry: Committed): Told[] {
    return this.#happened(entry).flatMap(({ what, may }) => (may === false ? [] : [{ what, certain: may === true }]))
  }

  /** What it would be told if it might read everything, and whether it may: by the ACL of what is told of, of what has gone by its last. */
  #happened({ changes, zxid }: Committed): { readonly what: string; readonly may: boolean | undefined }[] {
    const { path: root, recursive } = this.observed
    const { proved } = this.#session.standing
    const lastOf = (gone: string) => changes.find(({ type, path }) => type === 'deleted' && path === gone)?.acl
    return changes.flatMap(({ type, path, acl }) => {
      const self = path === root || (recursive && path.startsWith(`${root}/`))
      const child = !recursive && type !== 'dataChanged' && path !== '/' && parentOf(path) === root
      const parentAcl = child ? (this.#chain.before(root, zxid)?.acl ?? lastOf(root)) : undefined
      return [
        ...(self ? [{ what: `${type} ${path}`, may: proved.may(acl!, Permission.READ, zxid) }] : []),
        ...(child ? [{ what: `childrenChanged ${root}`, may: proved.may(parentAcl!, Permission.READ, zxid) }] : []),
      ]
    })
  }

  toString(): string {
    const { path, recursive, root } = this.observed
    return `${this.#session.name} events$ ${path}${recursive ? ' and below' : ''}${root && ` by ${root}`}`
  }
}
