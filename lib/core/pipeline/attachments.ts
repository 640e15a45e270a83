/**
 * The life of every attachment to this peer: its session is created, or goes on here, or is known here only; what keeps it alive; its end.
 *
 * | session      | attached when                                       | let go of when                                            |
 * | ------------ | --------------------------------------------------- | --------------------------------------------------------- |
 * | new          | its createSession is applied here                   | it is closed or expired, its lease is lost, it speaks elsewhere |
 * | that goes on | the leader knows it, and the password (`revalidate`) | the same                                                 |
 * | local        | at once (local-attachments.ts)                      | it is closed, or its client is silent                     |
 *
 * Always holds: one attachment a session, the latest; nobody believes in a session for longer than the one who counts it (C16); who has the wrong
 * password disturbs nobody (S7). Whoever has seen more than this peer is not let in (C3).
 * Before: request-pipeline.ts, and request-stations.ts for what requests begin and end.
 */
import type { Identities } from '../../model/acl.js'
import type { ErrorCode } from '../../model/errors.js'
import type { ClientId, PeerId, SessionId } from '../../model/ids.js'
import { isAfter } from '../../model/zxid.js'
import type { Attachment, Now } from '../input.js'
import type { Outbox } from '../outbox.js'
import type { ProtocolOptions } from '../protocol-options.js'
import type { Random } from '../random.js'
import type { Replica } from '../replica.js'
import { SessionIds } from '../session/session-ids.js'
import type { Touches } from '../session/touches.js'
import type { WatchRegistry } from '../watch/watch-registry.js'
import type { Revalidated } from '../zab/messages.js'
import { AttachedClient, type ClientTable } from './clients.js'
import { EmbeddedSessions } from './embedded-sessions.js'
import { type AttachmentLife, LocalAttachments } from './local-attachments.js'
import { SessionQuestions } from './session-questions.js'
import type { Submission } from './submission.js'

export interface AttachmentsSetup {
  readonly self: PeerId
  readonly options: ProtocolOptions
  readonly random: Random
  readonly outbox: Outbox
  /** The replica of this moment: a snapshot replaces it. */
  readonly replica: () => Replica
}

export class Attachments implements AttachmentLife {
  readonly #setup: AttachmentsSetup
  readonly #clients: ClientTable
  readonly #watches: WatchRegistry
  readonly #ids: SessionIds
  readonly #questions = new SessionQuestions()
  readonly #embedded = new EmbeddedSessions()
  readonly local: LocalAttachments
  #submission: Submission | undefined

  constructor(setup: AttachmentsSetup, clients: ClientTable, watches: WatchRegistry, now: Now) {
    this.#setup = setup
    this.#clients = clients
    this.#watches = watches
    this.#ids = new SessionIds(setup.self, now.wall, setup.random)
    this.local = new LocalAttachments(setup.options, clients, this, now.monotonic)
  }

  // --- the leader comes and goes

  /** The way to the leader, while there is one. */
  get submission(): Submission | undefined {
    return this.#submission
  }

  /** Its requests are answered now, not only when there is a leader again. */
  serves({ readOnly }: AttachedClient): boolean {
    return this.#submission !== undefined || (readOnly && this.local.readOnly)
  }

  alone(now: number): void {
    this.#submission = undefined
    this.local.alone(now)
    this.#questions.clear()
    this.#embedded.unlinked()
  }

  led(submission: Submission): void {
    this.#submission = submission
    this.local.led()
  }

  /** Under a new leader. True for one whose requests go on; others have their session looked for first, or are let go of. */
  goesOn(client: AttachedClient, now: Now): boolean {
    if (client.readOnly) this.local.endReadOnly(client)
    else if (!client.attached && client.local) this.local.attach(client, true, now.monotonic)
    else if (!client.attached && client.attachment.resume !== undefined) this.#revalidate(client, now)
    else return true
    return false
  }

  // --- an attachment begins

