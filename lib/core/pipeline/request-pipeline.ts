/**
 * The clients' side of every request, on a leader, follower and observer alike: admission, waiting, answering. Which stations a request passes:
 *
 * | role      | write, sync                                              | read                |
 * | --------- | -------------------------------------------------------- | ------------------- |
 * | leading   | admit → prepare → propose → await commit → apply → answer | admit → turn → answer |
 * | following | admit → forward → await commit → apply → answer            | admit → turn → answer |
 * | observing | admit → forward → await commit → apply → answer            | admit → turn → answer |
 * | looking   | admit, and wait                                          | admit, and wait     |
 *
 * Always holds: a client's requests are submitted and answered in order (C2); an event leaves before any answer that reflects its change (W1).
 * What was under way when the leader was lost is answered or submitted again (coming.ts). Only a snapshot hides the outcome: `unknown`.
 */
import type { Identities } from '../../model/acl.js'
import type { ErrorCode, Outcome } from '../../model/errors.js'
import type { ClientId, PeerId, SessionId } from '../../model/ids.js'
import type { Proposal } from '../../model/proposal.js'
import type { ForwardableRequest, ReadRequest, Request } from '../../model/request.js'
import { DONE, errorResponse, type Response } from '../../model/response.js'
import { isAfter, isAtMost } from '../../model/zxid.js'
import type { Attachment, Now } from '../input.js'
import { answerRead } from '../operations/answer-read.js'
import type { Applied } from '../operations/apply-txn.js'
import { isRead } from '../operations/operations.js'
import type { Outbox } from '../outbox.js'
import type { ProtocolOptions } from '../protocol-options.js'
import type { Random } from '../random.js'
import type { Replica } from '../replica.js'
import { LocalSessions } from '../session/local-sessions.js'
import { SessionIds } from '../session/session-ids.js'
import type { Touches } from '../session/touches.js'
import type { Access } from '../tree/access.js'
import { WatchRegistry } from '../watch/watch-registry.js'
import type { Refused, Revalidated, Synced } from '../zab/messages.js'
import { auditedRead } from './account.js'
import { AttachedClient, ClientTable, type Outstanding } from './clients.js'
import { Coming } from './coming.js'
import { EmbeddedSessions } from './embedded-sessions.js'
import { eventReaders } from './event-readers.js'
import { needsSpace } from './needs-space.js'
import { isRefusedReadOnly, ReadOnlyMode } from './read-only.js'
import { SessionQuestions } from './session-questions.js'
import type { Submission } from './submission.js'

export interface RequestPipelineSetup {
  readonly self: PeerId
  readonly options: ProtocolOptions
  readonly random: Random
  readonly access: Access
  readonly outbox: Outbox
  /** The replica of this moment: a snapshot replaces it. */
  readonly replica: () => Replica
  readonly storageLow: () => boolean
}

export class RequestPipeline {
  readonly #setup: RequestPipelineSetup
  readonly #clients = new ClientTable()
  readonly #watches: WatchRegistry
  readonly #embedded = new EmbeddedSessions()
  readonly #ids: SessionIds
  /** Clients whose first request is a sync that has been confirmed, but is not reached yet. */
  readonly #syncing = new Set<AttachedClient>()
  readonly #questions = new SessionQuestions()
  readonly #local = new LocalSessions()
  readonly #readOnly: ReadOnlyMode
  #submission: Submission | undefined

  constructor(setup: RequestPipelineSetup, now: Now) {
    this.#setup = setup
    this.#readOnly = new ReadOnlyMode(setup.options, now.monotonic)
    this.#ids = new SessionIds(setup.self, now.wall, setup.random)
    this.#watches = new WatchRegistry((client, event) => setup.outbox.put({ kind: 'notify', client, event }))
  }

  /** What a learner reports to its leader. */
  get touches(): Touches {
    return this.#embedded.touches
  }
  get clientCount(): number {
    return this.#clients.size
  }
  get watchCount(): number {
    return this.#watches.size
  }
  /** Reads are served without a leader, to those who ask for it. */
  get readOnly(): boolean {
    return this.#readOnly.on
  }
  /** Who watches what, for those who ask what goes on here. */
  *watched(): Iterable<readonly [SessionId, ReadonlySet<string>]> {
    for (const { client, session } of this.#clients.all()) {
      const paths = this.#watches.nodePathsOf(client)
      if (paths.size > 0) yield [session, paths]
    }
  }
  get outstandingCount(): number {
    return this.#clients.outstanding
  }

