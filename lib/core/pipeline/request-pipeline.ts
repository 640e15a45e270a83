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
 * A request that was under way when the leader was lost is looked for in the history of the next one: if it is there it will be answered, if it
 * is not it never will be committed (its epoch is over), so it is submitted again. Only a snapshot hides the outcome: `unknown`.
 */
import { Permission } from '../../model/acl.js'
import type { ErrorCode } from '../../model/errors.js'
import type { ClientId, PeerId, SessionId } from '../../model/ids.js'
import type { Proposal } from '../../model/proposal.js'
import type { ReadRequest, Request, SyncRequest, WriteRequest } from '../../model/request.js'
import { DONE, errorResponse, type Response } from '../../model/response.js'
import type { TreeChange } from '../../model/tree-change.js'
import { isAfter, isAtMost } from '../../model/zxid.js'
import type { Attachment, Now } from '../input.js'
import { answerRead } from '../operations/answer-read.js'
import type { Applied } from '../operations/apply-txn.js'
import type { Outbox } from '../outbox.js'
import type { ProtocolOptions } from '../protocol-options.js'
import type { Random } from '../random.js'
import type { Replica } from '../replica.js'
import { LocalLeases } from '../session/local-leases.js'
import { samePassword } from '../session/same-password.js'
import { SessionIds } from '../session/session-ids.js'
import { Touches } from '../session/touches.js'
import { permits } from '../tree/access.js'
import { type MayRead, WatchRegistry } from '../watch/watch-registry.js'
import type { Refused, Revalidated, Synced } from '../zab/messages.js'
import { AttachedClient, ClientTable, type Outstanding } from './clients.js'
import type { Submission } from './submission.js'

export interface RequestPipelineSetup {
  readonly self: PeerId
  readonly options: ProtocolOptions
  readonly random: Random
  readonly outbox: Outbox
  /** The replica of this moment: a snapshot replaces it. */
  readonly replica: () => Replica
}

export class RequestPipeline {
  readonly touches = new Touches()
  readonly #setup: RequestPipelineSetup
  readonly #clients = new ClientTable()
  readonly #watches: WatchRegistry
  readonly #leases = new LocalLeases()
  readonly #ids: SessionIds
  /** Clients whose first request is a sync that has been confirmed, but is not reached yet. */
  readonly #syncing = new Set<AttachedClient>()
  /** Who waits for the leader's word on a session, in the order in which it was asked; also those who have left meanwhile. */
  #revalidating: AttachedClient[] = []
  #submission: Submission | undefined

  constructor(setup: RequestPipelineSetup, now: Now) {
    this.#setup = setup
    this.#ids = new SessionIds(setup.self, now.wall, setup.random)
    this.#watches = new WatchRegistry((client, event) => setup.outbox.put({ kind: 'notify', client, event }))
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
    if (client.idle && client.attached && this.#submission !== undefined && isRead(request)) {
      this.#reply(client, cxid, this.#read(client, request))
      return
    }
    if (this.#clients.outstanding >= this.#setup.options.outstandingMax) {
      this.#setup.outbox.put({ kind: 'fail', client: id, cxid, code: 'OVERLOADED', outcome: 'not-applied' })
      return
    }
    const entry = this.#push(client, cxid, request)
    if (client.attached && !isRead(request)) this.#submit(client, entry, now)
    this.#answerTurn(client, now)
  }

  // --- the leader comes and goes

  /** No leader: everything waits. */
  suspend(): void {
    this.#submission = undefined
    this.#revalidating = []
    this.#leases.unlinked()
  }

