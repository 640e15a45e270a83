/**
 * The clients attached to this peer, each with the requests it waits for, in order: answers leave in the order of requests (C2).
 */
import { type Identities, joinedIdentities } from '../../model/acl.js'
import type { RefusalCode } from '../../model/errors.js'
import type { ClientId, SessionId } from '../../model/ids.js'
import type { Request } from '../../model/request.js'
import type { Zxid } from '../../model/zxid.js'
import type { Attachment } from '../input.js'

export interface Outstanding {
  /** 0 for the createSession that a peer makes itself. */
  readonly cxid: number
  readonly request: Request
  /** Who the client was when it asked. */
  readonly identities: Identities
  /** Its session was a local one then. */
  readonly local: boolean
  /** The leader has it, or will have it: it can take effect. */
  submitted: boolean
  /** A sync: may be answered once this is applied. */
  syncedAt: Zxid | undefined
  /** The leader's refusal, or this peer's, to be told when its turn comes: it takes no effect. */
  refusal: RefusalCode | undefined
  /** The refusal is this peer's by `eagerAclCheck`. */
  refusedEagerly: boolean
}

export class AttachedClient {
  readonly client: ClientId
  readonly attachment: Attachment
  /** Of a session that goes on: what it was created with. */
  timeoutMs: number
  session: SessionId
  password: Uint8Array
  /** Who it is: grows while it is attached. The session has none: another attachment of it begins anew. */
  identities: Identities
  /** False until its session is created or revalidated. */
  attached = false
  /** Its session is known to this peer only. */
  local = false
  /** It is served without a leader. */
  readOnly = false
  /** It has left, or was let go: what still runs for it ends. */
  gone = false
  /** Txns of this session up to here were asked for elsewhere. */
  after: Zxid
  /** A sync that has no answer yet: nothing behind it is submitted, lest a read between them sees a later write of its own session. */
  pendingSync: Outstanding | undefined
  /** When the leader was asked for its session, monotonic: its lease runs from here. */
  since: number
  #queue: Outstanding[] = []
  #head = 0

  constructor(
    client: ClientId,
    attachment: Attachment,
    timeoutMs: number,
    session: SessionId,
    password: Uint8Array,
    after: Zxid,
    now: number,
  ) {
    this.client = client
    this.attachment = attachment
    this.identities = attachment.identities
    this.timeoutMs = timeoutMs
    this.session = session
    this.password = password
    this.after = after
    this.since = now
  }

  /** What it asks from now on, and what it is told, is judged by these too. */
  authenticate(more: Identities): void {
    this.identities = joinedIdentities(this.identities, more)
  }

  get idle(): boolean {
    return this.#head === this.#queue.length
  }
  get outstandingCount(): number {
    return this.#queue.length - this.#head
  }
  get first(): Outstanding | undefined {
    return this.#queue[this.#head]
  }
  outstanding(): readonly Outstanding[] {
    return this.#queue.slice(this.#head)
  }

  push(entry: Outstanding): void {
    this.#queue.push(entry)
  }

  shift(): void {
    this.#head += 1
    if (this.#head > 64 && this.#head * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head)
      this.#head = 0
    }
  }
}

export class ClientTable {
  readonly #byClient = new Map<ClientId, AttachedClient>()
  readonly #bySession = new Map<SessionId, AttachedClient>()
  /** Whose first request is a sync that is confirmed, but not reached here yet. */
  readonly syncing = new Set<AttachedClient>()
  /** Requests of all clients that wait, the bound of `outstandingMax`. */
  outstanding = 0

  add(client: AttachedClient): void {
    this.#byClient.set(client.client, client)
  }

  /** Answers for this session go to this client from now on. */
  bind(client: AttachedClient): void {
    this.#bySession.set(client.session, client)
  }

  get(client: ClientId): AttachedClient | undefined {
    return this.#byClient.get(client)
  }

  ofSession(session: SessionId): AttachedClient | undefined {
    return this.#bySession.get(session)
  }

  /** At the end of what this client waits for. */
  push(client: AttachedClient, cxid: number, request: Request): Outstanding {
    const { identities, local } = client
    const entry: Outstanding = {
      cxid,
      request,
      identities,
      local,
      submitted: false,
      syncedAt: undefined,
      refusal: undefined,
      refusedEagerly: false,
    }
    client.push(entry)
    this.outstanding += 1
    return entry
  }

  /** Its first request has come to its end. */
  shift(client: AttachedClient): void {
    client.shift()
    this.outstanding -= 1
  }

  remove(client: AttachedClient): void {
    this.syncing.delete(client)
    if (!this.#byClient.delete(client.client)) return
    client.gone = true
    if (this.#bySession.get(client.session) === client) this.#bySession.delete(client.session)
    this.outstanding -= client.outstandingCount
  }

  all(): AttachedClient[] {
    return [...this.#byClient.values()]
  }

  get size(): number {
    return this.#byClient.size
  }
}
