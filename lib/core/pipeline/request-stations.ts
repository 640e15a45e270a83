/**
 * The stations of a request at the peer that has its client, on a leader, follower and observer alike: admit, submit, await, answer.
 *
 * | role      | write, sync                                               | read                  |
 * | --------- | --------------------------------------------------------- | --------------------- |
 * | leading   | admit → prepare → propose → await commit → apply → answer | admit → turn → answer |
 * | following | admit → forward → await commit → apply → answer           | admit → turn → answer |
 * | observing | admit → forward → await commit → apply → answer           | admit → turn → answer |
 * | looking   | admit, and wait                                           | admit, and wait       |
 *
 * Always holds: a client's requests are submitted and answered in order (C2); an event leaves before any answer that reflects its change (W1).
 * Before: request-pipeline.ts. Between submit and await: leader-requests.ts here, forward.ts on a learner. Whose request it is: attachments.ts.
 */
import type { Identities } from '../../model/acl.js'
import type { ErrorCode, ReplyCode } from '../../model/errors.js'
import type { Proposal } from '../../model/proposal.js'
import type { ForwardableRequest, ReadRequest, Request } from '../../model/request.js'
import { DONE, errorResponse, type Response } from '../../model/response.js'
import type { TreeChange } from '../../model/tree-change.js'
import { isAfter, isAtMost, ZERO, type Zxid } from '../../model/zxid.js'
import type { Now } from '../input.js'
import { answerRead } from '../operations/answer-read.js'
import type { Applied } from '../operations/apply-txn.js'
import { isRead } from '../operations/operations.js'
import type { Outbox } from '../outbox.js'
import type { ProtocolOptions } from '../protocol-options.js'
import type { Replica } from '../replica.js'
import type { Access } from '../tree/access.js'
import type { WatchRegistry } from '../watch/watch-registry.js'
import type { Refused, Synced } from '../zab/messages.js'
import { auditedRead, denied } from './account.js'
import type { Attachments } from './attachments.js'
import type { AttachedClient, ClientTable, Outstanding } from './clients.js'
import { refusedEagerly } from './eager-acl-check.js'
import { eventReaders } from './event-readers.js'
import { needsSpace } from './needs-space.js'
import { isRefusedReadOnly } from './read-only.js'

export interface StationsSetup {
  readonly options: ProtocolOptions
  readonly access: Access
  readonly outbox: Outbox
  /** The replica of this moment: a snapshot replaces it. */
  readonly replica: () => Replica
  readonly storageLow: () => boolean
}

export class RequestStations {
  readonly #setup: StationsSetup
  readonly #clients: ClientTable
  readonly #watches: WatchRegistry
  readonly #attachments: Attachments

  constructor(setup: StationsSetup, clients: ClientTable, watches: WatchRegistry, attachments: Attachments) {
    this.#setup = setup
    this.#clients = clients
    this.#watches = watches
    this.#attachments = attachments
  }

  // --- admit

  /** A read of a client that waits for nothing is answered in the same step; all else stands in line. */
  admit(client: AttachedClient, cxid: number, request: Request, now: Now): void {
    this.#attachments.heard(client, now)
    if (request.kind === 'authenticated') client.authenticate(request.identities)
    if (client.idle && client.attached && this.#attachments.serves(client) && isRead(request)) {
      this.#reply(client, cxid, this.#read(client, request, client.identities))
      return
    }
    if (this.#clients.outstanding >= this.#setup.options.outstandingMax) {
      this.#fail(client, cxid, 'OVERLOADED')
      return
    }
    const upgrade = this.#attachments.local.upgrade(client, request)
    if (upgrade !== undefined) this.#submit(client, upgrade, now)
    const entry = this.#clients.push(client, cxid, request)
    if (client.readOnly && isRefusedReadOnly(request, isRead(request))) entry.refusal = 'NOT_READ_ONLY'
    if (this.#setup.storageLow() && needsSpace(request)) entry.refusal = 'STORAGE_LOW'
    if (client.attached && !isRead(request)) this.#submit(client, entry, now)
    this.answerTurn(client, now)
  }

  // --- submit

  /** All that may be on its way to the leader: of a client that has no session yet, only that it wants one. */
  submitAll(client: AttachedClient, now: Now): void {
    if (client.attached) {
      for (const entry of client.outstanding()) if (!isRead(entry.request)) this.#submit(client, entry, now)
    } else if (client.first !== undefined) this.#submit(client, client.first, now)
  }

  #submit(client: AttachedClient, entry: Outstanding, now: Now): void {
    const { submission } = this.#attachments
    // A leader refuses its own client at once (session moved): nothing more of it is submitted or answered then.
    if (client.gone || submission === undefined || entry.submitted || client.pendingSync !== undefined) return
    if (entry.refusal !== undefined || isClosingLocally(entry)) return
    if (!submission.understands(entry.request, entry.local)) {
      entry.refusal = 'UNIMPLEMENTED'
      return
    }
    if (this.#attachments.isAskedAbout(client) || this.#refuseEagerly(client, entry)) return
    entry.submitted = true
    if (entry.cxid === 0) this.#attachments.sessionAsked(client, now)
    if (entry.request.kind === 'sync') client.pendingSync = entry
    const { session } = client
    const { cxid, identities } = entry
    const request = entry.request as ForwardableRequest
    const local = entry.local ? { local: true as const } : {}
    submission.submit({ kind: 'request', session, cxid, identities, ...local, request }, now)
  }

  /** True when it stops here: it is answered in its turn, and by no zxid, since it has no place in the order. */
  #refuseEagerly({ session }: AttachedClient, entry: Outstanding): boolean {
    const { options, access, replica, outbox } = this.#setup
    if (!options.eagerAclCheck) return false
    const { request, identities } = entry
    const refusal = refusedEagerly(request, identities, replica().tree, access)
    if (refusal === undefined) return false
    entry.refusal = refusal
    entry.refusedEagerly = true
    if (refusal === 'NO_AUTH') outbox.audit(denied(request, { session, identities, zxid: undefined }))
    return true
  }