  /** There is a leader (or this peer is one) and its history is ours; `unapplied` is the part of it that is not committed yet. */
  resume(submission: Submission, unapplied: readonly Proposal[], now: Now): void {
    this.#submission = submission
    const coming = new Map<SessionId, Proposal[]>()
    for (const proposal of unapplied) {
      const { session } = proposal
      const others = coming.get(session)
      if (others === undefined) coming.set(session, [proposal])
      else others.push(proposal)
    }
    for (const client of this.#clients.all()) {
      if (!client.attached && client.attachment.resume !== undefined) {
        this.#revalidate(client, now)
        continue
      }
      // The same number of an earlier attachment of this session is another request.
      const own = (coming.get(client.session) ?? []).filter(({ zxid }) => isAfter(zxid, client.after))
      const inHistory = new Set(own.map(({ cxid }) => cxid))
      const asked = new Set<number>()
      for (const entry of client.outstanding()) {
        if (entry.submitted) asked.add(entry.cxid)
        if (!inHistory.has(entry.cxid)) entry.submitted = false
        entry.syncedAt = undefined
      }
      if (own.some(({ cxid }) => cxid !== 0 && !asked.has(cxid))) {
        this.#detach(client, 'SESSION_MOVED')
        continue
      }
      client.pendingSync = undefined
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
    if (changes.length > 0) this.#watches.fire(changes, proposal.zxid, this.#mayRead(changes))
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
    if (entry === undefined) return
    entry.refusal = errorResponse(code)
    this.#answerTurn(client, now)
  }

  revalidated({ session, valid, proposed }: Revalidated, now: Now): void {
    // Per session the answers come in the order of the questions. One who has left is still answered: nobody else may take its answer (S7).
    const index = this.#revalidating.findIndex(each => each.session === session)
    const [client] = index < 0 ? [] : this.#revalidating.splice(index, 1)
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
    const embedded = this.#clients
      .all()
      .filter(each => each.attached && each.attachment.embedded)
      .map(each => each.session)
    for (const session of embedded) this.touches.touch(session)
    this.#leases.sent(ping, embedded, now)
    return this.touches.take()
  }

  confirmed(ping: number): void {
    this.#leases.confirmed(ping)
  }

  tick(now: number): void {
    for (const session of this.#leases.lost(now)) {
      const client = this.#clients.ofSession(session)
      if (client !== undefined) this.#detach(client, 'SESSION_EXPIRED')
    }
  }

  get nextAt(): number {
    return this.#leases.nextDeadline() ?? Number.POSITIVE_INFINITY
  }

  // --- stations

  #push(client: AttachedClient, cxid: number, request: Request): Outstanding {
    const entry: Outstanding = { cxid, request, submitted: false, syncedAt: undefined, refusal: undefined }
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
    if (this.#isLeaving(client)) return
    entry.submitted = true
    if (entry.cxid === 0) client.since = now.monotonic
    if (entry.request.kind === 'sync') client.pendingSync = entry
    const { session, identities } = client
    const request = entry.request as WriteRequest | SyncRequest
    this.#submission.submit({ kind: 'request', session, cxid: entry.cxid, identities, request }, now)
  }

  #revalidate(client: AttachedClient, now: Now): void {
    if (this.#submission === undefined) return
    const { session, password } = client
    client.since = now.monotonic
    this.#revalidating.push(client)
    this.#submission.revalidate({ kind: 'revalidate', session, password }, now)
  }

  /**
   * A new attachment of its session is asked for here, with the right password: a request that followed that question to the leader could not
   * be told from the newcomer's.
   */
  #isLeaving({ session, password }: AttachedClient): boolean {
    return this.#revalidating.some(each => each.session === session && samePassword(each.password, password))
  }

  /** W7: an event names a path only to those who may read it, by the ACL of the moment; of what is gone, by its last. */
  #mayRead(changes: readonly TreeChange[]): MayRead {
    const { tree } = this.#setup.replica()
    return (client, path, change) => {
      const gone = () => changes.find(each => each.type === 'deleted' && each.path === path)
      const acl = path === change.path ? change.acl : (tree.get(path)?.acl ?? gone()?.acl)
      const identities = this.#clients.get(client)?.identities
      return acl !== undefined && identities !== undefined && permits(acl, identities, Permission.READ)
    }
  }

  /**
   * Answers what has come to its turn: reads behind the last write, syncs that are reached, refusals. A read right behind a write that was
   * just applied is answered also while there is no leader: it must not see the next write of its session, and that one must be
   * first when its txn is applied, or it would seem lost and be submitted twice.
   */
  #answerTurn(client: AttachedClient, now: Now, behindApplied = false): void {
    for (let first = client.first; first !== undefined && !client.gone; first = client.first) {
      const { request, syncedAt, refusal, cxid } = first
      if (refusal !== undefined) {
        this.#shift(client)
        this.#reply(client, cxid, refusal)
        if (client.pendingSync === first) client.pendingSync = undefined
      } else if (isRead(request)) {
        if ((this.#submission === undefined && !behindApplied) || !client.attached) return
        this.#shift(client)
        this.#reply(client, cxid, this.#read(client, request))
      } else if (request.kind === 'sync' && syncedAt !== undefined && isAtMost(syncedAt, this.#setup.replica().zxid)) {
        this.#shift(client)
        this.#reply(client, cxid, DONE)
        client.pendingSync = undefined
        this.#submitAll(client, now)
      } else return
    }
    this.#syncing.delete(client)
  }

  #read(client: AttachedClient, request: ReadRequest): Response {
    const watches = this.#watches.forClient(client.client)
    return answerRead(request, { replica: this.#setup.replica(), identities: client.identities, watches })
  }

  #reply(client: AttachedClient, cxid: number, response: Response): void {
    const { zxid } = this.#setup.replica()
    this.#setup.outbox.put({ kind: 'reply', client: client.client, cxid, zxid, response })
  }

  #attached(client: AttachedClient): void {
    const { session, password, timeoutMs } = client
    client.attached = true
    if (client.attachment.embedded) this.#leases.hold(session, timeoutMs, client.since)
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
    for (const { cxid, submitted } of client.outstanding()) {
      if (cxid === 0) continue
      const lost = code === 'CLOSED' ? 'SESSION_EXPIRED' : code
      outbox.put({
        kind: 'fail',
        client: client.client,
        cxid,
        code: lost,
        outcome: outcome ?? (submitted ? 'unknown' : 'not-applied'),
      })
    }
    outbox.put({ kind: 'detachClient', client: client.client, code })
    this.#forget(client)
  }

  #forget(client: AttachedClient): void {
    this.#syncing.delete(client)
    if (this.#clients.ofSession(client.session) === client) this.#leases.release(client.session)
    this.#watches.dropClient(client.client)
    this.#clients.remove(client)
  }
}

function isRead(request: Request): request is ReadRequest {
  switch (request.kind) {
    case 'exists':
    case 'getData':
    case 'getChildren':
    case 'getAcl':
    case 'addWatch':
    case 'removeWatches':
    case 'setWatches':
    case 'ping':
      return true
    default:
      return false
  }
}
