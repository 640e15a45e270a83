/**
 * An ensemble of one tree and any number of channels to it, for tests of what lies above the channel: no consensus, no time.
 * It answers as ZooKeeper would, and lets a test hold answers back, refuse them, cut attachments and stop serving.
 *
 * Always holds: events and answers of an attachment come from one FIFO, each after the microtasks of the one before have run dry.
 */
import type { AttachOptions, Channel, ChannelAttachment, ChannelReceiver } from '../../lib/client/channel.js'
import type { Acl } from '../../lib/model/acl.js'
import type { ErrorCode, Outcome } from '../../lib/model/errors.js'
import { type SessionId, sessionIdFromBigint } from '../../lib/model/ids.js'
import { joinPath, nameOf, parentOf, sequenceSuffix } from '../../lib/model/path.js'
import type { AddWatchMode, MultiStep, Request, SetWatchesRequest } from '../../lib/model/request.js'
import { DONE, errorResponse, type Response, type StepResponse } from '../../lib/model/response.js'
import type { Stat } from '../../lib/model/stat.js'
import type { WatchEvent } from '../../lib/model/watch-event.js'
import { isAfter, type Zxid, zxid } from '../../lib/model/zxid.js'
import type { VirtualClock } from './virtual-clock.js'

interface Znode {
  data: Uint8Array | null
  acl: Acl
  stat: Stat
  childrenEver: number
}

const OPEN: Acl = [{ perms: 31, scheme: 'world', id: 'anyone' }]

export class FakeEnsemble {
  tree = new Map<string, Znode>()
  counter = 0
  readonly sessions = new Map<SessionId, Uint8Array>()
  readonly attachments = new Set<FakeAttachment>()
  #sessions = 0n

