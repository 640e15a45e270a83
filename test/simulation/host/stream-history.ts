/**
 * What an observable of a real client has said: each a state that there was and that it may read, never going back (C5, W10), `stale` while its peer is cut
 * off, and not silent at the end. Of changes that its session may not hear of it need not know (W7), and it ends where it may not read.
 */
import type { Observable, Subscription } from 'rxjs'
import type { Client } from '../../../lib/client/client.js'
import type { ChildrenState, DataState, ExistsState, SubtreeState, SubtreeZnode } from '../../../lib/client/streams.js'
import { type Acl, Permission } from '../../../lib/model/acl.js'
import { joinPath, parentOf } from '../../../lib/model/path.js'
import { Violation } from '../checkers/violation.js'
import type { Chain, ZnodeState } from './chain.js'
import { differs, differsAtAll } from './differences.js'
import type { SessionHistory } from './session-history.js'
import type { Verdict } from './verdict.js'

export type StreamKind = 'data$' | 'exists$' | 'children$' | 'subtree$'
type State = DataState<string> | ExistsState | ChildrenState | SubtreeState<string>

export class StreamHistory {
  readonly kind: StreamKind
  readonly path: string
  readonly #chain: Chain
  readonly #session: SessionHistory
  readonly #subscription: Subscription
  #last: State | undefined
  /** What that says of its znodes, once somebody has asked: of a whole subtree it takes long. */
  #lastSaid: string | undefined
  readonly #beganAt: bigint
  /** How it ended. */
  end: string | undefined
  said = 0

  readonly #root: string
  readonly #known = new WeakMap<SubtreeZnode<string>, string>()