  /** The request for a new session is left to be submitted, first of all that this client asks for. Undefined for who is not let in. */
  attach(id: ClientId, attachment: Attachment, now: Now): AttachedClient | undefined {
    const { options, random, outbox } = this.#setup
    const replica = this.#setup.replica()
    if (isAfter(attachment.lastZxidSeen, replica.zxid)) {
      // C3: this replica is behind what the client has seen.
      outbox.put({ kind: 'detachClient', client: id, code: 'CONNECTION_LOSS' })
      return undefined
    }
    const timeoutMs = Math.min(Math.max(attachment.timeoutMs, options.sessionTimeoutMinMs), options.sessionTimeoutMaxMs)
    const { resume } = attachment
    const session = resume?.session ?? this.#newSession(replica)
    const password = resume?.password ?? random.bytes(16)
    const client = new AttachedClient(id, attachment, timeoutMs, session, password, replica.zxid, now.monotonic)
    this.#clients.add(client)
    client.local = resume === undefined ? options.localSessionsEnabled : this.local.has(session)
    if (client.local) this.local.attach(client, this.#submission !== undefined, now.monotonic)
    // Who wants more than reads, or a session that only a leader knows, is not kept waiting by a peer that has changed its ways.
    else if (this.local.readOnly && !attachment.embedded) this.detach(client, 'CONNECTION_LOSS')
    else if (resume === undefined) {
      this.#clients.bind(client)
      this.#clients.push(client, 0, { kind: 'createSession', session, timeoutMs, password })
    } else this.#revalidate(client, now)
    return client
  }

  #newSession(replica: Replica): SessionId {
    return this.#ids.next(
      taken => replica.sessions.has(taken) || this.local.has(taken) || this.#clients.ofSession(taken) !== undefined,
    )
  }

  /** The leader is asked for its session, and may count its silence from here on; one that is upgraded believes in it already. */
  sessionAsked(client: AttachedClient, { monotonic }: Now): void {
    client.since = monotonic
    if (client.attached) this.#embedded.attached(client)
  }

  #revalidate(client: AttachedClient, now: Now): void {
    if (this.#submission === undefined) return
    const { session, password } = client
    client.since = now.monotonic
    this.#questions.ask(client)
    this.#submission.revalidate({ kind: 'revalidate', session, password }, now)
  }

  /** True while the leader is asked whether its session goes on with another attachment. */
  isAskedAbout(client: AttachedClient): boolean {
    return this.#questions.isAskedAbout(client)
  }

  /** The leader's word on a session that is to go on. Who has it from now on, be it as before: what waited for the answer can be submitted. */
  revalidated({ session, valid, proposed }: Revalidated): AttachedClient | undefined {
    const client = this.#questions.answered(session)
    if (client === undefined) return undefined
    if (!client.gone && !valid) this.detach(client, 'SESSION_EXPIRED')
    else if (!client.gone) {
      const former = this.#clients.ofSession(session)
      if (former !== undefined) this.detach(former, 'SESSION_MOVED')
      this.#clients.bind(client)
      client.after = proposed
      // As this connection asks, but never more than the leader counts: nobody may believe in it for longer (C16).
      const { sessionTimeoutMinMs } = this.#setup.options
      const counted = this.#setup.replica().sessions.get(session)?.timeoutMs ?? sessionTimeoutMinMs
      client.timeoutMs = Math.min(client.timeoutMs, counted)
      this.attached(client)
    }
    const holder = this.#clients.ofSession(session)
    return holder?.attached ? holder : undefined
  }

  /** It has its session: what it asks is submitted and answered from now on. */
  attached(client: AttachedClient): void {
    const { session, password, timeoutMs, readOnly } = client
    client.attached = true
    if (!client.local) this.#embedded.attached(client)
    const only = readOnly ? { readOnly } : {}
    this.#setup.outbox.put({ kind: 'attached', client: client.client, session, password, timeoutMs, ...only })
  }

  // --- what keeps it alive

  /** What a learner reports to its leader. */
  get touches(): Touches {
    return this.#embedded.touches
  }

  heard({ session, local, attached }: AttachedClient, now: Now): void {
    if (local) this.local.touch(session, now.monotonic)
    else if (attached) this.#submission?.touch(session, now)
  }

  takeTouches(ping: number, now: number): readonly SessionId[] {
    return this.#embedded.take(ping, this.#clients.all(), now)
  }

  confirmed(ping: number): void {
    this.#embedded.confirmed(ping)
  }

  /** @param sound nothing is known to be wrong with this peer's state. */
  tick(now: number, sound: boolean): void {
    this.local.tick(now, sound)
    for (const session of this.#embedded.lost(now)) {
      const client = this.#clients.ofSession(session)
      if (client !== undefined) this.detach(client, 'SESSION_EXPIRED')
    }
  }

  get nextAt(): number {
    return Math.min(this.#embedded.nextAt, this.local.nextAt)
  }

  // --- it ends

  /** The ensemble has closed or expired its session. */
  sessionClosed(session: SessionId, code: 'CLOSED' | 'SESSION_EXPIRED'): void {
    this.touches.forget(session)
    const client = this.#clients.ofSession(session)
    // A create that follows in the same session was ordered behind the close: it cannot take effect.
    if (client?.attached) this.detach(client, code, 'not-applied')
  }

  /** Of a local session, which no txn ends. */
  ended(session: SessionId, identities: Identities, result: 'OK' | 'SESSION_EXPIRED'): void {
    const nowhere = { path: undefined, zxid: undefined }
    this.#setup.outbox.audit({ operation: 'closeSession', result, session, identities, ...nowhere })
  }

  /** This peer lets go of it; what it has asked for fails, with what is known of its outcome. */
  detach(client: AttachedClient, code: ErrorCode, outcome?: 'not-applied'): void {
    const { outbox } = this.#setup
    const lost = code === 'CLOSED' ? 'SESSION_EXPIRED' : code
    for (const { cxid, submitted, refusal } of client.outstanding()) {
      if (cxid === 0) continue
      const open = submitted && refusal === undefined
      const known = outcome ?? (open ? 'unknown' : 'not-applied')
      outbox.put({ kind: 'fail', client: client.client, cxid, code: lost, outcome: known })
    }
    outbox.put({ kind: 'detachClient', client: client.client, code })
    this.left(client)
  }

  /** It is gone. Its session lives on until it expires, unless it has ended. */
  left(client: AttachedClient): void {
    this.local.left(client)
    if (this.#clients.ofSession(client.session) === client) this.#embedded.left(client.session)
    this.#watches.dropClient(client.client)
    this.#clients.remove(client)
  }
}