  constructor() {
    this.tree.set('/', this.#znode(null, OPEN, undefined))
  }

  get zxid(): Zxid {
    return zxid(1, this.counter)
  }

  openSession(): SessionId {
    const session = sessionIdFromBigint(0x0100000000000000n + ++this.#sessions)
    this.sessions.set(session, new Uint8Array(16).fill(Number(this.#sessions)))
    return session
  }

  /** What another client does. Text is the data. */
  set(path: string, value: string): void {
    this.write({ kind: 'setData', path, data: bytes(value), version: -1 })
  }
  create(path: string, value?: string): void {
    const data = value === undefined ? null : bytes(value)
    this.write({ kind: 'create', path, data, acl: OPEN, mode: { ephemeral: false, sequential: false } })
  }
  delete(path: string): void {
    this.write({ kind: 'delete', path, version: -1 })
  }
  write(request: Request): Response {
    const response = this.perform(request, undefined)
    if (response.kind === 'error') throw new Error(`${request.kind} by another client: ${response.code}`)
    return response
  }

  expire(session: SessionId): void {
    this.closeSession(session)
    for (const attachment of [...this.attachments])
      if (attachment.session === session) attachment.detached('SESSION_EXPIRED')
  }

  closeSession(session: SessionId): void {
    this.counter++
    this.sessions.delete(session)
    for (const [path, { stat }] of [...this.tree]) if (stat.ephemeralOwner === session) this.#delete(path)
  }

  /** Does a request of a session and tells the watches. */
  perform(request: Request, session: SessionId | undefined): Response {
    switch (request.kind) {
      case 'create':
      case 'setData':
      case 'delete':
      case 'check':
        this.counter++
        return this.#step(request, session, change => this.#tell(change))
      case 'setAcl': {
        this.counter++
        const znode = this.tree.get(request.path)
        if (znode === undefined) return errorResponse('NO_NODE')
        if (request.version !== -1 && request.version !== znode.stat.aversion) return errorResponse('BAD_VERSION')
        znode.acl = request.acl
        znode.stat = { ...znode.stat, aversion: znode.stat.aversion + 1 }
        return { kind: 'stat', stat: this.#stat(request.path) }
      }
      case 'multi':
        return this.#multi(request.steps, session)
      case 'closeSession':
        if (session !== undefined) this.closeSession(session)
        return DONE
      case 'getData':
        return this.#read(request.path, ({ data }, stat) => ({ kind: 'data', data, stat }))
      case 'exists':
        return this.#read(request.path, (_, stat) => ({ kind: 'stat', stat }))
      case 'getAcl':
        return this.#read(request.path, ({ acl }, stat) => ({ kind: 'acl', acl, stat }))
      case 'getChildren':
        return this.#read(request.path, (_, stat) => ({
          kind: 'children',
          // ZooKeeper promises no order.
          children: this.#children(request.path).reverse(),
          stat,
        }))
      default:
        return DONE
    }
  }

  #read(path: string, answer: (znode: Znode, stat: Stat) => Response): Response {
    const znode = this.tree.get(path)
    return znode === undefined ? errorResponse('NO_NODE') : answer(znode, this.#stat(path))
  }

  #multi(steps: readonly MultiStep[], session: SessionId | undefined): Response {
    this.counter++
    const before = new Map([...this.tree].map(([path, znode]) => [path, { ...znode }]))
    const changes: Change[] = []
    const results: StepResponse[] = []
    for (const step of steps) {
      const result = this.#step(step, session, change => changes.push(change))
      results.push(result)
      if (result.kind !== 'error') continue
      this.tree = before
      const failedAt = results.length - 1
      const codes = steps.map((_, i): StepResponse => {
        if (i === failedAt) return result
        return i < failedAt ? errorResponse('OK') : errorResponse('RUNTIME_INCONSISTENCY')
      })
      return { kind: 'multi', failed: true, results: codes }
    }
    for (const change of changes) this.#tell(change)
    return { kind: 'multi', failed: false, results }
  }

  #step(step: MultiStep, session: SessionId | undefined, tell: (change: Change) => void): StepResponse {
    if (step.kind === 'create') {
      const parent = this.tree.get(parentOf(step.path))
      if (parent === undefined) return errorResponse('NO_NODE')
      if (parent.stat.ephemeralOwner !== undefined) return errorResponse('NO_CHILDREN_FOR_EPHEMERALS')
      const path = step.mode.sequential ? step.path + sequenceSuffix(parent.childrenEver) : step.path
      if (this.tree.has(path)) return errorResponse('NODE_EXISTS')
      parent.childrenEver++
      parent.stat = { ...parent.stat, pzxid: this.zxid }
      this.tree.set(path, this.#znode(step.data, step.acl, step.mode.ephemeral ? session : undefined))
      tell({ type: 'created', path })
      return { kind: 'created', path, stat: this.#stat(path) }
    }
    const znode = this.tree.get(step.path)
    if (znode === undefined) return errorResponse('NO_NODE')
    if (step.version !== -1 && step.version !== znode.stat.version) return errorResponse('BAD_VERSION')
    if (step.kind === 'check') return DONE
    if (step.kind === 'delete') {
      if (this.#children(step.path).length > 0) return errorResponse('NOT_EMPTY')
      this.#delete(step.path, tell)
      return DONE
    }
    znode.data = step.data
    znode.stat = {
      ...znode.stat,
      mzxid: this.zxid,
      version: znode.stat.version + 1,
      dataLength: step.data?.length ?? 0,
    }
    tell({ type: 'dataChanged', path: step.path })
    return { kind: 'stat', stat: this.#stat(step.path) }
  }

  #delete(path: string, tell: (change: Change) => void = change => this.#tell(change)): void {
    this.tree.delete(path)
    const parent = this.tree.get(parentOf(path))
    if (parent !== undefined) parent.stat = { ...parent.stat, pzxid: this.zxid }
    tell({ type: 'deleted', path })
  }

  #tell({ type, path }: Change): void {
    for (const attachment of this.attachments) attachment.changed(type, path, this.zxid)
  }

  #children(path: string): string[] {
    return [...this.tree.keys()]
      .filter(other => other !== '/' && parentOf(other) === path)
      .map(nameOf)
      .sort()
  }

  #stat(path: string): Stat {
    return { ...this.tree.get(path)!.stat, numChildren: this.#children(path).length }
  }

  #znode(data: Uint8Array | null, acl: Acl, owner: SessionId | undefined): Znode {
    const at = this.zxid
    const versions = { version: 0, cversion: 0, aversion: 0 }
    const times = { ctime: 0, mtime: 0, numChildren: 0, dataLength: data?.length ?? 0 }
    return {
      data,
      acl,
      childrenEver: 0,
      stat: { czxid: at, mzxid: at, pzxid: at, ephemeralOwner: owner, ...versions, ...times },
    }
  }
}

interface Change {
  readonly type: 'created' | 'deleted' | 'dataChanged'
  readonly path: string
}

/** What a test makes of a request: an answer, a failure, no answer ever, or (undefined) what the ensemble makes of it. */
export type Script = (
  request: Request,
) => Response | { readonly kind: 'failed'; readonly code: ErrorCode; readonly outcome: Outcome } | 'silence' | undefined

/** One client's way to the ensemble. */
export class FakeChannel implements Channel {
  readonly dataBytesMax = 1024
  readonly clock: VirtualClock
  readonly ensemble: FakeEnsemble
  /** Everything that was sent, over all attachments. */
  readonly sent: Request[] = []
  readonly attaches: AttachOptions[] = []
  script: Script = () => undefined
  /** How the next attachments are refused, one each. */
  readonly refusals: ErrorCode[] = []
  /** Attachments are not answered at all. */
  deaf = false
  /** Whether a new attachment finds a working ensemble. */
  serving = true
  current: FakeAttachment | undefined

