/**
 * What an application holds: a session on an ensemble, as promises for one answer, observables for what changes and async
 * iterables for bulk. The same class over an embedded peer and over a remote ZooKeeper.
 *
 * Always holds: calls take effect and are answered in the order in which they were made (C2), except that the later steps
 * of calls that take several requests (`parents`, `upsert`, `recursive`, `update`, `walk`) come after what was called meanwhile;
 * every call settles: at the latest at its timeout, on abort at once (L2); after `close()` or expiry each one rejects.
 * Before: the application. After: requests.ts, composite-calls.ts, streams.ts, then session.ts and the Channel.
 */
import type { Observable } from 'rxjs'
import type { Acl } from '../model/acl.js'
import { hasCode, ZooKeeperError } from '../model/errors.js'
import type { MultiStep } from '../model/request.js'
import { isText } from '../model/request-check.js'
import type { ChildrenResponse, ClientIdentity, DataResponse } from '../model/response.js'
import type { Channel } from './channel.js'
import { Chroot } from './chroot.js'
import {
  badArguments,
  type CallOptions,
  type ClientOptions,
  callNames,
  checkCallOptions,
  isCodec,
  resolveClientOptions,
} from './client-options.js'
import { type Codec, decodeValue, encodeValue } from './codec.js'
import { createWithParents, deleteSubtree, update, upsert, walkSubtree } from './composite-calls.js'
import { Observations } from './observe.js'
import type { MultiReadResults, ReadChildren, ReadOp, ReadValue } from './read-batch.js'
import { type Bytes, type Content, Requests } from './requests.js'
import type { ClientRandom } from './retry.js'
import { type CallScope, type ClientState, Session, type SessionInfo } from './session.js'
import { type Stat, toStat } from './stat.js'
import {
  type ChildrenState,
  type DataState,
  type ExistsState,
  Streams,
  type SubtreeState,
  type ZnodeEvent,
} from './streams.js'
import type { MultiOp, MultiResults } from './transaction.js'
import { Watches } from './watches.js'
import { ZnodeHandle } from './znode-handle.js'

/** A znode's value as a replica told it. */
export interface Data<T> {
  /** Undefined for a znode without data. */
  readonly value: T | undefined
  readonly stat: Stat
  /** The last transaction that the answering replica had applied. */
  readonly zxid: bigint
}
/** What `walk` yields. */
export interface WalkedZnode<T> extends Data<T> {
  readonly path: string
}
export interface CreateOptions extends CallOptions {
  /** Goes when this session ends. @default false */
  readonly ephemeral?: boolean | undefined
  /** The final path has the parent's next number, ten digits, at its end. @default false */
  readonly sequential?: boolean | undefined
  /** Goes by itself some time after its last child has gone. Not together with any other kind. @default false */
  readonly container?: boolean | undefined
  /** Goes by itself when it has no children and its data was not set for this many ms. Not with `ephemeral`. @default never */
  readonly ttl?: number | undefined
  /** @default everyone may do everything */
  readonly acl?: Acl | undefined
  /** Creates missing ancestors, without data and with the same ACL. @default false */
  readonly parents?: boolean | undefined
  /** Is content if the znode is there already, whatever its data. @default false */
  readonly ifMissing?: boolean | undefined
}
export interface VersionOptions extends CallOptions {
  /** The version that the znode must have. @default any */
  readonly version?: number | undefined
}
export interface SetOptions extends VersionOptions {
  /** Creates the znode if there is none. Not together with `version`. @default false */
  readonly upsert?: boolean | undefined
}
export interface DeleteOptions extends VersionOptions {
  /** Deletes everything below it first. Not atomic. @default false */
  readonly recursive?: boolean | undefined
  /** Is content if there is no such znode. @default false */
  readonly ifExists?: boolean | undefined
}

