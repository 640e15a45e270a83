/**
 * A client in a simulated world: it holds a session, attaches to one peer at a time, pipelines calls, and keeps what a client library keeps: the last
 * zxid seen, its watches, what is outstanding. An embedded client lives and dies with its peer; another one may go elsewhere with its session.
 *
 * Always holds: what it sends over one attachment arrives in order, or not from some point on; the same for what it is told.
 * Decides nothing itself: the workload does. Mirrors client/session.ts and host/local-channel.ts.
 */
import type { Effect } from '../core/effect.js'
import type { Attachment, Input } from '../core/input.js'
import { type Identities, TRUSTED } from '../model/acl.js'
import type { ErrorCode } from '../model/errors.js'
import type { ClientId, SessionId } from '../model/ids.js'
import type { Request } from '../model/request.js'
import type { Response } from '../model/response.js'
import type { WatchEvent } from '../model/watch-event.js'
import { isAfter, ZERO, type Zxid } from '../model/zxid.js'
import type { SimulatedPeer } from './simulated-peer.js'
import type { World } from './world.js'

export type ClientEffect = Extract<Effect, { readonly kind: 'attached' | 'reply' | 'fail' | 'notify' | 'detachClient' }>

export interface Call {
  readonly number: number
  readonly client: SimulatedClient
  readonly attachment: ClientId
  readonly session: SessionId
  readonly cxid: number
  readonly request: Request
  /** Who the client was when it called. */
  readonly identities: Identities
  readonly invokedAt: number
  /** The client's last zxid seen when it called. */
  readonly seen: Zxid
  outcome:
    | { readonly kind: 'answered'; readonly response: Response; readonly zxid: Zxid }
    | { readonly kind: 'failed'; readonly code: ErrorCode; readonly outcome: 'not-applied' | 'unknown' }
    | { readonly kind: 'lost' }
    | undefined
}

export type ClientEvent =
  | {
      readonly kind: 'attached'
      readonly client: SimulatedClient
      readonly session: SessionId
      readonly peer: SimulatedPeer
    }
  | { readonly kind: 'called'; readonly call: Call }
  | { readonly kind: 'returned'; readonly call: Call }
  | { readonly kind: 'event'; readonly client: SimulatedClient; readonly event: WatchEvent }
  | {
      readonly kind: 'detached'
      readonly client: SimulatedClient
      readonly code: ErrorCode
      readonly session: SessionId | undefined
    }

/** What the workload hears, to decide what its client does next. */
export interface ClientOwner {
  attached(): void
  returned(call: Call): void
  /** Attached no more: by the peer (code), or because the connection broke (CONNECTION_LOSS). */
  detached(code: ErrorCode): void
}

interface Connection {
  readonly id: ClientId
  readonly peer: SimulatedPeer
  readonly life: number
  readonly since: number
  /** From this side. */
  open: boolean
  /** Requests on their way still arrive. */
  delivering: boolean
  lastOut: number
  lastIn: number
}

export interface SimulatedClientOptions {
  readonly embedded: boolean
  readonly timeoutMs: number
  readonly keepsCounting: boolean
  /** @default TRUSTED */
  readonly identities?: Identities
  /** Reads of a peer without a leader will do. @default false */
  readonly readOnly?: boolean
}

export class SimulatedClient {
  readonly name: string
  readonly embedded: boolean
  readonly timeoutMs: number
  /** Goes on counting over attachments, or begins again with each. */
  readonly keepsCounting: boolean
  owner: ClientOwner | undefined
  session: { readonly id: SessionId; readonly password: Uint8Array; readonly timeoutMs: number } | undefined
  lastZxidSeen: Zxid = ZERO
  readonly watches = { data: new Set<string>(), exist: new Set<string>(), child: new Set<string>() }
  attached = false
  /** To a peer without a leader. */
  readOnly = false
  /** Who it begins as on every attachment, what it has proved since it began, and who it is by now. */
  readonly #base: Identities
  readonly #asksReadOnly: boolean
  #proved: Identities = []
  identities: Identities
  readonly #world: World
  #connection: Connection | undefined
  #cxid = 0
  #pending: Call[] = []

  constructor(name: string, world: World, options: SimulatedClientOptions) {
    this.name = name
    this.#world = world
    this.embedded = options.embedded
    this.timeoutMs = options.timeoutMs
    this.keepsCounting = options.keepsCounting
    this.#base = options.identities ?? TRUSTED
    this.#asksReadOnly = options.readOnly ?? false
    this.identities = this.#base
  }