  /** @param root of the view by which it is observed; empty for the client's own. */
  constructor(
    kind: StreamKind,
    path: string,
    root: string,
    client: Client<string>,
    session: SessionHistory,
    chain: Chain,
    verdict: Verdict,
  ) {
    this.kind = kind
    this.path = path
    this.#chain = chain
    this.#session = session
    this.#root = root
    this.#beganAt = session.lastSeen
    const view = root === '' ? client : client.chroot(root)
    const stream: Observable<State> = view[kind](path.slice(root.length) || '/')
    this.#subscription = stream.subscribe({
      next: state => verdict.guard(() => this.#next(state)),
      error: error => {
        this.end = error.code
        if (error.code === 'SESSION_EXPIRED' || (error.code === 'AUTH_FAILED' && session.standing.lied)) return
        if (error.code === 'NO_AUTH' && this.#mayBeRefused) return
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
    // What a subtree says may stem from any moment since it began.
    if (this.#mayHaveMissed(this.kind === 'subtree$' ? this.#beganAt : this.#last.zxid)) return undefined
    this.#lastSaid ??= this.#saidBy(this.#last)
    const said = this.#lastSaid
    const now = this.#inChain(path => this.#chain.now(path))
    return said === now ? undefined : `it says ${said}, where there is ${now}`
  }

  #next(state: State): void {
    this.said += 1
    const { zxid, stale } = state
    const where = () => `${this} at ${zxid}`
    if (this.end !== undefined) throw new Violation('W10', `${where()} goes on after ${this.end}`)
    if (this.#last !== undefined && zxid < this.#last.zxid)
      throw new Violation('W10', `${where()} goes back, from ${this.#last.zxid}`)
    this.#session.saw(zxid)
    if ('znodes' in state) for (const [path, znode] of state.znodes) this.#saidOf(path, znode)
    else {
      const said = this.#saidBy(state)
      const was = this.#inChain(path => this.#chain.before(path, zxid))
      if (said !== was) throw new Violation('C5', `${where()} says ${said}, where there was ${was}`)
      if (state.exists && !this.#mayRead(this.#chain.before(this.path, zxid)!.acl))
        throw new Violation('C5', `${where()} is told what it may not read`)
      if ('value' in state && state.exists) {
        const wrong = differs(this.#chain.before(this.path, zxid), state.value ?? '', state.stat)
        if (wrong !== undefined) throw new Violation('C5', `${where()}: ${wrong}`)
      }
    }
    const last = this.#last
    if (last?.stale === stale && last.zxid === zxid && this.#saidBy(last) === this.#saidBy(state))
      throw new Violation('W10', `${where()} says the same twice`)
    this.#last = state
    this.#lastSaid = undefined
  }

  /** Perhaps, at least. */
  #mayRead(acl: Acl): boolean {
    return this.#session.standing.proved.may(acl, Permission.READ) !== false
  }

  /** At some moment since its session's last answer it was not for it to read; of a subtree, some part of it. */
  get #mayBeRefused(): boolean {
    const { standing, lastSeen } = this.#session
    if (standing.proved.trusted) return false
    if (this.kind === 'subtree$') return true
    const refuses = (acl: Acl | undefined): boolean =>
      acl !== undefined && standing.proved.may(acl, Permission.READ) !== true
    return this.#chain.wasSince(this.path, lastSeen, state => refuses(state?.acl))
  }

  /** Whether something has happened behind it that its session was not to be told, or perhaps not. */
  #mayHaveMissed(zxid: bigint): boolean {
    const { proved } = this.#session.standing
    if (proved.trusted) return false
    const { path: root, kind } = this
    return this.#chain.behind(zxid).some(entry =>
      entry.changes.some(({ type, path, acl }) => {
        if (kind === 'children$' && type !== 'dataChanged' && path !== '/' && parentOf(path) === root)
          return proved.may(this.#chain.before(root, entry.zxid)?.acl ?? [], Permission.READ, entry.zxid) !== true
        if (path !== root && !(kind === 'subtree$' && path.startsWith(`${root}/`))) return false
        return proved.may(acl!, Permission.READ, entry.zxid) !== true
      }),
    )
  }

  #whole(shown: string): string {
    return shown === '/' && this.#root !== '' ? this.#root : `${this.#root}${shown}`
  }

  #saidBy(state: State): string {
    if ('znodes' in state)
      return [...state.znodes]
        .map(([path, znode]) => this.#saidOf(path, znode))
        .sort()
        .join()
    if (!state.exists) return 'none'
    if ('children' in state) return state.children.join()
    // What a value was follows from its mzxid; it is compared apart.
    return `@${state.stat.mzxid}`
  }

  /** One of a subtree. Its entries may stem from neighbouring zxids, but each was so; those that did not change are the same values again. */
  #saidOf(shown: string, znode: SubtreeZnode<string>): string {
    const known = this.#known.get(znode)
    if (known !== undefined) return known
    const { value, stat } = znode
    const path = this.#whole(shown)
    const wrong = differsAtAll(this.#chain.before(path, stat.mzxid), value ?? '', stat)
    if (wrong !== undefined) throw new Violation('C5', `${this}: ${path}: ${wrong}`)
    if (!this.#chain.wasSince(path, stat.mzxid, state => state !== undefined && this.#mayRead(state.acl)))
      throw new Violation('C5', `${this}: ${path} is told, which it may not read`)
    const said = `${path}@${stat.mzxid}`
    this.#known.set(znode, said)
    return said
  }

  /** What the stream would say of the chain. */
  #inChain(at: (path: string) => ZnodeState | undefined): string {
    const root = at(this.path)
    if (this.kind === 'subtree$') return subtree(this.path, at).sort().join()
    if (root === undefined) return 'none'
    if (this.kind === 'children$') return root.children.join()
    return `@${root.mzxid}`
  }

  toString(): string {
    return `${this.#session.name} ${this.kind} ${this.path}`
  }
}

function subtree(path: string, at: (path: string) => ZnodeState | undefined): string[] {
  const state = at(path)
  if (state === undefined) return []
  const below = state.children.flatMap(child => subtree(joinPath(path, child), at))
  return [`${path}@${state.mzxid}`, ...below]
}