  constructor(ensemble: FakeEnsemble, clock: VirtualClock) {
    this.ensemble = ensemble
    this.clock = clock
  }

  attach(options: AttachOptions, receiver: ChannelReceiver): ChannelAttachment {
    this.attaches.push(options)
    const attachment = new FakeAttachment(this, options, receiver)
    this.current = attachment
    return attachment
  }

  get kinds(): string[] {
    return this.sent.map(request => request.kind)
  }

  /** Loses the connection. */
  cut(code: ErrorCode = 'CONNECTION_LOSS'): void {
    this.current?.detached(code)
  }

  setServing(serving: boolean): void {
    this.serving = serving
    this.current?.push(receiver => receiver.serving(serving))
  }

  /** Requests wait from now on, and are performed in order by `release`. */
  hold(): void {
    if (this.current !== undefined) this.current.held ??= []
  }
  release(): void {
    this.current?.release()
  }
}

export class FakeAttachment implements ChannelAttachment {
  session: SessionId | undefined
  /** Requests that wait for `release`; undefined while none has to. */
  held: Array<{ readonly cxid: number; readonly request: Request }> | undefined
  readonly watches: Record<AddWatchMode, Set<string>> = { persistent: new Set(), persistentRecursive: new Set() }
  readonly #channel: FakeChannel
  readonly #receiver: ChannelReceiver
  #ended = false
  #fifo: Array<(receiver: ChannelReceiver) => void> = []
  #scheduled = false

  constructor(channel: FakeChannel, options: AttachOptions, receiver: ChannelReceiver) {
    this.#channel = channel
    this.#receiver = receiver
    if (channel.deaf) return
    channel.ensemble.attachments.add(this)
    const refusal = channel.refusals.shift() ?? this.#admit(options)
    if (refusal !== undefined) this.detached(refusal)
  }

  send(cxid: number, request: Request): void {
    this.#channel.sent.push(request)
    if (this.held !== undefined) this.held.push({ cxid, request })
    else this.#perform(cxid, request)
  }

  release(): void {
    const held = this.held ?? []
    this.held = undefined
    for (const { cxid, request } of held) this.#perform(cxid, request)
  }