  get peer(): SimulatedPeer | undefined {
    return this.#connection?.peer
  }
  get outstanding(): readonly Call[] {
    return this.#pending
  }

  attach(peer: SimulatedPeer): void {
    this.disconnect()
    const id = this.#world.clients.nextId()
    const { now } = this.#world
    const connection: Connection = {
      id,
      peer,
      life: peer.life,
      since: now,
      open: true,
      delivering: true,
      lastOut: now,
      lastIn: now,
    }
    this.#connection = connection
    if (!this.keepsCounting) this.#cxid = 0
    this.#world.clients.connect(id, this)
    const { session, timeoutMs, lastZxidSeen, embedded } = this
    const resume = session === undefined ? undefined : { session: session.id, password: session.password }
    this.identities = this.#base
    const only = this.#asksReadOnly ? { readOnly: true } : {}
    const attachment: Attachment = { timeoutMs, resume, lastZxidSeen, identities: this.#base, embedded, ...only }
    if (!peer.isUp) this.#world.after(this.#delay(), () => this.#lost(connection))
    else this.#send(connection, { kind: 'clientAttached', client: id, attachment })
  }

  call(request: Request): Call | undefined {
    const connection = this.#connection
    if (connection === undefined || this.session === undefined || !this.attached) return undefined
    this.#cxid += 1
    const call: Call = {
      number: this.#world.clients.nextCall(),
      client: this,
      attachment: connection.id,
      session: this.session.id,
      cxid: this.#cxid,
      request: this.#world.handedOver(request),
      identities: this.identities,
      invokedAt: this.#world.now,
      seen: this.lastZxidSeen,
      outcome: undefined,
    }
    this.#pending.push(call)
    if (request.kind === 'authenticated') {
      this.#proved = [...this.#proved, ...request.identities]
      this.identities = [...this.#base, ...this.#proved]
    }
    this.#world.clientSaw({ kind: 'called', call })
    this.#send(connection, { kind: 'request', client: connection.id, cxid: call.cxid, request: call.request })
    return call
  }

  /** Lets go of the attachment; the session lives on. The peer hears of it sooner or later. */
  disconnect(halfOpenMs = 0): void {
    const connection = this.#connection
    if (connection === undefined) return
    if (this.#world.clientRandom.chance(0.5)) connection.delivering = false
    this.#leave('CONNECTION_LOSS')
    const delay = this.embedded ? 0 : Math.max(connection.lastOut - this.#world.now, 0) + this.#delay() + halfOpenMs
    this.#world.after(delay, () => {
      if (connection.peer.life === connection.life)
        connection.peer.receive({ kind: 'clientDetached', client: connection.id })
    })
  }

  /** A new life: nothing of the session is kept. */
  forgetSession(): void {
    this.session = undefined
    this.lastZxidSeen = ZERO
    this.#proved = []
    for (const kind of [this.watches.data, this.watches.exist, this.watches.child]) kind.clear()
  }

  /** On the next attachment it is only who it begins as. */
  forgetIdentities(): void {
    this.#proved = []
  }

  peerGone(peer: SimulatedPeer): void {
    const connection = this.#connection
    if (connection?.peer !== peer) return
    if (this.embedded) this.#lost(connection)
    else this.#world.after(this.#delay(), () => this.#lost(connection))
  }

  /** From the peer; arrives in order. */
  tell(effect: ClientEffect): void {
    const connection = this.#connection
    if (connection === undefined || connection.id !== effect.client) return
    connection.lastIn = Math.max(connection.lastIn, this.#world.now + this.#delay())
    this.#world.after(connection.lastIn - this.#world.now, () => {
      if (connection.open) this.#hear(effect, connection)
    })
  }

  #hear(effect: ClientEffect, connection: Connection): void {
    switch (effect.kind) {
      case 'attached': {
        const { session, password, timeoutMs } = effect
        this.session = { id: session, password, timeoutMs }
        this.attached = true
        this.readOnly = effect.readOnly === true
        this.#world.clientSaw({ kind: 'attached', client: this, session, peer: connection.peer })
        this.#greet()
        this.owner?.attached()
        return
      }
      case 'reply':
        return this.#returned(effect.cxid, { kind: 'answered', response: effect.response, zxid: effect.zxid })
      case 'fail':
        return this.#returned(effect.cxid, { kind: 'failed', code: effect.code, outcome: effect.outcome })
      case 'notify': {
        const { event } = effect
        if (event.zxid !== undefined && isAfter(event.zxid, this.lastZxidSeen)) this.lastZxidSeen = event.zxid
        if (event.type !== 'childrenChanged') {
          this.watches.data.delete(event.path)
          this.watches.exist.delete(event.path)
        }
        if (event.type === 'childrenChanged' || event.type === 'deleted') this.watches.child.delete(event.path)
        this.#world.clientSaw({ kind: 'event', client: this, event })
        return
      }
      case 'detachClient':
        return this.#leave(effect.code)
    }
  }

