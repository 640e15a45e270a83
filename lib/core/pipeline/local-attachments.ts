/**
 * Attachments that no leader is asked about: of local sessions, which only this peer knows, and, while there is no leader, of clients that are content
 * with reads (read-only.ts). A local session becomes an ordinary one before its first ephemeral (S10).
 *
 * Always holds: who is served without a leader is let go of as soon as there is one; a session that is silent for its timeout has ended here.
 * Used by attachments.ts, and by request-stations.ts for what requests do to a local session. Semantics §17.
 */
import type { Identities } from '../../model/acl.js'
import type { ErrorCode } from '../../model/errors.js'
import type { SessionId } from '../../model/ids.js'
import type { Request } from '../../model/request.js'
import type { ProtocolOptions } from '../protocol-options.js'
import { LocalSessions } from '../session/local-sessions.js'
import type { AttachedClient, ClientTable, Outstanding } from './clients.js'
import { ReadOnlyMode } from './read-only.js'

/** How any attachment begins and ends. */
export interface AttachmentLife {
  attached(client: AttachedClient): void
  detach(client: AttachedClient, code: ErrorCode, outcome?: 'not-applied'): void
  /** A session has ended that nobody else knows of. */
  ended(session: SessionId, identities: Identities, result: 'OK' | 'SESSION_EXPIRED'): void
}

export class LocalAttachments {
  readonly #options: ProtocolOptions
  readonly #clients: ClientTable
  readonly #life: AttachmentLife
  readonly #sessions = new LocalSessions()
  readonly #readOnly: ReadOnlyMode

  constructor(options: ProtocolOptions, clients: ClientTable, life: AttachmentLife, now: number) {
    this.#options = options
    this.#clients = clients
    this.#life = life
    this.#readOnly = new ReadOnlyMode(options, now)
  }

  /** Reads are served without a leader, to those who ask for it. */
  get readOnly(): boolean {
    return this.#readOnly.on
  }

  has(session: SessionId): boolean {
    return this.#sessions.has(session)
  }

  /** There is no leader, since now or before. */
  alone(now: number): void {
    this.#readOnly.alone(now)
  }

  led(): void {
    this.#readOnly.led()
  }

  /** Without a leader it waits, unless it is content with reads and this peer gives them. */
  attach(client: AttachedClient, led: boolean, now: number): void {
    const { session, password, timeoutMs, attachment } = client
    if (!led && !(this.readOnly && attachment.readOnly)) {
      if (this.readOnly && !attachment.embedded) this.#life.detach(client, 'CONNECTION_LOSS')
      return
    }
    if (attachment.resume === undefined) this.#sessions.open(session, password, timeoutMs, now)
    else if (!this.#sessions.resume(session, password, timeoutMs, now))
      return this.#life.detach(client, 'SESSION_EXPIRED')
    const former = this.#clients.ofSession(session)
    if (former !== undefined && former !== client) this.#life.detach(former, 'SESSION_MOVED')
    // The one before has left something under way, and the session has ended with it.
    if (!this.#sessions.has(session)) return this.#life.detach(client, 'SESSION_EXPIRED')
    this.#clients.bind(client)
    client.readOnly = !led
    this.#life.attached(client)
  }

  /** What has to be asked for ahead of this request: that the session be an ordinary one, if it makes an ephemeral, also inside a multi (S10). */
  upgrade(client: AttachedClient, request: Request): Outstanding | undefined {
    if (!client.local || !client.attached || client.readOnly || !wantsEphemeral(request)) return undefined
    if (!this.#options.localSessionsUpgradingEnabled) return undefined
    const { session, timeoutMs, password } = client
    this.#sessions.end(session)
    client.local = false
    return this.#clients.push(client, 0, { kind: 'createSession', session, timeoutMs, password })
  }

  /** Without its owner's wish. */
  #end(session: SessionId): void {
    if (!this.#sessions.has(session)) return
    this.#sessions.end(session)
    this.#life.ended(session, [], 'SESSION_EXPIRED')
  }

  get sessionCount(): number {
    return this.#sessions.size
  }

  touch(session: SessionId, now: number): void {
    this.#sessions.touch(session, now)
  }

  /** @param sound nothing is known to be wrong with this peer's state. */
  tick(now: number, sound: boolean): void {
    if (this.#readOnly.begins(now, sound))
      for (const client of this.#clients.all()) if (!client.attached && client.local) this.attach(client, false, now)
    for (const session of this.#sessions.silent(now)) {
      const client = this.#clients.ofSession(session)
      if (client !== undefined && (client.attachment.embedded || !client.idle)) this.#sessions.touch(session, now)
      else {
        this.#end(session)
        if (client !== undefined) this.#life.detach(client, 'SESSION_EXPIRED')
      }
    }
  }

  get nextAt(): number {
    return Math.min(this.#sessions.nextAt, this.#readOnly.nextAt)
  }

  /** Its owner closes it, in its turn: nobody else is to be asked. */
  close(client: AttachedClient): void {
    this.#sessions.end(client.session)
    this.#life.ended(client.session, client.identities, 'OK')
    this.#life.detach(client, 'CLOSED', 'not-applied')
  }

  /** There is a leader: it comes back to a working ensemble, by a session of its own. */
  endReadOnly(client: AttachedClient): void {
    this.#end(client.session)
    this.#life.detach(client, 'CONNECTION_LOSS')
  }

  /** The attachment has ended. What is under way of it could not be told from the requests of another one, so none follows. */
  left(client: AttachedClient): void {
    if (client.local && client.attached && client.outstanding().some(each => each.submitted)) this.#end(client.session)
  }
}

function wantsEphemeral(request: Request): boolean {
  if (request.kind === 'multi') return request.steps.some(wantsEphemeral)
  return request.kind === 'create' && request.mode.ephemeral
}