  // --- await

  /** One txn has been applied here: tell the watches, then who asked for it. */
  applied(proposal: Proposal, { response, changes, closedSession }: Applied, now: Now): void {
    if (changes.length > 0 && this.#watches.size > 0) this.#notify(changes, proposal.zxid)
    const client = this.#clients.ofSession(proposal.session)
    if (client !== undefined && isAfter(proposal.zxid, client.after)) {
      const { first } = client
      if (first?.submitted && first.cxid === proposal.cxid) {
        if (first.cxid !== 0) {
          this.#clients.shift(client)
          this.#reply(client, first.cxid, response)
        } else if (proposal.txn.kind === 'createSession') this.#sessionCreated(client, now)
        this.answerTurn(client, now, true)
      } else if (client.attached && proposal.cxid !== 0 && closedSession === undefined) {
        // Somebody else speaks for this session, at another peer (S6). A new leader does not know of the move: a request from here that it
        // took now would come after later ones of its own client (C2).
        this.#attachments.detach(client, 'SESSION_MOVED')
      }
    }
    if (closedSession !== undefined)
      this.#attachments.sessionClosed(closedSession, proposal.cxid === 0 ? 'SESSION_EXPIRED' : 'CLOSED')
    for (const waiting of this.#clients.syncing) this.answerTurn(waiting, now)
  }

  #notify(changes: readonly TreeChange[], zxid: Zxid): void {
    const { access, replica } = this.#setup
    const mayRead = eventReaders(access, replica().tree, changes, id => this.#clients.get(id)?.identities)
    this.#watches.fire(changes, zxid, mayRead)
  }

  #sessionCreated(client: AttachedClient, now: Now): void {
    this.#clients.shift(client)
    if (!client.attached) this.#attachments.attached(client)
    this.submitAll(client, now)
  }

  /** The leader has proved that it leads; the sync is reached when `zxid` is applied here. */
  synced({ session, cxid, zxid }: Synced, now: Now): void {
    const client = this.#clients.ofSession(session)
    const entry = client?.outstanding().find(each => each.cxid === cxid && each.request.kind === 'sync')
    if (client === undefined || entry === undefined) return
    entry.syncedAt = zxid
    this.#clients.syncing.add(client)
    this.answerTurn(client, now)
  }

  refused({ session, cxid, code }: Refused, now: Now): void {
    const client = this.#clients.ofSession(session)
    if (client === undefined) return
    if (code === 'SESSION_MOVED') return this.#attachments.detach(client, 'SESSION_MOVED')
    const entry = client.outstanding().find(each => each.cxid === cxid)
    if (entry === undefined || !entry.submitted) return
    entry.refusal = code
    this.answerTurn(client, now)
  }

  // --- answer

  /**
   * Answers what has come to its turn: reads behind the last write, syncs that are reached, refusals. A read right behind a write that was
   * just applied is answered also while there is no leader: it must not see the next write of its session, and that one must be
   * first when its txn is applied, or it would seem lost and be submitted twice.
   */
  answerTurn(client: AttachedClient, now: Now, behindApplied = false): void {
    for (let first = client.first; first !== undefined && !client.gone; first = client.first) {
      const { request, identities, syncedAt, refusal, refusedEagerly, cxid } = first
      if (refusal !== undefined) {
        if (!client.attached) return
        this.#clients.shift(client)
        if (refusedEagerly) this.#reply(client, cxid, errorResponse(refusal as ReplyCode), ZERO)
        else if (refusal !== 'STORAGE_LOW') this.#reply(client, cxid, errorResponse(refusal))
        else this.#fail(client, cxid, refusal)
        if (client.pendingSync === first) client.pendingSync = undefined
      } else if (isRead(request)) {
        if ((!this.#attachments.serves(client) && !behindApplied) || !client.attached) return
        this.#clients.shift(client)
        this.#reply(client, cxid, this.#read(client, request, identities))
      } else if (request.kind === 'sync' && syncedAt !== undefined && isAtMost(syncedAt, this.#setup.replica().zxid)) {
        this.#clients.shift(client)
        this.#reply(client, cxid, DONE)
        client.pendingSync = undefined
        this.submitAll(client, now)
      } else if (isClosingLocally(first) && client.attached && this.#attachments.serves(client)) {
        this.#clients.shift(client)
        this.#reply(client, cxid, DONE)
        this.#attachments.local.close(client)
      } else return
    }
    this.#clients.syncing.delete(client)
  }

  #read(client: AttachedClient, request: ReadRequest, identities: Identities): Response {
    const watches = this.#watches.forClient(client.client)
    const { session } = client
    const { access, replica, outbox } = this.#setup
    const response = answerRead(request, { replica: replica(), access, session, identities, watches })
    for (const event of auditedRead(request, { session, identities }, response)) outbox.audit(event)
    return response
  }

  #reply({ client }: AttachedClient, cxid: number, response: Response, zxid = this.#setup.replica().zxid): void {
    this.#setup.outbox.put({ kind: 'reply', client, cxid, zxid, response })
  }

  /** This peer does not take it. */
  #fail({ client }: AttachedClient, cxid: number, code: ErrorCode): void {
    this.#setup.outbox.put({ kind: 'fail', client, cxid, code, outcome: 'not-applied' })
  }
}

/** Nobody else knows a local session: it is closed here, in its turn. */
function isClosingLocally({ request, local }: Outstanding): boolean {
  return local && request.kind === 'closeSession'
}
