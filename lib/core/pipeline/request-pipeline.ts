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
  #submission: Submission | undefined

  constructor(setup: RequestPipelineSetup, now: Now) {
    this.#setup = setup
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
      this.#ids.next(taken => replica.sessions.has(taken) || this.#clients.ofSession(taken) !== undefined)
    const password = resume?.password ?? random.bytes(16)
    const client = new AttachedClient(id, attachment, timeoutMs, session, password, replica.zxid, now.monotonic)
    this.#clients.add(client)
    if (resume === undefined) {
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
    if (client.attached) this.#submission?.touch(client.session, now)
    if (request.kind === 'authenticated') client.authenticate(request.identities)
    if (client.idle && client.attached && this.#submission !== undefined && isRead(request)) {
      this.#reply(client, cxid, this.#read(client, request, client.identities))
      return
    }
    if (this.#clients.outstanding >= this.#setup.options.outstandingMax) {
      this.#fail(client, cxid, 'OVERLOADED', 'not-applied')
      return
    }
    const entry = this.#push(client, cxid, request)
    if (this.#setup.storageLow() && needsSpace(request)) entry.refusal = 'STORAGE_LOW'
    if (client.attached && !isRead(request)) this.#submit(client, entry, now)
    this.#answerTurn(client, now)
  }

  // --- the leader comes and goes

  /** No leader: everything waits. */
  suspend(): void {
    this.#submission = undefined
    this.#questions.clear()
    this.#embedded.unlinked()
  }

  /** There is a leader (or this peer is one) and its history is ours; `unapplied` is the part of it that is not committed yet. */
  resume(submission: Submission, unapplied: readonly Proposal[], now: Now): void {
    this.#submission = submission
    const coming = new Coming(unapplied)
    for (const client of this.#clients.all()) {
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
          this.#attached(client)
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
      // What the leader counts: a lease must not outlast it.
      const { sessionTimeoutMinMs } = this.#setup.options
      client.timeoutMs = this.#setup.replica().sessions.get(session)?.timeoutMs ?? sessionTimeoutMinMs
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

  tick(now: number): void {
    for (const session of this.#embedded.lost(now)) {
      const client = this.#clients.ofSession(session)
      if (client !== undefined) this.#detach(client, 'SESSION_EXPIRED')
    }
  }

  get nextAt(): number {
    return this.#embedded.nextAt
  }

  // --- stations

  #push(client: AttachedClient, cxid: number, request: Request): Outstanding {
    const { identities } = client
    const entry: Outstanding = { cxid, request, identities, submitted: false, syncedAt: undefined, refusal: undefined }
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
    if (entry.refusal !== undefined) return
    if (!this.#submission.understands(entry.request)) {
      entry.refusal = 'UNIMPLEMENTED'
      return
    }
    if (this.#questions.isAskedAbout(client)) return
    entry.submitted = true
    if (entry.cxid === 0) client.since = now.monotonic
    if (entry.request.kind === 'sync') client.pendingSync = entry
    const { session } = client
    const { identities } = entry
    const request = entry.request as ForwardableRequest
    this.#submission.submit({ kind: 'request', session, cxid: entry.cxid, identities, request }, now)
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
        if ((this.#submission === undefined && !behindApplied) || !client.attached) return
        this.#shift(client)
        this.#reply(client, cxid, this.#read(client, request, identities))
      } else if (request.kind === 'sync' && syncedAt !== undefined && isAtMost(syncedAt, this.#setup.replica().zxid)) {
        this.#shift(client)
        this.#reply(client, cxid, DONE)
        client.pendingSync = undefined
        this.#submitAll(client, now)
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
    const { session, password, timeoutMs } = client
    client.attached = true
    this.#embedded.attached(client)
    this.#setup.outbox.put({ kind: 'attached', client: client.client, session, password, timeoutMs })
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
    this.#syncing.delete(client)
    if (this.#clients.ofSession(client.session) === client) this.#embedded.left(client.session)
    this.#watches.dropClient(client.client)
    this.#clients.remove(client)
  }
}
