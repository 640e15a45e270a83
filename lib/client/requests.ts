/**
 * One method per request that a client can send: paths and sizes are checked, the chroot is put on and taken off, the answer
 * becomes a value or an error.
 *
 * Always holds: what cannot succeed is refused before it is sent; each method is one request, and settles in the turn of
 * its answer. Data is bytes here. Before: client.ts (values, options), composite-calls.ts. After: session.ts.
 */
import { type Acl, OPEN_ACL_UNSAFE } from '../model/acl.js'
import { CONTAINER, PERSISTENT_SEQUENTIAL_WITH_TTL, PERSISTENT_WITH_TTL } from '../model/create-mode.js'
import { type ErrorCode, ZooKeeperError } from '../model/errors.js'
import { isTtl, TTL_MAX_MS } from '../model/owner.js'
import { validatePath, validatePathForCreate } from '../model/path.js'
import { ANY_VERSION, type MultiStep, type ReadStep, type Request } from '../model/request.js'
import { isAcl, isTooLarge, REQUEST_SLACK_BYTES, requestBytes } from '../model/request-check.js'
import type { ClientIdentity, ErrorResponse, ReadStepResponse, Response } from '../model/response.js'
import { type Zxid, zxidToBigint } from '../model/zxid.js'
import { Chroot } from './chroot.js'
import { badArguments } from './client-options.js'
import type { ReadOp } from './read-batch.js'
import { replyError, unexpectedReply } from './reply-error.js'
import type { CallScope, Session } from './session.js'
import { type Stat, toStat } from './stat.js'
import type { Created, CreateStepOptions } from './transaction.js'

export interface Bytes {
  readonly data: Uint8Array | null
  readonly stat: Stat
  readonly zxid: bigint
}
export type StepResult = Created | Stat | undefined

/** A refusal that the caller is content with. In the turn of the answer, as the others, lest what was asked later comes first (C2). */
export interface Content<R> {
  readonly with: ErrorCode
  readonly result: R
}

export class Requests {
  readonly #session: Session
  readonly #chroot: Chroot

  constructor(session: Session, chroot: Chroot) {
    this.#session = session
    this.#chroot = chroot
  }

  create<R>(
    path: string,
    data: Uint8Array | null,
    options: CreateStepOptions,
    scope: CallScope,
    read: (created: Created) => R,
    content?: Content<R>,
  ): Promise<R> {
    const answered = (response: Response): R => {
      if (response.kind !== 'created') return unexpected(response, 'create')
      return read({ path: this.#chroot.toClient(response.path), stat: toStat(response.stat) })
    }
    return this.#ask(this.createStep(path, data, options), path, scope, answered, content)
  }

  get<R>(path: string, scope: CallScope, read: (bytes: Bytes) => R): Promise<R> {
    return this.#ask({ kind: 'getData', path: this.path(path), watch: false }, path, scope, (response, zxid) => {
      if (response.kind !== 'data') return unexpected(response, 'getData')
      return read({ data: response.data, stat: toStat(response.stat), zxid: zxidToBigint(zxid) })
    })
  }

