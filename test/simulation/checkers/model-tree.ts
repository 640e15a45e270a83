/**
 * The tree as the documentation tells it, executed request by request: an independent second opinion on what a write should have answered, and on
 * what a read at any zxid should see. Knows nothing of txns, overlays or replicas. Slow and plain on purpose.
 */
import { type Acl, type Identities, OPEN_ACL_UNSAFE, Permission, READ_ACL_UNSAFE } from '../../../lib/model/acl.js'
import type { ReplyCode } from '../../../lib/model/errors.js'
import type { CreateRequest, MultiStep, SetAclRequest, WriteRequest } from '../../../lib/model/request.js'
import { mayDo, stored } from './model-access.js'
import { ModelQuotas } from './model-quotas.js'

export interface ModelZnode {
  readonly data: Uint8Array | null
  readonly version: number
  readonly acl: Acl
  readonly aversion: number
  /** How many children were ever created: the number of the next sequential one. */
  readonly created: number
  readonly owner: string | undefined
  readonly createdAt: number
  readonly modifiedAt: number
  readonly children: readonly string[]
}

/** `OK`, the path of a create, or why not. */
export type ModelOutcome = { readonly code: 'OK' | ReplyCode; readonly path?: string }

const system = (...children: string[]): ModelZnode => ({
  data: null,
  version: 0,
  acl: OPEN_ACL_UNSAFE,
  aversion: 0,
  created: 0,
  owner: undefined,
  createdAt: 0,
  modifiedAt: 0,
  children,
})

const INITIAL: ReadonlyMap<string, ModelZnode> = new Map([
  ['/', { ...system('zookeeper'), data: new Uint8Array(0) }],
  ['/zookeeper', system('config', 'quota')],
  ['/zookeeper/config', { ...system(), acl: READ_ACL_UNSAFE }],
  ['/zookeeper/quota', system()],
])

interface Who {
  readonly session: string
  readonly identities: Identities
}
/** How many states of a znode the leader's replica may be behind, and more. */
const LATE = 60