const AUTH_BYTES_MAX = 64 * 1024
const versionNames = new Set([...callNames, 'version'])
const createNames = new Set([
  ...callNames,
  'ephemeral',
  'sequential',
  'container',
  'ttl',
  'acl',
  'parents',
  'ifMissing',
])
const setNames = new Set([...versionNames, 'upsert'])
const deleteNames = new Set([...versionNames, 'recursive', 'ifExists'])
const eventNames = new Set(['recursive'])
const stepNames: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['create', new Set(['ephemeral', 'sequential', 'container', 'ttl', 'acl'])],
  ['set', new Set(['version'])],
  ['delete', new Set(['version'])],
  ['check', new Set(['version'])],
])

/** What all views of one session share. */
interface Shared {
  readonly session: Session
  readonly streams: Streams
}

/**
 * A session on an ensemble.
 *
 * Every call takes `{ signal, timeout }` (ms) and may reject, besides what it names itself, with CONNECTION_LOSS (no answer: see
 * `error.outcome`), ABORTED, SESSION_EXPIRED, CLOSED, OVERLOADED, BAD_ARGUMENTS, NO_AUTH. Every handle is an `AsyncDisposable`.
 *
 * @example
 * await using zk = await peer.client({ codec: json })
 * await zk.create('/config', { dark: true }, { ifMissing: true })
 * zk.data$('/config').subscribe(({ value, stale }) => console.log(value, stale))
 */
export class Client<T = Uint8Array> implements AsyncDisposable {
  readonly #shared: Shared
  readonly #codec: Codec<T>
  readonly #chroot: Chroot
  readonly #requests: Requests

  /** Internal: clients come from `peer.client(…)` and `connect(…)`. */
  constructor(shared: Shared, codec: Codec<T>, chroot: Chroot) {
    this.#shared = shared
    this.#codec = codec
    this.#chroot = chroot
    this.#requests = new Requests(shared.session, chroot)
  }

  /**
   * Creates a znode and resolves with its final path. Its Stat: `exists`, or a `multi` with `op.create`.
   * Rejects with NODE_EXISTS, NO_NODE (no parent), NO_CHILDREN_FOR_EPHEMERALS, INVALID_ACL, DATA_TOO_LARGE, CODEC_ERROR;
   * with `ttl` also with UNIMPLEMENTED, where the ensemble has them switched off.
   *
   * @example
   * await zk.create('/a/b', { size: 1 }, { parents: true })
   * const path = await zk.create('/queue/n-', job, { sequential: true, ephemeral: true })   // '/queue/n-0000000000'
   * await zk.create('/rooms/red', undefined, { container: true })
   * await zk.create('/seen/me', 'here', { ttl: 3_600_000 })
   */
  create(path: string, value?: T, options: CreateOptions = {}): Promise<string> {
    return this.#call(options, createNames, scope => {
      const data = this.#encoded(path, value)
      const content = options.ifMissing === true ? ({ with: 'NODE_EXISTS', result: path } as const) : undefined
      if (options.parents !== true)
        return this.#requests.create(path, data, options, scope, created => created.path, content)
      return contentWith(content, createWithParents(this.#requests, path, data, ownOptions(options), scope))
    })
  }

  /**
   * A znode's value, Stat and zxid, from the connected replica. Rejects with NO_NODE, CODEC_ERROR.
   *
   * @example const { value, stat } = await zk.get('/config')
   */
  get(path: string, options: CallOptions = {}): Promise<Data<T>> {
    return this.#call(options, callNames, scope => this.#requests.get(path, scope, bytes => this.#decoded(path, bytes)))
  }

  /**
   * The Stat of a znode, undefined if there is no such znode.
   *
   * @example if ((await zk.exists('/config')) === undefined) …
   */
  exists(path: string, options: CallOptions = {}): Promise<Stat | undefined> {
    return this.#call(options, callNames, scope => this.#requests.exists(path, scope))
  }

