/**
 * The embedded side of the one narrow door: clients in this process attach to the core without a socket. Every attachment has one
 * FIFO of what is to be told to it.
 *
 * Always holds: between items — except between two answers, whose promises keep their order by themselves — all microtasks run
 * dry, so an awaited answer is seen before a later event (W1); a receiver is never called from inside a turn of the peer, nor
 * after `detached` or `detach`.
 * An `auth` is verified here (auth/authenticator.ts), and what it proves enters the core as `authenticated`, in its place among the requests. Who has no
 * identity that `enforceAuthSchemes` wants is let go with the first request but an auth, be it a ping or the end of the session.
 * Before: client/client.ts; perform.ts brings the effects. After: inputs clientAttached, request, clientDetached.
 */
import type { Authenticator } from '../auth/authenticator.js'
import { ipIdentities } from '../auth/ip.js'
import type { AttachOptions, Channel, ChannelAttachment, ChannelReceiver, ClientClock } from '../client/channel.js'
import type { Effect } from '../core/effect.js'
import type { Input } from '../core/input.js'
import { type Identities, joinedIdentities, TRUSTED } from '../model/acl.js'
import { type ErrorCode, ZooKeeperError } from '../model/errors.js'
import { type ClientId, isSessionId, type SessionId } from '../model/ids.js'
import type { AuthRequest, ClientRequest } from '../model/request.js'
import { isIdentities, requestRefusal, utf8Bytes } from '../model/request-check.js'
import { isZxid } from '../model/zxid.js'
import type { Audit } from './audit.js'
import type { Logger } from './logger.js'

export type ClientEffect = Extract<Effect, { readonly kind: 'attached' | 'reply' | 'fail' | 'notify' | 'detachClient' }>
type Item = ClientEffect | { readonly kind: 'serving'; readonly serving: boolean }

export interface LocalChannelPorts {
  /** False when the inbox is full. */
  readonly offer: (input: Input) => boolean
  readonly push: (input: Input) => void
  readonly clock: ClientClock
  readonly logger: Logger
  readonly dataBytesMax: number
  readonly audit: Pick<Audit, 'authenticated'>
  readonly authenticator: Pick<Authenticator, 'authenticate'>
  /** One of these, for clients that are not of this process. */
  readonly enforceAuthSchemes: readonly string[]
}

/** Who comes through this door: the application itself, unless said otherwise. */
export interface DoorOptions {
  /** @default its address, as scheme `ip`, if there is one; else TRUSTED */
  readonly identities?: Identities | undefined
  /** The remote end of the socket that it comes through. */
  readonly address?: string | undefined
  readonly embedded?: boolean
}

/** Identities of one attachment, and their bytes: they travel with each of its requests. */
const IDENTITIES_MAX = 64
const IDENTITY_BYTES_MAX = 16 * 1024

export class LocalChannels {
  readonly #ports: LocalChannelPorts
  readonly #attachments = new Map<ClientId, LocalAttachment>()
  #lastClient = 0
  #serving = false
  #closed = false

  constructor(ports: LocalChannelPorts) {
    this.#ports = ports
  }

  get size(): number {
    return this.#attachments.size
  }

  channel({ identities, address, embedded = true }: DoorOptions = {}): Channel {
    const door = (): Door => ({
      address,
      embedded,
      identities:
        identities?.map(({ scheme, id }) => ({ scheme, id })) ??
        (address === undefined ? TRUSTED : ipIdentities(address)),
    })
    return {
      dataBytesMax: this.#ports.dataBytesMax,
      clock: this.#ports.clock,
      attach: (options, receiver) => this.#attach(options, receiver, door()),
    }
  }

  /** Queues an effect for its client; one whose client has left meanwhile is dropped, as it must be. */
  perform(effect: ClientEffect): void {
    const attachment = this.#attachments.get(effect.client)
    if (attachment === undefined) return
    if (effect.kind === 'detachClient') this.#attachments.delete(effect.client)
    attachment.deliver(effect)
  }