export class ModelTree {
  readonly sessions = new Set<string>()
  /** Known to their own peers only: they write, and own nothing. One that is upgraded is one of `sessions`. */
  readonly local = new Set<string>()
  readonly #znodes = new Map(INITIAL)
  readonly #quotas = new ModelQuotas(
    () => this.#znodes,
    (path, data, at) => this.#put(path, { ...this.#znodes.get(path)!, data }, at),
  )
  /** What those that a multi has changed so far were before it. */
  #former: Map<string, ModelZnode | undefined> | undefined
  /** Every state a path ever had, by the zxid it began at. */
  readonly #past = new Map<string, { readonly at: number; readonly znode: ModelZnode | undefined }[]>()

  get size(): number {
    return this.#znodes.size
  }
  paths(): Iterable<string> {
    return this.#znodes.keys()
  }
  entries(): Iterable<readonly [path: string, znode: ModelZnode]> {
    return this.#znodes.entries()
  }
  get(path: string): ModelZnode | undefined {
    return this.#znodes.get(path)
  }

  /** What `path` was behind zxid `at`. */
  before(path: string, at: number): ModelZnode | undefined {
    const past = this.#past.get(path)
    if (past === undefined) return this.#znodes.get(path)
    for (let index = past.length - 1; index >= 0; index--) if (past[index]!.at <= at) return past[index]!.znode
    return INITIAL.get(path)
  }

  /** Whether a quota may have forbidden this write, by limits and statistics of a moment ago: the leader asks what is applied there. */
  overQuota(step: MultiStep): boolean {
    if (step.kind !== 'create' && step.kind !== 'setData') return false
    const states = (path: string) => [
      ...(this.#past.get(path) ?? []).slice(-LATE).map(({ znode }) => znode?.data),
      null,
    ]
    const bytes = size(step.data)
    return this.#quotas.mayForbid(step.path, step.kind === 'create' ? 1 : 0, bytes, states)
  }

  execute(request: WriteRequest, session: string, identities: Identities, at: number): readonly ModelOutcome[] {
    const who = { session, identities }
    if (request.kind === 'createSession') {
      this.sessions.add(request.session)
      return [{ code: 'OK' }]
    }
    if (request.kind === 'closeSession') {
      this.close(session, at)
      return [{ code: 'OK' }]
    }
    if (request.kind === 'invalid') return [{ code: request.code }]
    if (request.kind === 'multi') return this.#multi(request.steps, who, at)
    if (request.kind === 'setAcl') return [this.#setAcl(request, who, at)]
    return [
      request.kind === 'check' || request.kind === 'reap' || request.kind === 'reconfig'
        ? { code: 'UNIMPLEMENTED' }
        : this.#step(request, who, at),
    ]
  }

  close(session: string, at: number): void {
    this.sessions.delete(session)
    for (const [path, znode] of [...this.#znodes]) if (znode.owner === session) this.#remove(path, at)
  }

  /** A znode that the leader takes away on its own. */
  reap(path: string, at: number): void {
    this.#remove(path, at)
  }

  #multi(steps: readonly MultiStep[], who: Who, at: number): ModelOutcome[] {
    const former = new Map<string, ModelZnode | undefined>()
    this.#former = former
    const outcomes: ModelOutcome[] = []
    for (const step of steps) {
      const outcome = this.#step(step, who, at)
      outcomes.push(outcome)
      if (outcome.code === 'OK') continue
      // Nothing of it has happened.
      this.#former = undefined
      for (const [path, znode] of former) {
        if (znode === this.#znodes.get(path)) continue
        if (znode === undefined) this.#znodes.delete(path)
        else this.#znodes.set(path, znode)
        this.#note(path, znode, at)
      }
      return steps.map((_, index) => {
        if (index < outcomes.length - 1) return { code: 'OK' }
        return index === outcomes.length - 1 ? outcome : { code: 'RUNTIME_INCONSISTENCY' }
      })
    }
    this.#former = undefined
    return outcomes
  }

  #speaks(session: string): boolean {
    return this.sessions.has(session) || this.local.has(session)
  }

  #setAcl({ path, acl, version }: SetAclRequest, { session, identities }: Who, at: number): ModelOutcome {
    if (!this.#speaks(session)) return { code: 'SESSION_EXPIRED' }
    const kept = stored(acl, identities)
    if (kept === undefined) return { code: 'INVALID_ACL' }
    const znode = this.#znodes.get(path)
    if (znode === undefined) return { code: 'NO_NODE' }
    if (!mayDo(znode.acl, identities, Permission.ADMIN)) return { code: 'NO_AUTH' }
    if (version !== -1 && version !== znode.aversion) return { code: 'BAD_VERSION' }
    this.#put(path, { ...znode, acl: kept, aversion: znode.aversion + 1 }, at)
    return { code: 'OK' }
  }

  #step(request: MultiStep, who: Who, at: number): ModelOutcome {
    const { session, identities } = who
    if (!this.#speaks(session)) return { code: 'SESSION_EXPIRED' }
    if (request.kind === 'create') return this.#create(request, who, at)
    if (request.kind === 'delete') {
      const above = this.#znodes.get(parent(request.path))
      if (above === undefined) return { code: 'NO_NODE' }
      if (!mayDo(above.acl, identities, Permission.DELETE)) return { code: 'NO_AUTH' }
    }
    const znode = this.#znodes.get(request.path)
    if (znode === undefined) return { code: 'NO_NODE' }
    const wanted = request.kind === 'setData' ? Permission.WRITE : Permission.READ
    if (request.kind !== 'delete' && !mayDo(znode.acl, identities, wanted)) return { code: 'NO_AUTH' }
    if (request.version !== -1 && request.version !== znode.version) return { code: 'BAD_VERSION' }
    if (request.kind === 'delete') {
      if (znode.children.length > 0) return { code: 'NOT_EMPTY' }
      this.#remove(request.path, at)
    } else if (request.kind === 'setData') {
      this.#put(request.path, { ...znode, data: request.data, version: znode.version + 1, modifiedAt: at }, at)
      this.#quotas.add(request.path, 0, size(request.data) - size(znode.data), at)
    }
    return { code: 'OK' }
  }

  #create(request: CreateRequest, { session, identities }: Who, at: number): ModelOutcome {
    if (request.mode.ephemeral && !this.sessions.has(session)) return { code: 'EPHEMERAL_ON_LOCAL_SESSION' }
    const acl = stored(request.acl, identities)
    if (acl === undefined) return { code: 'INVALID_ACL' }
    const parentPath = parent(request.path)
    const above = this.#znodes.get(parentPath)
    if (above === undefined) return { code: 'NO_NODE' }
    if (!mayDo(above.acl, identities, Permission.CREATE)) return { code: 'NO_AUTH' }
    const path = request.mode.sequential ? request.path + String(above.created).padStart(10, '0') : request.path
    if (this.#znodes.has(path)) return { code: 'NODE_EXISTS' }
    if (above.owner !== undefined && !isMortal(above)) return { code: 'NO_CHILDREN_FOR_EPHEMERALS' }
    const owner = ownerOf(request, session)
    this.#put(parentPath, { ...above, created: above.created + 1, children: withName(above.children, name(path)) }, at)
    this.#put(path, { ...system(), data: request.data, acl, owner, createdAt: at, modifiedAt: at }, at)
    this.#quotas.created(path, at)
    this.#quotas.add(path, 1, size(request.data), at)
    return { code: 'OK', path }
  }

  #remove(path: string, at: number): void {
    const above = this.#znodes.get(parent(path))!
    this.#put(parent(path), { ...above, children: above.children.filter(each => each !== name(path)) }, at)
    const { data } = this.#znodes.get(path)!
    this.#remember(path)
    this.#znodes.delete(path)
    this.#note(path, undefined, at)
    this.#quotas.add(path, -1, -size(data), at)
  }

  #put(path: string, znode: ModelZnode, at: number): void {
    this.#remember(path)
    this.#znodes.set(path, znode)
    this.#note(path, znode, at)
  }

  #remember(path: string): void {
    if (this.#former?.has(path) === false) this.#former.set(path, this.#znodes.get(path))
  }

  #note(path: string, znode: ModelZnode | undefined, at: number): void {
    const past = this.#past.get(path)
    if (past === undefined) this.#past.set(path, [{ at, znode }])
    else if (past.at(-1)!.at === at) past[past.length - 1] = { at, znode }
    else past.push({ at, znode })
  }
}

/** A container or a TTL znode. */
export function isMortal({ owner }: ModelZnode): boolean {
  return owner !== undefined && (owner === CONTAINER || owner.startsWith('ff'))
}

/** Undefined for a container. */
export function ttlOf({ owner }: ModelZnode): number | undefined {
  return owner === CONTAINER ? undefined : Number(BigInt(`0x${owner}`) & 0xff_ffff_ffffn)
}

const CONTAINER = '8000000000000000'

function ownerOf({ mode, lifetime }: CreateRequest, session: string): string | undefined {
  if (lifetime?.kind === 'container') return CONTAINER
  if (lifetime?.kind === 'ttl') return ((0xff00n << 48n) | BigInt(lifetime.ttlMs)).toString(16)
  return mode.ephemeral ? session : undefined
}

function size(data: Uint8Array | null): number {
  return data?.length ?? 0
}

/** In the order of texts, as they are. */
function withName(names: readonly string[], name: string): readonly string[] {
  return names.toSpliced(names.findLastIndex(each => each < name) + 1, 0, name)
}

function parent(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/'
}
function name(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