  // --- clients come and go

  attach(id: ClientId, attachment: Attachment, now: Now): void {
    const { options, random, outbox } = this.#setup
    const replica = this.#setup.replica()
    if (isAfter(attachment.lastZxidSeen, replica.zxid)) {
      // C3: this replica is behind what the client has seen.
      outbox.put({ kind: 'detachClient', client: id, code: 'CONNECTION_LOSS' })
      return
    }
    const timeoutMs = Math.min(Math.max(attachment.timeoutMs, options.sessionTimeoutMinMs), options.sessionTimeoutMaxMs)
    const { resume } = attachment
    const session =
      resume?.session ??
      this.#ids.next(
        taken => replica.sessions.has(taken) || this.#local.has(taken) || this.#clients.ofSession(taken) !== undefined,
      )
    const password = resume?.password ?? random.bytes(16)
    const client = new AttachedClient(id, attachment, timeoutMs, session, password, replica.zxid, now.monotonic)
    this.#clients.add(client)
    client.local = resume === undefined ? options.localSessionsEnabled : this.#local.has(session)
    if (client.local) this.#attachLocal(client, now)
    // Who wants more than reads, or a session that only a leader knows, is not kept waiting by a peer that has changed its ways.
    else if (this.#readOnly.on && !attachment.embedded) this.#detach(client, 'CONNECTION_LOSS')
    else if (resume === undefined) {
      this.#clients.bind(client)
      this.#push(client, 0, { kind: 'createSession', session, timeoutMs, password })
      this.#submitFirst(client, now)
    } else this.#revalidate(client, now)
  }

  /** It left without closing its session, which lives on until it expires. */
  detach(id: ClientId): void {
    const client = this.#clients.get(id)
    if (client !== undefined) this.#forget(client)
  }