  serving(serving: boolean): void {
    if (serving === this.#serving) return
    this.#serving = serving
    for (const attachment of this.#attachments.values()) attachment.deliver({ kind: 'serving', serving })
  }

  /** The peer has stopped: every client is told, and so is everyone who attaches from now on. */
  close(code: ErrorCode): void {
    this.#closed = true
    this.serving(false)
    for (const client of [...this.#attachments.keys()]) this.perform({ kind: 'detachClient', client, code })
  }

  #attach(options: AttachOptions, receiver: ChannelReceiver, door: Door): ChannelAttachment {
    if (!isSound(options)) throw new ZooKeeperError('BAD_ARGUMENTS', 'no session can be had with such options')
    this.#lastClient++
    const client = this.#lastClient as ClientId
    const attachment = new LocalAttachment(client, receiver, this.#ports, door, () => {
      if (this.#attachments.delete(client)) this.#ports.push({ kind: 'clientDetached', client })
    })
    if (this.#closed) {
      attachment.deliver({ kind: 'detachClient', client, code: 'CLOSED' })
      return attachment
    }
    this.#attachments.set(client, attachment)
    attachment.deliver({ kind: 'serving', serving: this.#serving })
    const { timeoutMs, resume, lastZxidSeen, readOnly } = options
    const { identities, embedded } = door
    this.#ports.push({
      kind: 'clientAttached',
      client,
      attachment: { timeoutMs, resume, lastZxidSeen, identities, embedded, ...(readOnly === true ? { readOnly } : {}) },
    })
    return attachment
  }
}

/** The timeout and the session travel to the leader: what has no encoding must not get that far. */
function isSound({ timeoutMs, resume, lastZxidSeen }: AttachOptions): boolean {
  if (!Number.isSafeInteger(timeoutMs) || !isZxid(lastZxidSeen)) return false
  return resume === undefined || (isSessionId(resume.session) && resume.password instanceof Uint8Array)
}

interface Door {
  readonly identities: Identities
  readonly address: string | undefined
  readonly embedded: boolean
}

class LocalAttachment implements ChannelAttachment {
  readonly #client: ClientId
  readonly #receiver: ChannelReceiver
  readonly #ports: LocalChannelPorts
  readonly #door: Door
  readonly #left: () => void
  /** Who it is by now. */
  #identities: Identities
  #session: SessionId | undefined
  #items: Item[] = []
  #head = 0
  #scheduled = false
  /** It is told so, and nothing more comes in from it. */
  #leaving = false
  #ended = false

  constructor(client: ClientId, receiver: ChannelReceiver, ports: LocalChannelPorts, door: Door, left: () => void) {
    this.#client = client
    this.#receiver = receiver
    this.#ports = ports
    this.#door = door
    this.#left = left
    this.#identities = door.identities
  }

  send(cxid: number, request: ClientRequest): void {
    if (this.#ended || this.#leaving) return
    if (request?.kind === 'auth') return this.#authenticate(cxid, request)
    if (!this.#mayAsk) return this.#refuse(cxid, 'SESSION_CLOSED_REQUIRE_SASL_AUTH')
    const client = this.#client
    const refusal = requestRefusal(request, this.#ports.dataBytesMax)
    if (refusal === undefined && this.#ports.offer({ kind: 'request', client, cxid, request })) return
    this.deliver({ kind: 'fail', client, cxid, code: refusal ?? 'OVERLOADED', outcome: 'not-applied' })
  }

  detach(): void {
    if (this.#ended) return
    this.#end()
    if (!this.#leaving) this.#left()
  }

  #authenticate(cxid: number, { scheme, auth }: AuthRequest): void {
    const identities = this.#verified(scheme, auth)
    if (identities !== undefined) this.#identities = joinedIdentities(this.#identities, identities)
    this.#ports.audit.authenticated(identities !== undefined, this.#session, this.#identities, this.#door.address)
    if (identities === undefined) return this.#refuse(cxid, 'AUTH_FAILED')
    const client = this.#client
    if (this.#ports.offer({ kind: 'request', client, cxid, request: { kind: 'authenticated', identities } })) return
    this.deliver({ kind: 'fail', client, cxid, code: 'OVERLOADED', outcome: 'not-applied' })
  }

  #verified(scheme: string, auth: Uint8Array): Identities | undefined {
    if (typeof scheme !== 'string' || !(auth instanceof Uint8Array)) return undefined
    const identities = this.#ports.authenticator.authenticate(scheme, auth, { address: this.#door.address })
    // Whatever a scheme of the application's own makes of it.
    if (!isIdentities(identities)) return undefined
    const all = joinedIdentities(this.#identities, identities)
    const bytes = all.reduce((sum, { scheme, id }) => sum + utf8Bytes(scheme) + utf8Bytes(id), 0)
    return all.length > IDENTITIES_MAX || bytes > IDENTITY_BYTES_MAX ? undefined : identities
  }

  get #mayAsk(): boolean {
    const { enforceAuthSchemes } = this.#ports
    if (enforceAuthSchemes.length === 0 || this.#door.embedded) return true
    return this.#identities.some(({ scheme }) => enforceAuthSchemes.includes(scheme))
  }

  /** What it has asked before may still take effect; it hears nothing of it any more. */
  #refuse(cxid: number, code: 'AUTH_FAILED' | 'SESSION_CLOSED_REQUIRE_SASL_AUTH'): void {
    this.#leaving = true
    const client = this.#client
    this.deliver({ kind: 'fail', client, cxid, code, outcome: 'not-applied' })
    this.deliver({ kind: 'detachClient', client, code })
    this.#left()
  }

  deliver(item: Item): void {
    if (this.#ended) return
    if (item.kind === 'attached') this.#session = item.session
    this.#items.push(item)
    if (this.#scheduled) return
    this.#scheduled = true
    process.nextTick(this.#deliverNext)
  }

  /** Ticks run between complete drains of the microtask queue: that is the checkpoint between two items. */
  readonly #deliverNext = (): void => {
    try {
      let item = this.#items[this.#head]
      while (item !== undefined) {
        this.#head++
        this.#tell(item)
        const isAnswer = item.kind === 'reply'
        item = this.#items[this.#head]
        if (item !== undefined && !(isAnswer && item.kind === 'reply')) break
      }
    } catch (error) {
      // Not the peer's fault: this client is lost, nobody else is disturbed.
      this.#ports.logger.error('a client failed while it was told something', { error })
      this.detach()
    }
    if (this.#head === this.#items.length) {
      this.#items = []
      this.#head = 0
      this.#scheduled = false
    } else {
      // Only from a microtask: a tick scheduled by a tick would run before the microtasks in between.
      queueMicrotask(this.#again)
    }
  }

  readonly #again = (): void => process.nextTick(this.#deliverNext)

  #tell(item: Item): void {
    switch (item.kind) {
      case 'reply':
        this.#receiver.reply(item.cxid, item.zxid, item.response)
        return
      case 'notify':
        this.#receiver.event(item.event)
        return
      case 'fail':
        this.#receiver.failed(item.cxid, item.code, item.outcome)
        return
      case 'attached':
        this.#receiver.attached({
          session: item.session,
          password: item.password,
          timeoutMs: item.timeoutMs,
          readOnly: item.readOnly,
        })
        return
      case 'serving':
        this.#receiver.serving(item.serving)
        return
      case 'detachClient':
        this.#end()
        this.#receiver.detached(item.code)
        return
    }
  }

  #end(): void {
    this.#ended = true
    this.#items = []
    this.#head = 0
  }
}