  exists(path: string, scope: CallScope): Promise<Stat | undefined> {
    const request: Request = { kind: 'exists', path: this.path(path), watch: false }
    this.#checkWhole(request, path)
    return this.#session.request(request, path, scope, ({ response }) => {
      if (response.kind === 'stat') return toStat(response.stat)
      if (response.kind === 'error' && response.code === 'NO_NODE') return undefined
      if (response.kind === 'error') throw replyError(response, 'exists', path)
      return unexpected(response, 'exists')
    })
  }

  set(path: string, data: Uint8Array | null, version: number | undefined, scope: CallScope): Promise<Stat> {
    return this.#ask(this.setStep(path, data, version), path, scope, response =>
      response.kind === 'stat' ? toStat(response.stat) : unexpected(response, 'setData'),
    )
  }

  delete(path: string, version: number | undefined, scope: CallScope, content?: Content<void>): Promise<void> {
    const answered = (response: Response): void =>
      response.kind === 'done' ? undefined : unexpected(response, 'delete')
    return this.#ask(this.deleteStep(path, version), path, scope, answered, content)
  }

  children(path: string, scope: CallScope): Promise<string[]> {
    return this.#ask({ kind: 'getChildren', path: this.path(path), watch: false }, path, scope, response =>
      response.kind === 'children' ? [...response.children].sort() : unexpected(response, 'getChildren'),
    )
  }

  getAcl(path: string, scope: CallScope): Promise<{ acl: Acl; stat: Stat }> {
    return this.#ask({ kind: 'getAcl', path: this.path(path) }, path, scope, response =>
      response.kind === 'acl'
        ? { acl: copyAcl(response.acl), stat: toStat(response.stat) }
        : unexpected(response, 'getAcl'),
    )
  }

  /** Of this session, below `prefix`. */
  ephemerals(prefix: string, scope: CallScope): Promise<string[]> {
    const path = this.path(prefix)
    // The replica compares texts, and knows no end of a name.
    const inside = path === '/' ? '/' : `${path}/`
    return this.#ask({ kind: 'getEphemerals', prefix: path }, prefix, scope, response => {
      if (response.kind !== 'paths') return unexpected(response, 'getEphemerals')
      const own = response.paths.filter(each => each === path || each.startsWith(inside))
      return own.map(each => this.#chroot.toClient(each)).sort()
    })
  }

  countDescendants(path: string, scope: CallScope): Promise<number> {
    return this.#ask({ kind: 'countDescendants', path: this.path(path) }, path, scope, response =>
      response.kind === 'count' ? response.count : unexpected(response, 'countDescendants'),
    )
  }

  whoAmI(scope: CallScope): Promise<ClientIdentity[]> {
    return this.#ask({ kind: 'whoAmI' }, undefined, scope, response =>
      response.kind === 'identities'
        ? response.identities.map(({ scheme, user }) => ({ scheme, user }))
        : unexpected(response, 'whoAmI'),
    )
  }

  multiRead<R>(
    ops: readonly ReadOp[],
    scope: CallScope,
    read: (path: string, result: Exclude<ReadStepResponse, ErrorResponse>) => R,
  ): Promise<(R | ZooKeeperError)[]> {
    const paths = ops.map(({ path }) => path)
    const steps = ops.map(({ kind, path }): ReadStep => {
      return { kind: kind === 'get' ? 'getData' : 'getChildren', path: this.path(path), watch: false }
    })
    return this.#ask({ kind: 'multiRead', steps }, undefined, scope, response => {
      if (response.kind !== 'multiRead') return unexpected(response, 'multiRead')
      return response.results.map((result, at) => {
        const path = paths[at]!
        return result.kind === 'error' ? replyError(result, steps[at]!.kind, path) : read(path, result)
      })
    })
  }

  setAcl(path: string, acl: Acl, version: number | undefined, scope: CallScope): Promise<Stat> {
    const request: Request = {
      kind: 'setAcl',
      path: this.path(path),
      acl: checkedAcl(acl, path),
      version: version ?? ANY_VERSION,
    }
    return this.#ask(request, path, scope, response =>
      response.kind === 'stat' ? toStat(response.stat) : unexpected(response, 'setAcl'),
    )
  }

  /** Resolves with the last zxid that the replica had applied when it answered. */
  sync(path: string, scope: CallScope): Promise<bigint> {
    return this.#ask({ kind: 'sync', path: this.path(path) }, path, scope, (response, zxid) =>
      response.kind === 'done' ? zxidToBigint(zxid) : unexpected(response, 'sync'),
    )
  }

  multi(steps: readonly MultiStep[], paths: readonly string[], scope: CallScope): Promise<StepResult[]> {
    this.#checkSize(
      steps.reduce((sum, step) => sum + ('data' in step ? (step.data?.length ?? 0) : 0), 0),
      undefined,
    )
    return this.#ask({ kind: 'multi', steps }, undefined, scope, response => {
      if (response.kind !== 'multi') return unexpected(response, 'multi')
      if (response.failed) throw failedStep(response.results, steps, paths)
      return response.results.map(result => {
        if (result.kind === 'created') return { path: this.#chroot.toClient(result.path), stat: toStat(result.stat) }
        return result.kind === 'stat' ? toStat(result.stat) : undefined
      })
    })
  }

  createStep(path: string, data: Uint8Array | null, options: CreateStepOptions): MultiStep {
    const { ephemeral = false, sequential = false, container = false, ttl, acl = OPEN_ACL_UNSAFE } = options
    const wrong =
      typeof path === 'string'
        ? (validatePathForCreate(path, sequential) ?? unfitKind(options))
        : 'a path must be a string'
    if (wrong !== undefined) throw badArguments(`create: ${wrong}`, path)
    this.#checkSize(data?.length ?? 0, path)
    const made = { kind: 'create', path: this.#chroot.toServer(path), data, acl: checkedAcl(acl, path) } as const
    if (container) return { ...made, mode: CONTAINER, lifetime: { kind: 'container' } }
    if (ttl === undefined) return { ...made, mode: { ephemeral, sequential } }
    const mode = sequential ? PERSISTENT_SEQUENTIAL_WITH_TTL : PERSISTENT_WITH_TTL
    return { ...made, mode, lifetime: { kind: 'ttl', ttlMs: ttl } }
  }

  setStep(path: string, data: Uint8Array | null, version = ANY_VERSION): MultiStep {
    this.#checkSize(data?.length ?? 0, path)
    return { kind: 'setData', path: this.path(path), data, version }
  }

  deleteStep(path: string, version = ANY_VERSION): MultiStep {
    const step: MultiStep = { kind: 'delete', path: this.path(path), version }
    if (path === '/') throw badArguments('delete: the root cannot be deleted', path)
    return step
  }

  checkStep(path: string, version = ANY_VERSION): MultiStep {
    return { kind: 'check', path: this.path(path), version }
  }

  /** The path as the replica knows it, if it is one. */
  path(path: string): string {
    const wrong = typeof path === 'string' ? validatePath(path) : 'a path must be a string'
    if (wrong !== undefined) throw badArguments(wrong, path)
    return this.#chroot.toServer(path)
  }

  serverPath(path: string): string {
    return this.#chroot.toServer(path)
  }

  /** The same requests without a chroot. */
  get whole(): Requests {
    return new Requests(this.#session, new Chroot('/'))
  }

  #ask<R>(
    request: Request,
    path: string | undefined,
    scope: CallScope,
    read: (response: Response, zxid: Zxid) => R,
    content?: Content<R>,
  ): Promise<R> {
    this.#checkWhole(request, path)
    return this.#session.request(request, path, scope, ({ response, zxid }) => {
      if (response.kind !== 'error') return read(response, zxid)
      if (content !== undefined && response.code === content.with) return content.result
      throw replyError(response, request.kind, path)
    })
  }

  /** Paths and ACLs count too, and all steps of a multi together: a request must fit into one message. */
  #checkWhole(request: Request, path: string | undefined): void {
    const most = this.#session.dataBytesMax
    if (!isTooLarge(request, most)) return
    const bytes = requestBytes(request)
    throw new ZooKeeperError(
      'DATA_TOO_LARGE',
      `${request.kind} takes ${bytes} bytes with its paths; at most ${most + REQUEST_SLACK_BYTES}`,
      { path },
    )
  }

  #checkSize(bytes: number, path: string | undefined): void {
    const most = this.#session.dataBytesMax
    if (bytes > most) throw new ZooKeeperError('DATA_TOO_LARGE', `${bytes} bytes of data; at most ${most}`, { path })
  }
}