  request(id: ClientId, cxid: number, request: Request, now: Now): void {
    const client = this.#clients.get(id)
    if (client === undefined) return
    if (client.local) this.#local.touch(client.session, now.monotonic)
    else if (client.attached) this.#submission?.touch(client.session, now)
    if (request.kind === 'authenticated') client.authenticate(request.identities)
    if (client.idle && client.attached && this.#serves(client) && isRead(request)) {
      this.#reply(client, cxid, this.#read(client, request, client.identities))
      return
    }
    if (this.#clients.outstanding >= this.#setup.options.outstandingMax) {
      this.#fail(client, cxid, 'OVERLOADED', 'not-applied')
      return
    }
    this.#upgrade(client, request, now)
    const entry = this.#push(client, cxid, request)
    if (client.readOnly && isRefusedReadOnly(request, isRead(request))) entry.refusal = 'NOT_READ_ONLY'
    if (this.#setup.storageLow() && needsSpace(request)) entry.refusal = 'STORAGE_LOW'
    if (client.attached && !isRead(request)) this.#submit(client, entry, now)
    this.#answerTurn(client, now)
  }

  // --- the leader comes and goes

  /** No leader: everything waits. */
  suspend(now: number): void {
    this.#submission = undefined
    this.#readOnly.alone(now)
    this.#questions.clear()
    this.#embedded.unlinked()
  }

  /** There is a leader (or this peer is one) and its history is ours; `unapplied` is the part of it that is not committed yet. */
  resume(submission: Submission, unapplied: readonly Proposal[], now: Now): void {
    this.#submission = submission
    this.#readOnly.led()
    const coming = new Coming(unapplied)
    for (const client of this.#clients.all()) {
      if (client.readOnly) {
        this.#local.end(client.session)
        this.#detach(client, 'CONNECTION_LOSS')
        continue
      }
      if (!client.attached && client.local) {
        this.#attachLocal(client, now)
        continue
      }
      if (!client.attached && client.attachment.resume !== undefined) {
        this.#revalidate(client, now)
        continue
      }
      if (!coming.reconcile(client)) {
        this.#detach(client, 'SESSION_MOVED')
        continue
      }
      if (client.attached) this.#submitAll(client, now)
      else this.#submitFirst(client, now)
      this.#answerTurn(client, now)
    }
  }

  /** A snapshot takes the place of the replica: what clients have seen and asked of the old one cannot be continued silently. */
  stateReplaced(): void {
    for (const client of this.#clients.all()) this.#detach(client, 'CONNECTION_LOSS')
  }

  // --- what the ensemble says

  /** One txn has been applied here: tell the watches, then who asked for it. */
  applied(proposal: Proposal, { response, changes, closedSession }: Applied, now: Now): void {
    if (changes.length > 0) {
      const { tree } = this.#setup.replica()
      const mayRead = eventReaders(this.#setup.access, tree, changes, id => this.#clients.get(id)?.identities)
      this.#watches.fire(changes, proposal.zxid, mayRead)
    }
    const client = this.#clients.ofSession(proposal.session)
    const first = client?.first
    if (
      client !== undefined &&
      first?.submitted &&
      first.cxid === proposal.cxid &&
      isAfter(proposal.zxid, client.after)
    ) {
      if (first.cxid === 0) {
        if (proposal.txn.kind === 'createSession') {
          this.#shift(client)
          if (!client.attached) this.#attached(client)
          this.#submitAll(client, now)
        }
      } else {
        this.#shift(client)
        this.#reply(client, first.cxid, response)
      }
      this.#answerTurn(client, now, true)
    } else if (
      client?.attached &&
      proposal.cxid !== 0 &&
      closedSession === undefined &&
      isAfter(proposal.zxid, client.after)
    ) {
      // Somebody else speaks for this session, at another peer (S6). A new leader does not know of the move: a request from here that it
      // took now would come after later ones of its own client (C2).
      this.#detach(client, 'SESSION_MOVED')
    }
    if (closedSession !== undefined)
      this.#sessionClosed(closedSession, proposal.cxid === 0 ? 'SESSION_EXPIRED' : 'CLOSED')
    for (const waiting of this.#syncing) this.#answerTurn(waiting, now)
  }

  synced({ session, cxid, zxid }: Synced, now: Now): void {
    const client = this.#clients.ofSession(session)
    const entry = client?.outstanding().find(each => each.cxid === cxid && each.request.kind === 'sync')
    if (client === undefined || entry === undefined) return
    entry.syncedAt = zxid
    this.#syncing.add(client)
    this.#answerTurn(client, now)
  }

  refused({ session, cxid, code }: Refused, now: Now): void {
    const client = this.#clients.ofSession(session)
    if (client === undefined) return
    if (code === 'SESSION_MOVED') return this.#detach(client, 'SESSION_MOVED')
    const entry = client.outstanding().find(each => each.cxid === cxid)
    if (entry === undefined || !entry.submitted) return
    entry.refusal = code
    this.#answerTurn(client, now)
  }

  revalidated({ session, valid, proposed }: Revalidated, now: Now): void {
    const client = this.#questions.answered(session)
    if (client === undefined) return
    if (!client.gone && !valid) this.#detach(client, 'SESSION_EXPIRED')
    else if (!client.gone) {
      const former = this.#clients.ofSession(session)
      if (former !== undefined) this.#detach(former, 'SESSION_MOVED')
      this.#clients.bind(client)
      client.after = proposed
      // As this connection asks, but never more than the leader counts: nobody may believe in it for longer (C16).
      const { sessionTimeoutMinMs } = this.#setup.options
      const counted = this.#setup.replica().sessions.get(session)?.timeoutMs ?? sessionTimeoutMinMs
      client.timeoutMs = Math.min(client.timeoutMs, counted)
      this.#attached(client)
    }
    const holder = this.#clients.ofSession(session)
    if (!holder?.attached) return
    this.#submitAll(holder, now)
    this.#answerTurn(holder, now)
  }

  // --- the leases of sessions whose clients live in this process

  /** Sessions to report as alive with this pong (or, on the leader, at this ping). */
  takeTouches(ping: number, now: number): readonly SessionId[] {
    return this.#embedded.take(ping, this.#clients.all(), now)
  }

  confirmed(ping: number): void {
    this.#embedded.confirmed(ping)
  }

  /** @param sound nothing is known to be wrong with this peer's state. */
  tick(now: number, sound: boolean): void {
    if (this.#readOnly.begins(now, sound))
      for (const client of this.#clients.all())
        if (!client.attached && client.local) this.#attachLocal(client, { monotonic: now, wall: 0 })
    for (const session of this.#local.silent(now)) {
      const client = this.#clients.ofSession(session)
      if (client !== undefined && (client.attachment.embedded || !client.idle)) this.#local.touch(session, now)
      else {
        this.#local.end(session)
        if (client !== undefined) this.#detach(client, 'SESSION_EXPIRED')
      }
    }
    for (const session of this.#embedded.lost(now)) {
      const client = this.#clients.ofSession(session)
      if (client !== undefined) this.#detach(client, 'SESSION_EXPIRED')
    }
  }

  get nextAt(): number {
    return Math.min(this.#embedded.nextAt, this.#local.nextAt, this.#readOnly.nextAt)
  }

  // --- stations

  #push(client: AttachedClient, cxid: number, request: Request): Outstanding {
    const { identities, local } = client
    const entry: Outstanding = {
      cxid,
      request,
      identities,
      local,
      submitted: false,
      syncedAt: undefined,
      refusal: undefined,
    }
    client.push(entry)
    this.#clients.outstanding += 1
    return entry
  }

  #shift(client: AttachedClient): void {
    client.shift()
    this.#clients.outstanding -= 1
  }

  #submitFirst(client: AttachedClient, now: Now): void {
    if (client.first !== undefined) this.#submit(client, client.first, now)
  }

  #submitAll(client: AttachedClient, now: Now): void {
    for (const entry of client.outstanding()) if (!isRead(entry.request)) this.#submit(client, entry, now)
  }

  #submit(client: AttachedClient, entry: Outstanding, now: Now): void {
    // A leader refuses its own client at once (session moved): nothing more of it is submitted or answered then.
    if (client.gone || this.#submission === undefined || entry.submitted || client.pendingSync !== undefined) return
    if (entry.refusal !== undefined || isClosingLocally(entry)) return
    if (!this.#submission.understands(entry.request, entry.local)) {
      entry.refusal = 'UNIMPLEMENTED'
      return
    }
    if (this.#questions.isAskedAbout(client)) return
    entry.submitted = true
    if (entry.cxid === 0) this.#askForSession(client, now)
    if (entry.request.kind === 'sync') client.pendingSync = entry
    const { session } = client
    const { cxid, identities } = entry
    const request = entry.request as ForwardableRequest
    const local = entry.local ? { local: true as const } : {}
    this.#submission.submit({ kind: 'request', session, cxid, identities, ...local, request }, now)
  }

  /** From here on the leader may count its silence; one that is upgraded believes in it already. */
  #askForSession(client: AttachedClient, { monotonic }: Now): void {
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

  /**
   * Answers what has come to its turn: reads behind the last write, syncs that are reached, refusals. A read right behind a write that was
   * just applied is answered also while there is no leader: it must not see the next write of its session, and that one must be
   * first when its txn is applied, or it would seem lost and be submitted twice.
   */
  #answerTurn(client: AttachedClient, now: Now, behindApplied = false): void {
    for (let first = client.first; first !== undefined && !client.gone; first = client.first) {
      const { request, identities, syncedAt, refusal, cxid } = first
      if (refusal !== undefined) {
        if (!client.attached) return
        this.#shift(client)
        if (refusal !== 'STORAGE_LOW') this.#reply(client, cxid, errorResponse(refusal))
        else this.#fail(client, cxid, refusal, 'not-applied')
        if (client.pendingSync === first) client.pendingSync = undefined
      } else if (isRead(request)) {
        if ((!this.#serves(client) && !behindApplied) || !client.attached) return
        this.#shift(client)
        this.#reply(client, cxid, this.#read(client, request, identities))
      } else if (request.kind === 'sync' && syncedAt !== undefined && isAtMost(syncedAt, this.#setup.replica().zxid)) {
        this.#shift(client)
        this.#reply(client, cxid, DONE)
        client.pendingSync = undefined
        this.#submitAll(client, now)
      } else if (isClosingLocally(first) && client.attached && this.#serves(client)) {
        this.#shift(client)
        this.#reply(client, cxid, DONE)
        this.#local.end(client.session)
        this.#detach(client, 'CLOSED', 'not-applied')
      } else return
    }
    this.#syncing.delete(client)
  }

  #read(client: AttachedClient, request: ReadRequest, identities: Identities): Response {
    const watches = this.#watches.forClient(client.client)
    const { session } = client
    const { access, replica } = this.#setup
    const response = answerRead(request, { replica: replica(), access, session, identities, watches })
    for (const event of auditedRead(request, { session, identities }, response)) this.#setup.outbox.audit(event)
    return response
  }

  #reply(client: AttachedClient, cxid: number, response: Response): void {
    const { zxid } = this.#setup.replica()
    this.#setup.outbox.put({ kind: 'reply', client: client.client, cxid, zxid, response })
  }

  #fail({ client }: AttachedClient, cxid: number, code: ErrorCode, outcome: Outcome): void {
    this.#setup.outbox.put({ kind: 'fail', client, cxid, code, outcome })
  }

  #attached(client: AttachedClient): void {
    const { session, password, timeoutMs, readOnly } = client
    client.attached = true
    if (!client.local) this.#embedded.attached(client)
    const only = readOnly ? { readOnly } : {}
    this.#setup.outbox.put({ kind: 'attached', client: client.client, session, password, timeoutMs, ...only })
  }

  #serves({ readOnly }: AttachedClient): boolean {
    return this.#submission !== undefined || (readOnly && this.#readOnly.on)
  }

  /** Without a leader it waits, unless it is content with reads and this peer gives them. */
  #attachLocal(client: AttachedClient, { monotonic }: Now): void {
    const { session, password, timeoutMs, attachment } = client
    const readOnly = this.#submission === undefined
    if (readOnly && !(this.#readOnly.on && attachment.readOnly)) {
      if (this.#readOnly.on && !attachment.embedded) this.#detach(client, 'CONNECTION_LOSS')
      return
    }
    if (attachment.resume === undefined) this.#local.open(session, password, timeoutMs, monotonic)
    else if (!this.#local.resume(session, password, timeoutMs, monotonic))
      return this.#detach(client, 'SESSION_EXPIRED')
    const former = this.#clients.ofSession(session)
    if (former !== undefined && former !== client) this.#detach(former, 'SESSION_MOVED')
    // The one before has left something under way, and the session has ended with it.
    if (!this.#local.has(session)) return this.#detach(client, 'SESSION_EXPIRED')
    this.#clients.bind(client)
    client.readOnly = readOnly
    this.#attached(client)
  }

  /** S10: the session is an ordinary one before its first ephemeral is asked for, also inside a multi. */
  #upgrade(client: AttachedClient, request: Request, now: Now): void {
    if (!client.local || !client.attached || client.readOnly || !wantsEphemeral(request)) return
    if (!this.#setup.options.localSessionsUpgradingEnabled) return
    const { session, timeoutMs, password } = client
    this.#local.end(session)
    client.local = false
    this.#submit(client, this.#push(client, 0, { kind: 'createSession', session, timeoutMs, password }), now)
  }

  #sessionClosed(session: SessionId, code: ErrorCode): void {
    this.touches.forget(session)
    const client = this.#clients.ofSession(session)
    // A create that follows in the same session was ordered behind the close: it cannot take effect.
    if (client?.attached) this.#detach(client, code, 'not-applied')
  }

  #detach(client: AttachedClient, code: ErrorCode, outcome?: 'not-applied'): void {
    const { outbox } = this.#setup
    for (const { cxid, submitted, refusal } of client.outstanding()) {
      if (cxid === 0) continue
      const lost = code === 'CLOSED' ? 'SESSION_EXPIRED' : code
      const open = submitted && refusal === undefined
      this.#fail(client, cxid, lost, outcome ?? (open ? 'unknown' : 'not-applied'))
    }
    outbox.put({ kind: 'detachClient', client: client.client, code })
    this.#forget(client)
  }

  #forget(client: AttachedClient): void {
    // What is under way of it could not be told from the requests of another attachment.
    if (client.local && client.attached && client.outstanding().some(each => each.submitted))
      this.#local.end(client.session)
    this.#syncing.delete(client)
    if (this.#clients.ofSession(client.session) === client) this.#embedded.left(client.session)
    this.#watches.dropClient(client.client)
    this.#clients.remove(client)
  }
}

/** Nobody else knows a local session: it is closed here, in its turn. */
function isClosingLocally({ request, local }: Outstanding): boolean {
  return local && request.kind === 'closeSession'
}

function wantsEphemeral(request: Request): boolean {
  if (request.kind === 'multi') return request.steps.some(wantsEphemeral)
  return request.kind === 'create' && request.mode.ephemeral
}