  detach(): void {
    this.#end()
    this.#fifo = []
  }

  detached(code: ErrorCode): void {
    this.#end()
    this.held = undefined
    this.push(receiver => receiver.detached(code))
  }

  changed(type: 'created' | 'deleted' | 'dataChanged', path: string, at: Zxid): void {
    const events: WatchEvent[] = []
    const { persistent, persistentRecursive } = this.watches
    let covered = persistent.has(path)
    for (let up = path; !covered; up = parentOf(up)) {
      covered = persistentRecursive.has(up)
      if (up === '/') break
    }
    if (covered) events.push({ type, path, zxid: at })
    const parent = parentOf(path)
    if (type !== 'dataChanged' && persistent.has(parent))
      events.push({ type: 'childrenChanged', path: parent, zxid: at })
    for (const event of events) this.push(receiver => receiver.event(event))
  }

  push(item: (receiver: ChannelReceiver) => void): void {
    this.#fifo.push(item)
    if (this.#scheduled) return
    this.#scheduled = true
    process.nextTick(() => this.#deliver())
  }

  #deliver(): void {
    this.#scheduled = false
    const item = this.#fifo.shift()
    if (item === undefined) return
    item(this.#receiver)
    if (this.#fifo.length === 0) return
    this.#scheduled = true
    // A microtask of the last turn: so the next tick comes after all microtasks of this one.
    queueMicrotask(() => process.nextTick(() => this.#deliver()))
  }

  #admit({ resume, lastZxidSeen, timeoutMs }: AttachOptions): ErrorCode | undefined {
    const { ensemble, serving } = this.#channel
    if (isAfter(lastZxidSeen, ensemble.zxid)) return 'CONNECTION_LOSS'
    const session = resume?.session ?? ensemble.openSession()
    const password = ensemble.sessions.get(session)
    if (password === undefined) return 'SESSION_EXPIRED'
    this.session = session
    this.push(receiver => receiver.serving(serving))
    this.push(receiver => receiver.attached({ session, password, timeoutMs }))
    return undefined
  }

  #end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#channel.ensemble.attachments.delete(this)
  }

  #perform(cxid: number, request: Request): void {
    if (this.#ended) return
    const scripted = this.#channel.script(request)
    if (scripted === 'silence') return
    if (scripted?.kind === 'failed') {
      this.push(receiver => receiver.failed(cxid, scripted.code, scripted.outcome))
      return
    }
    const response = scripted ?? this.#answer(request)
    const { zxid } = this.#channel.ensemble
    this.push(receiver => receiver.reply(cxid, zxid, response))
    if (request.kind === 'closeSession' && scripted === undefined) this.detached('CLOSED')
  }

  #answer(request: Request): Response {
    switch (request.kind) {
      case 'addWatch':
        this.watches[request.mode].add(request.path)
        return DONE
      case 'removeWatches': {
        const mode = request.type === 'persistentRecursive' ? 'persistentRecursive' : 'persistent'
        return this.watches[mode].delete(request.path) ? DONE : errorResponse('NO_WATCHER')
      }
      case 'setWatches':
        return this.#setWatches(request)
      default:
        return this.#channel.ensemble.perform(request, this.session)
    }
  }

  #setWatches({ persistent, persistentRecursive }: SetWatchesRequest): Response {
    for (const path of persistent) this.watches.persistent.add(path)
    for (const path of persistentRecursive) this.watches.persistentRecursive.add(path)
    return DONE
  }
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

/** A whole subtree as text by path, for comparison with what a stream told. */
export function contents(ensemble: FakeEnsemble, root: string): Map<string, string | undefined> {
  const below = root === '/' ? '/' : joinPath(root, '')
  const found = [...ensemble.tree].filter(([path]) => path === root || path.startsWith(below))
  return new Map(found.map(([path, { data }]) => [path, data === null ? undefined : new TextDecoder().decode(data)]))
}