/** What cannot be said of one znode. */
function unfitKind({ ephemeral, sequential, container, ttl }: CreateStepOptions): string | undefined {
  if (container && (ephemeral || sequential || ttl !== undefined))
    return 'a container is neither ephemeral nor sequential, and has no ttl'
  if (ttl === undefined) return undefined
  if (ephemeral) return 'an ephemeral znode has no ttl'
  return isTtl(ttl) ? undefined : `ttl must be a whole number of milliseconds from 1 to ${TTL_MAX_MS}`
}

function unexpected(response: Response, what: string): never {
  throw unexpectedReply(response.kind, what)
}

/** The first step that failed by itself; those before it are OK, those after it RUNTIME_INCONSISTENCY. */
function failedStep(
  results: readonly Response[],
  steps: readonly MultiStep[],
  paths: readonly string[],
): ZooKeeperError {
  const codes = results.map((result): ErrorCode => (result.kind === 'error' ? result.code : 'OK'))
  const index = codes.findIndex(code => code !== 'OK')
  const code = codes[index] ?? 'RUNTIME_INCONSISTENCY'
  const message = `multi: step ${index} (${steps[index]?.kind} ${paths[index]}) failed, so no step took effect`
  return new ZooKeeperError(code, message, { path: paths[index], index })
}

function checkedAcl(acl: Acl, path: string): Acl {
  if (!isAcl(acl) || acl.length === 0)
    throw new ZooKeeperError('INVALID_ACL', 'an ACL is a list of { perms, scheme, id }, not empty', { path })
  return copyAcl(acl)
}

function copyAcl(acl: Acl): Acl {
  return acl.map(({ perms, scheme, id }) => ({ perms, scheme, id }))
}