  /**
   * Sets a znode's value and resolves with its new Stat. Rejects with NO_NODE, BAD_VERSION, DATA_TOO_LARGE, CODEC_ERROR.
   *
   * @example await zk.set('/config', { dark: false }, { version: stat.version })
   * @example await zk.set('/config', { dark: false }, { upsert: true })
   */
  set(path: string, value: T | undefined, options: SetOptions = {}): Promise<Stat> {
    return this.#call(options, setNames, scope => {
      const data = this.#encoded(path, value)
      if (options.upsert !== true) return this.#requests.set(path, data, options.version, scope)
      if (options.version !== undefined) throw badArguments('set: upsert and version exclude each other', path)
      return upsert(this.#requests, path, data, scope)
    })
  }

  /**
   * Reads a value, lets `change` make the new one from it, and sets that if nobody was faster; else reads again, until it
   * succeeds or its timeout has passed. `change` may be called several times and may be asynchronous; what it throws rejects the call.
   * Resolves with the value that was set. Rejects with NO_NODE, DATA_TOO_LARGE, CODEC_ERROR.
   *
   * @example await zk.update('/counter', count => (count ?? 0) + 1)
   */
  update(
    path: string,
    change: (value: T | undefined, stat: Stat) => T | undefined | Promise<T | undefined>,
    options: CallOptions = {},
  ): Promise<{ readonly value: T | undefined; readonly stat: Stat }> {
    return this.#call(options, callNames, async scope => {
      if (typeof change !== 'function') throw badArguments('update: what makes the new value must be a function', path)
      let value: T | undefined
      const stat = await update(
        this.#requests,
        path,
        async current => {
          const made = change(decodeValue(this.#codec, current.data, path), current.stat)
          value = isThenable(made) ? await this.#shared.session.within(made, path, scope) : made
          return this.#encoded(path, value)
        },
        scope,
      )
      return { value, stat }
    })
  }

  /**
   * Deletes a znode. Rejects with NO_NODE, BAD_VERSION, NOT_EMPTY.
   *
   * @example await zk.delete('/jobs', { recursive: true, ifExists: true })
   */
  delete(path: string, options: DeleteOptions = {}): Promise<void> {
    return this.#call(options, deleteNames, scope => {
      this.#requests.deleteStep(path)
      const { version } = options
      const content = options.ifExists === true ? ({ with: 'NO_NODE', result: undefined } as const) : undefined
      if (options.recursive !== true) return this.#requests.delete(path, version, scope, content)
      return contentWith(content, deleteSubtree(this.#requests, path, version, scope))
    })
  }

  /**
   * The names of a znode's children, sorted. Rejects with NO_NODE.
   *
   * @example for (const name of await zk.getChildren('/jobs')) await zk.get(`/jobs/${name}`)
   */
  getChildren(path: string, options: CallOptions = {}): Promise<string[]> {
    return this.#call(options, callNames, scope => this.#requests.children(path, scope))
  }

  /**
   * The paths of this session's ephemerals, sorted: all, or those at and below `path`.
   *
   * @example for (const path of await zk.getEphemerals('/members')) await zk.delete(path)
   */
  getEphemerals(path = '/', options: CallOptions = {}): Promise<string[]> {
    return this.#call(options, callNames, scope => this.#requests.ephemerals(path, scope))
  }

  /**
   * How many znodes are below one, itself not counted. Rejects with NO_NODE.
   *
   * @example if ((await zk.countDescendants('/jobs')) > 1000) …
   */
  countDescendants(path: string, options: CallOptions = {}): Promise<number> {
    return this.#call(options, callNames, scope => this.#requests.countDescendants(path, scope))
  }

  /**
   * Who this client is known as: one scheme and name for each of its identities; `super` for one inside the peer's own process.
   *
   * @example const [{ scheme, user }] = await zk.whoAmI()
   */
  whoAmI(options: CallOptions = {}): Promise<ClientIdentity[]> {
    return this.#call(options, callNames, scope => this.#requests.whoAmI(scope))
  }

  /**
   * Several reads of one moment: no write comes between them. Resolves with one result per step, which is a ZooKeeperError (NO_NODE,
   * CODEC_ERROR, …) where the step failed; the others are not disturbed.
   *
   * @example
   * const [config, jobs] = await zk.multiRead([op.get('/config'), op.getChildren('/jobs')])
   * if (!(config instanceof ZooKeeperError)) console.log(config.value)
   */
  multiRead<const Ops extends readonly ReadOp[]>(
    ops: Ops,
    options: CallOptions = {},
  ): Promise<MultiReadResults<T, Ops>> {
    return this.#call(options, callNames, scope => {
      if (!Array.isArray(ops)) throw badArguments('multiRead: takes a list of steps')
      for (const step of Array.from(ops as readonly ReadOp[])) {
        if (step?.kind !== 'get' && step?.kind !== 'getChildren')
          throw badArguments('multiRead: a step must come from op.get or op.getChildren')
      }
      return this.#requests.multiRead(ops, scope, (path, found) => this.#readResult(path, found)) as Promise<
        MultiReadResults<T, Ops>
      >
    })
  }

  /**
   * Every znode of a subtree, its root first, parents before children, siblings by name. Not a snapshot: each is read when it
   * is reached, and one that vanishes meanwhile is left out. The timeout is that of each znode. Throws NO_NODE, CODEC_ERROR.
   *
   * @example for await (const { path, value } of zk.walk('/config')) console.log(path, value)
   */
  async *walk(path: string, options: CallOptions = {}): AsyncGenerator<WalkedZnode<T>, void, undefined> {
    checkCallOptions(options, callNames)
    this.#requests.path(path)
    const scope = (): CallScope => this.#shared.session.scope(options.signal, options.timeout)
    for await (const { path: found, bytes } of walkSubtree(this.#requests, path, scope))
      yield { path: found, ...this.#decoded(found, bytes) }
  }

  /**
   * Who may do what with a znode. Rejects with NO_NODE.
   *
   * @example const { acl, stat } = await zk.getAcl('/config')
   */
  getAcl(path: string, options: CallOptions = {}): Promise<{ acl: Acl; stat: Stat }> {
    return this.#call(options, callNames, scope => this.#requests.getAcl(path, scope))
  }

  /**
   * Replaces a znode's ACL and resolves with its Stat. `version` is compared with `aversion`. Rejects with NO_NODE, BAD_VERSION, INVALID_ACL.
   *
   * @example await zk.setAcl('/config', [{ perms: Permission.READ, scheme: 'world', id: 'anyone' }])
   */
  setAcl(path: string, acl: Acl, options: VersionOptions = {}): Promise<Stat> {
    return this.#call(options, versionNames, scope => this.#requests.setAcl(path, acl, options.version, scope))
  }

  /**
   * From here on this client is also who `auth` proves it to be, on whatever peer its session lives: calls behind this one are judged by all its
   * identities together, and `auth` entries of its ACLs stand for them. Rejects with AUTH_FAILED, which ends the client.
   *
   * @example
   * await zk.addAuth('digest', 'alice:secret')
   * await zk.create('/alice', undefined, { acl: CREATOR_ALL_ACL })
   */
  addAuth(scheme: string, auth: string | Uint8Array, options: CallOptions = {}): Promise<void> {
    return this.#call(options, callNames, scope => {
      if (!isText(scheme)) throw badArguments('addAuth: scheme must be a string')
      if (!isText(auth) && !(auth instanceof Uint8Array)) throw badArguments('addAuth: auth must be a string or bytes')
      if (auth.length > AUTH_BYTES_MAX) throw badArguments(`addAuth: auth is longer than ${AUTH_BYTES_MAX} bytes`)
      const bytes = typeof auth === 'string' ? new TextEncoder().encode(auth) : auth.slice()
      return this.#shared.session.authenticate({ kind: 'auth', scheme, auth: bytes }, scope)
    })
  }

  /**
   * All steps or none, in one transaction. Resolves with one result per step, of the step's type.
   * Rejects with the code of the step that failed, its place in `error.index` and its path.
   *
   * @example
   * const [created, stat] = await zk.multi([op.create('/a', 1), op.set('/b', 2, { version: 3 }), op.check('/c')])
   */
  multi<const Ops extends readonly MultiOp<T>[]>(ops: Ops, options: CallOptions = {}): Promise<MultiResults<Ops>> {
    return this.#call(options, callNames, scope => {
      if (!Array.isArray(ops)) throw badArguments('multi: takes a list of steps')
      // Array.from, unlike map, does not pass over holes.
      const steps = Array.from(ops as readonly MultiOp<T>[], step => this.#step(step))
      const paths = ops.map(step => step.path)
      return this.#requests.multi(steps, paths, scope) as Promise<MultiResults<Ops>>
    })
  }

  /**
   * Waits until the connected replica has applied all that was committed before the call. A read after it, on this client, sees
   * every write that had returned, from any client. Resolves with the replica's last zxid.
   *
   * @example await zk.sync(); const { value } = await zk.get('/config')
   */
  sync(path = '/', options: CallOptions = {}): Promise<bigint> {
    return this.#call(options, callNames, scope => this.#requests.sync(path, scope))
  }

  /**
   * A znode's value now and whenever it changes; a missing znode is a state too. Latest wins: what changes while a read is under
   * way is not emitted one by one. `stat.mzxid` grows from each value to the next; a repeat differs in `stale` only.
   * Survives reconnects and leader changes; completes on `close()`; errors with SESSION_EXPIRED, NO_AUTH, CODEC_ERROR.
   *
   * @example zk.data$('/config').subscribe(({ exists, value, zxid, stale }) => …)
   */
  data$(path: string): Observable<DataState<T>> {
    return this.#shared.streams.data(this.#requests.path(path), this.#codec, path)
  }

  /**
   * Whether a znode exists, and its Stat, now and whenever it is created, deleted or set. Otherwise like `data$`.
   *
   * @example zk.exists$('/lock').subscribe(({ exists }) => …)
   */
  exists$(path: string): Observable<ExistsState> {
    return this.#shared.streams.exists(this.#requests.path(path))
  }

  /**
   * The sorted names of a znode's children, now and whenever one is created or deleted. Otherwise like `data$`, with `stat.pzxid`.
   *
   * @example zk.children$('/members').subscribe(({ children }) => …)
   */
  children$(path: string): Observable<ChildrenState> {
    return this.#shared.streams.children(this.#requests.path(path))
  }

  /**
   * All znodes of a subtree by path, now and after every change, the whole map each time. The entries may stem from
   * neighbouring zxids; the last map is the final state. An entry is replaced when its value changes: what children or an ACL do to a
   * Stat (`numChildren`, `cversion`, `pzxid`, `aversion`) shows with its next value. Otherwise like `data$`.
   *
   * @example zk.subtree$('/config').subscribe(({ znodes }) => console.log(znodes.get('/config/dark')?.value))
   */
  subtree$(path: string): Observable<SubtreeState<T>> {
    return this.#shared.streams.subtree(this.#requests.path(path), this.#codec, this.#chroot)
  }

  /**
   * Each event of a znode, or with `recursive` of its whole subtree (then without `childrenChanged`), from the subscription on.
   * After a reconnect a `gap` says that events may be missing.
   *
   * @example zk.events$('/jobs', { recursive: true }).subscribe(({ type, path, zxid }) => …)
   */
  events$(path: string, options: { readonly recursive?: boolean | undefined } = {}): Observable<ZnodeEvent> {
    checkCallOptions(options, eventNames)
    return this.#shared.streams.events(this.#requests.path(path), options.recursive ?? false, this.#chroot)
  }

  /**
   * One znode as a typed handle, with a codec of its own.
   *
   * @example const counter = zk.at('/counter', json as Codec<number>); await counter.update(n => (n ?? 0) + 1)
   */
  at<U = T>(path: string, codec?: Codec<U>): ZnodeHandle<U> {
    this.#requests.path(path)
    if (codec !== undefined && !isCodec(codec))
      throw badArguments('at: a codec must have a name, encode and decode', path)
    const client = new Client<U>(this.#shared, codec ?? (this.#codec as unknown as Codec<U>), this.#chroot)
    return new ZnodeHandle<U>(client, path)
  }

  /**
   * The same session with another root: paths are below `prefix`, which is not created. Has no life of its own: closing either
   * closes both.
   *
   * @example const app = zk.chroot('/apps/one'); await app.get('/config')   // reads /apps/one/config
   */
  chroot(prefix: string): Client<T> {
    this.#requests.path(prefix)
    return new Client(this.#shared, this.#codec, this.#chroot.within(prefix))
  }

  /** The state of the session now and whenever it changes; completes after `closed`. @example zk.state$.subscribe(console.log) */
  get state$(): Observable<ClientState> {
    return this.#shared.session.state$
  }

  /** The session's id (as in `stat.ephemeralOwner`) and negotiated timeout in ms. @example zk.session.id */
  get session(): SessionInfo {
    return this.#shared.session.info
  }

  /**
   * Ends the session, and with it its ephemerals; calls made before are answered first, streams complete. Idempotent, never
   * rejects, takes at most the session timeout: if the ensemble could not be told, the session expires there.
   *
   * @example await zk.close()
   */
  close(): Promise<void> {
    return this.#shared.session.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Begins a call: what is wrong with it rejects, and is never thrown at the caller. */
  #call<R>(options: CallOptions, names: ReadonlySet<string>, act: (scope: CallScope) => Promise<R>): Promise<R> {
    try {
      checkCallOptions(options, names)
      return act(this.#shared.session.scope(options.signal, options.timeout))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  #decoded(path: string, { data, stat, zxid }: Bytes): Data<T> {
    return { value: decodeValue(this.#codec, data, path), stat, zxid }
  }

  #readResult(path: string, found: DataResponse | ChildrenResponse): ReadValue<T> | ReadChildren | ZooKeeperError {
    const stat = toStat(found.stat)
    if (found.kind === 'children') return { children: [...found.children].sort(), stat }
    try {
      return { value: decodeValue(this.#codec, found.data, path), stat }
    } catch (error) {
      if (error instanceof ZooKeeperError) return error
      throw error
    }
  }

  #encoded(path: string, value: T | undefined): Uint8Array | null {
    if (typeof path !== 'string') throw badArguments('a path must be a string')
    return encodeValue(this.#codec, value, path)
  }

  #step(step: MultiOp<T>): MultiStep {
    const names = stepNames.get(step?.kind)
    if (names === undefined) throw badArguments('multi: a step must come from op.create, op.set, op.delete or op.check')
    checkCallOptions(step.options, names)
    switch (step.kind) {
      case 'create':
        return this.#requests.createStep(step.path, this.#encoded(step.path, step.value), step.options)
      case 'set':
        return this.#requests.setStep(step.path, this.#encoded(step.path, step.value), step.options.version)
      case 'delete':
        return this.#requests.deleteStep(step.path, step.options.version)
      case 'check':
        return this.#requests.checkStep(step.path, step.options.version)
    }
  }
}

/**
 * Opens a client over a channel. For the rim: `peer.client` and `connect` call it. Rejects with BAD_OPTIONS, and with CONNECTION_LOSS if
 * no session could be had within `timeout`.
 *
 * @example const client = await openClient(channel, { codec: json }, random)
 */
export async function openClient<T = Uint8Array>(
  channel: Channel,
  options: ClientOptions<T>,
  random: ClientRandom,
): Promise<Client<T>> {
  const resolved = resolveClientOptions(options)
  const session = new Session(channel, resolved, random)
  const watches = new Watches(session)
  await session.open(watches, session.scope(resolved.signal, undefined))
  const streams = new Streams(session, watches, new Observations(session, watches))
  return new Client({ session, streams }, resolved.codec, new Chroot(resolved.chroot))
}

/** As they were when the call was made: later steps of the call read them again. */
function ownOptions({ ephemeral, sequential, container, ttl, acl }: CreateOptions): CreateOptions {
  return { ephemeral, sequential, container, ttl, acl: Array.isArray(acl) ? acl.map(entry => ({ ...entry })) : acl }
}

function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof (value as PromiseLike<T> | undefined)?.then === 'function'
}

/** One expected refusal as a result. */
function contentWith<R>(content: Content<R> | undefined, call: Promise<R>): Promise<R> {
  if (content === undefined) return call
  return call.catch((error: unknown) => {
    if (hasCode(error, content.with)) return content.result
    throw error
  })
}
