/**
 * The clients' side of a peer, whatever its role: all that clients, the leader and the ensemble's word can do to it, one method each. A request goes
 * through request-stations.ts; whose it is, and for how long, is decided in attachments.ts.
 *
 * Always holds: what was under way when the leader was lost is answered or submitted again (coming.ts). Only a snapshot hides the outcome: `unknown`.
 * Before: peer.ts and service.ts. After: leader-requests.ts on a leader, forward.ts on a learner; the effects `attached`, `reply`, `fail`, `notify`, `detachClient`.
 */
import type { ClientId, SessionId } from '../../model/ids.js'
import type { Proposal } from '../../model/proposal.js'
import type { Request } from '../../model/request.js'
import type { Attachment, Now } from '../input.js'
import type { Applied } from '../operations/apply-txn.js'
import type { Touches } from '../session/touches.js'
import { WatchRegistry } from '../watch/watch-registry.js'
import type { Refused, Revalidated, Synced } from '../zab/messages.js'
import { Attachments, type AttachmentsSetup } from './attachments.js'
import { type AttachedClient, ClientTable } from './clients.js'
import { Coming } from './coming.js'
import { RequestStations, type StationsSetup } from './request-stations.js'
import type { Submission } from './submission.js'

export class RequestPipeline {
  readonly #clients = new ClientTable()
  readonly #watches: WatchRegistry
  readonly #attachments: Attachments
  readonly #stations: RequestStations

  constructor(setup: AttachmentsSetup & StationsSetup, now: Now) {
    this.#watches = new WatchRegistry((client, event) => setup.outbox.put({ kind: 'notify', client, event }))
    this.#attachments = new Attachments(setup, this.#clients, this.#watches, now)
    this.#stations = new RequestStations(setup, this.#clients, this.#watches, this.#attachments)
  }

  // --- clients come, ask and go

  attach(id: ClientId, attachment: Attachment, now: Now): void {
    const client = this.#attachments.attach(id, attachment, now)
    if (client !== undefined) this.#stations.submitAll(client, now)
  }

  request(id: ClientId, cxid: number, request: Request, now: Now): void {
    const client = this.#clients.get(id)
    if (client !== undefined) this.#stations.admit(client, cxid, request, now)
  }

  /** It left without closing its session, which lives on until it expires. */
  detach(id: ClientId): void {
    const client = this.#clients.get(id)
    if (client !== undefined) this.#attachments.left(client)
  }

  // --- the leader comes and goes

  /** No leader: everything waits. */
  suspend(now: number): void {
    this.#attachments.alone(now)
  }

  /** There is a leader (or this peer is one) and its history is ours; `unapplied` is the part of it that is not committed yet. */
  resume(submission: Submission, unapplied: readonly Proposal[], now: Now): void {
    this.#attachments.led(submission)
    const coming = new Coming(unapplied)
    for (const client of this.#clients.all()) {
      if (!this.#attachments.goesOn(client, now)) continue
      if (coming.reconcile(client)) this.#proceed(client, now)
      else this.#attachments.detach(client, 'SESSION_MOVED')
    }
  }

  /** A snapshot takes the place of the replica: what clients have seen and asked of the old one cannot be continued silently. */
  stateReplaced(): void {
    for (const client of this.#clients.all()) this.#attachments.detach(client, 'CONNECTION_LOSS')
  }

  // --- what the ensemble says

  /** One txn has been applied here. */
  applied(proposal: Proposal, applied: Applied, now: Now): void {
    this.#stations.applied(proposal, applied, now)
  }

  synced(message: Synced, now: Now): void {
    this.#stations.synced(message, now)
  }

  refused(message: Refused, now: Now): void {
    this.#stations.refused(message, now)
  }

  revalidated(message: Revalidated, now: Now): void {
    const client = this.#attachments.revalidated(message)
    if (client !== undefined) this.#proceed(client, now)
  }

  #proceed(client: AttachedClient, now: Now): void {
    this.#stations.submitAll(client, now)
    this.#stations.answerTurn(client, now)
  }

  // --- what keeps sessions alive

  /** Sessions to report as alive with this pong (or, on the leader, at this ping). */
  takeTouches(ping: number, now: number): readonly SessionId[] {
    return this.#attachments.takeTouches(ping, now)
  }

  confirmed(ping: number): void {
    this.#attachments.confirmed(ping)
  }

  /** @param sound nothing is known to be wrong with this peer's state. */
  tick(now: number, sound: boolean): void {
    this.#attachments.tick(now, sound)
  }

  get nextAt(): number {
    return this.#attachments.nextAt
  }

  /** What a learner reports to its leader. */
  get touches(): Touches {
    return this.#attachments.touches
  }

  // --- for those who ask what goes on here

  get clientCount(): number {
    return this.#clients.size
  }
  get watchCount(): number {
    return this.#watches.size
  }
  get localSessionCount(): number {
    return this.#attachments.local.sessionCount
  }
  get outstandingCount(): number {
    return this.#clients.outstanding
  }
  /** Reads are served without a leader, to those who ask for it. */
  get readOnly(): boolean {
    return this.#attachments.local.readOnly
  }
  /** Who watches what. */
  *watched(): Iterable<readonly [SessionId, ReadonlySet<string>]> {
    for (const { client, session } of this.#clients.all()) {
      const paths = this.#watches.nodePathsOf(client)
      if (paths.size > 0) yield [session, paths]
    }
  }
}