  #returned(cxid: number, outcome: NonNullable<Call['outcome']>): void {
    const index = this.#pending.findIndex(each => each.cxid === cxid)
    const call = this.#pending[index]
    if (call === undefined) return
    this.#pending.splice(index, 1)
    call.outcome = outcome
    if (outcome.kind === 'answered') {
      if (isAfter(outcome.zxid, this.lastZxidSeen)) this.lastZxidSeen = outcome.zxid
      this.#noteWatch(call.request, outcome.response)
    }
    this.#world.clientSaw({ kind: 'returned', call })
    this.owner?.returned(call)
  }

  #noteWatch(request: Request, response: Response): void {
    if (!('watch' in request) || !request.watch) return
    if (request.kind === 'exists' && response.kind === 'error' && response.code === 'NO_NODE')
      this.watches.exist.add(request.path)
    else if (response.kind !== 'error')
      (request.kind === 'getChildren' ? this.watches.child : this.watches.data).add(request.path)
  }

  /** As client/session.ts: who it is, then its watches. */
  #greet(): void {
    const proved = this.#proved
    this.#proved = []
    if (proved.length > 0) this.call({ kind: 'authenticated', identities: proved })
    const { data, exist, child } = this.watches
    if (data.size + exist.size + child.size === 0) return
    const lists = { data: [...data], exist: [...exist], child: [...child], persistent: [], persistentRecursive: [] }
    this.call({ kind: 'setWatches', since: this.lastZxidSeen, ...lists })
  }

  #send(connection: Connection, input: Input): void {
    connection.lastOut = Math.max(connection.lastOut, this.#world.now + this.#delay())
    this.#world.after(connection.lastOut - this.#world.now, () => {
      if (connection.delivering && connection.peer.life === connection.life) connection.peer.receive(input)
    })
  }

  #lost(connection: Connection): void {
    if (connection === this.#connection) this.#leave('CONNECTION_LOSS')
  }

  #leave(code: ErrorCode): void {
    const connection = this.#connection
    if (connection === undefined) return
    connection.open = false
    this.#connection = undefined
    this.attached = false
    this.#world.clients.left(connection.id)
    const session = this.session?.id
    const pending = this.#pending
    this.#pending = []
    for (const call of pending) {
      call.outcome = { kind: 'lost' }
      this.#world.clientSaw({ kind: 'returned', call })
      this.owner?.returned(call)
    }
    this.#world.clientSaw({ kind: 'detached', client: this, code, session })
    this.owner?.detached(code)
  }

  #delay(): number {
    return this.embedded ? 0 : this.#world.clientDelayMs()
  }
}

/** All clients of a world, by the number of their attachment. */
export class SimulatedClients {
  readonly #world: World
  readonly all: SimulatedClient[] = []
  readonly #byId = new Map<ClientId, SimulatedClient>()
  #lastId = 0
  #lastCall = 0

  constructor(world: World) {
    this.#world = world
  }

  nextId(): ClientId {
    this.#lastId += 1
    return this.#lastId as ClientId
  }
  nextCall(): number {
    this.#lastCall += 1
    return this.#lastCall
  }
  connect(id: ClientId, client: SimulatedClient): void {
    this.#byId.set(id, client)
  }
  left(id: ClientId): void {
    this.#byId.delete(id)
  }
  tell(_peer: SimulatedPeer, effect: ClientEffect): void {
    this.#byId.get(effect.client)?.tell(this.#world.handedOver(effect))
  }
  peerGone(peer: SimulatedPeer): void {
    for (const client of [...this.#byId.values()]) client.peerGone(peer)
  }
}
