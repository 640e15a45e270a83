/**
 * The leader's stations: whose session is it, check against the state to be, propose. One instance per leadership: the overlay and the owners
 * go with it.
 *
 * Always holds: requests are prepared in the order of arrival; a session's requests are taken from one peer only, the one it was last created
 * or revalidated at (S6); every request taken here gets a zxid, also one that fails (C7); a refusal is said at once, in the order of the link.
 * Before: a local client's request, or forward.ts of a learner. After: zab/leader-broadcast.ts.
 */
import type { RefusalCode } from '../../model/errors.js'
import type { PeerId, SessionId } from '../../model/ids.js'
import { LIFETIMES_SINCE } from '../../model/peer-protocol.js'
import type { ReapRequest, WriteRequest } from '../../model/request.js'
import type { SessionRecord } from '../../model/session-record.js'
import type { Zxid } from '../../model/zxid.js'
import type { Audited } from '../audited.js'
import type { Now } from '../input.js'
import type { Requester } from '../operations/operation.js'
import { Preparation } from '../operations/preparation.js'
import type { ProtocolOptions } from '../protocol-options.js'
import type { Replica } from '../replica.js'
import type { Access } from '../tree/access.js'
import type { ForwardedRequest } from '../zab/messages.js'
import { auditedWrite } from './account.js'
import { needsSpace } from './needs-space.js'
import { RareReport } from './rare-report.js'
import { TxnClock } from './txn-clock.js'

export interface Proposer {
  /** Undefined when this epoch has no zxid left; the leadership ends then. */
  nextZxid(): Zxid | undefined
  propose(place: Zxid, session: SessionId, cxid: number, time: number, txn: ReturnType<Preparation['prepare']>): void
  report(level: 'info' | 'warn', message: string): void
  audit(event: Audited): void
}

export interface PrepareSetup {
  readonly door: Proposer
  readonly replica: Replica
  readonly options: ProtocolOptions
  readonly access: Access
  readonly storageLow: () => boolean
  /** What every linked peer understands: nothing else is written into a txn. */
  readonly lowestProtocol: () => number
}

/** What the leader does on its own account. */
const NO_SESSION = '0000000000000000' as SessionId

export class PrepareStation {
  readonly #proposer: Proposer
  readonly #preparation: Preparation
  readonly #replica: Replica
  readonly #owners = new Map<SessionId, PeerId>()
  /** Sessions that are created, but not on this replica yet. */
  readonly #opening = new Map<SessionId, SessionRecord>()
  readonly #clock: TxnClock
  readonly #overQuota: RareReport
  readonly #storageLow: () => boolean
  readonly #auditWrites: boolean

  constructor(setup: PrepareSetup, now: Now) {
    const { door, replica, options, access, lowestProtocol } = setup
    this.#proposer = door
    this.#replica = replica
    this.#storageLow = setup.storageLow
    this.#auditWrites = options.auditWrites
    const { dataBytesMax, extendedTypesEnabled, enforceQuota } = options
    const lifetimesUnderstood = () => lowestProtocol() >= LIFETIMES_SINCE
    const limits = { dataBytesMax, extendedTypesEnabled, lifetimesUnderstood, enforceQuota }
    this.#preparation = new Preparation(replica, access, limits)
    this.#overQuota = new RareReport(door.report.bind(door))
    this.#clock = new TxnClock(replica.time, now, door.report.bind(door))
  }

  /** Proposes; a code when the request is refused without a zxid. */
  take(
    from: PeerId,
    request: ForwardedRequest & { readonly request: WriteRequest },
    now: Now,
  ): RefusalCode | undefined {
    const { session } = request
    if (request.request.kind === 'createSession') {
      this.#owners.set(session, from)
      this.#opening.set(session, request.request)
    }
    const code = this.refusal(from, request)
    if (code !== undefined) return code
    const { identities, local } = request
    this.#propose(request.cxid, request.request, { session, identities, local }, now)
    return undefined
  }

  /** Why this request gets no zxid. */
  refusal(from: PeerId, { session, request }: ForwardedRequest): RefusalCode | undefined {
    if (!this.ownedBy(from, session)) return 'SESSION_MOVED'
    return this.#storageLow() && needsSpace(request) ? 'STORAGE_LOW' : undefined
  }

  /** The leader's own request, for a session that has expired. */
  close(session: SessionId, now: Now): void {
    this.#propose(0, { kind: 'closeSession' }, { session, identities: [] }, now)
  }

  /** The leader's own request, for a znode that is out of use. */
  reap(request: ReapRequest, now: Now): void {
    this.#propose(0, request, { session: NO_SESSION, identities: [] }, now)
  }

  /** A session nobody owns, after a change of leader, belongs to whoever speaks for it first. */
  ownedBy(peer: PeerId, session: SessionId): boolean {
    const owner = this.#owners.get(session)
    // One that has ended, or never was, is refused when it is prepared, and is not remembered (R2).
    if (owner === undefined && this.session(session) !== undefined) this.#owners.set(session, peer)
    return owner === undefined || owner === peer
  }

  moved(session: SessionId, to: PeerId): void {
    this.#owners.set(session, to)
  }

  /**
   * Also one that is created but not applied here: the leader's replica may be behind others', since its own disk is not part of every
   * quorum.
   */
  session(session: SessionId): SessionRecord | undefined {
    return this.#replica.sessions.get(session) ?? this.#opening.get(session)
  }

  /** Its closeSession is proposed: whether it has ended is not decided. */
  isEnding(session: SessionId): boolean {
    return this.session(session) !== undefined && !this.#preparation.sessions.isLive(session)
  }

  committed(zxid: Zxid): void {
    this.#preparation.committed(zxid)
  }

  opened(session: SessionId): void {
    this.#opening.delete(session)
  }

  closed(session: SessionId): void {
    this.#owners.delete(session)
  }

  /** In the order in which they will go. */
  #ephemeralsOf(session: SessionId): readonly string[] {
    return this.#preparation.overlay.ephemeralsOf(session).sort()
  }

  #propose(cxid: number, request: WriteRequest, requester: Requester, now: Now): void {
    const { session } = requester
    const place = this.#proposer.nextZxid()
    if (place === undefined) return
    const time = this.#clock.next(now)
    const ending = this.#preparation.sessions.isLive(session) ? (cxid === 0 ? 'expired' : 'closed') : undefined
    const report = (message: string) => this.#overQuota.tell(message, now.monotonic)
    const all = this.#auditWrites
    const ephemerals = all && ending !== undefined && request.kind === 'closeSession' ? this.#ephemeralsOf(session) : []
    const txn = this.#preparation.prepare(request, requester, { zxid: place, time, report })
    for (const audited of auditedWrite(request, requester, place, txn, { ending, ephemerals, all }))
      this.#proposer.audit(audited)
    this.#proposer.propose(place, session, cxid, time, txn)
  }
}
