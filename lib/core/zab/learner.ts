/**
 * One relationship with one leader, as its follower or observer: discovery, synchronisation, broadcast, from this side.
 *
 * Always holds, each step durable before the next (Z18, ZOOKEEPER-4643, 4646, 3911): the leader's history, then its epoch, then the
 * acknowledgement of NEWLEADER, and no acknowledgement of a proposal before that; an ack never passes the durable log (Z17).
 * Nothing is applied before UPTODATE. A message that the stage does not allow ends the relationship and changes nothing durable (Z23).
 * A follower logs proposals and acks them; an observer logs what it is informed of, which is committed already.
 * Before: election/. After: roles.ts goes back to looking. Zab paper, phases 1–3; ZooKeeper: Learner, Follower, Observer.
 */
import type { MemberRole } from '../../model/ensemble-config.js'
import type { LinkId, OperationNumber, PeerId } from '../../model/ids.js'
import type { Proposal } from '../../model/proposal.js'
import { formatZxid, isAfter, isAtMost, sameZxid, type Zxid } from '../../model/zxid.js'
import type { PeerPhase } from '../peer-status.js'
import type { ProtocolOptions } from '../protocol-options.js'
import type { EpochKeeper } from './epochs.js'
import type { History } from './history.js'
import type { NewLeader, PeerMessage, SnapshotBegin } from './messages.js'
import type { StateMarks } from './state-marks.js'
import type { ZabEvents, ZabPort } from './zab-port.js'

type Stage =
  /** learnerInfo sent. */
  | 'joined'
  /** The promise of the new epoch is being saved. */
  | 'promising'
  /** ackEpoch sent: history comes. */
  | 'syncing'
  /** NEWLEADER received: history and epoch are being made durable. */
  | 'adopting'
  /** NEWLEADER acknowledged. */
  | 'acknowledged'
  | 'broadcast'

export interface LearnerSetup {
  readonly leader: PeerId
  readonly role: MemberRole
  readonly port: ZabPort
  readonly events: ZabEvents
  readonly epochs: EpochKeeper
  readonly marks: StateMarks
  readonly options: ProtocolOptions
  /** The history this peer had is damaged. It observes until it holds the leader's, and then begins anew as what it is (roles.ts says why). */
  readonly repairing?: boolean
  /** Nobody has any history: the promise of a fresh disk counts (Z29). */
  readonly firstStart: boolean
}

export class Learner {
  readonly leader: PeerId
  readonly role: MemberRole
  readonly #port: ZabPort
  readonly #events: ZabEvents
  readonly #epochs: EpochKeeper
  readonly #marks: StateMarks
  readonly #options: ProtocolOptions
  readonly #repairing: boolean
  readonly #firstStart: boolean
  #history: History
  #link: LinkId | undefined
  #stage: Stage = 'joined'
  #epoch = 0
  #heardAt: number
  #saving: OperationNumber | undefined
  #newLeader: NewLeader | undefined
  #acked: Zxid | undefined
  #suspended = false
  #ended = false

  constructor(setup: LearnerSetup, history: History, link: LinkId, now: number) {
    this.leader = setup.leader
    this.role = setup.role
    this.#port = setup.port
    this.#events = setup.events
    this.#epochs = setup.epochs
    this.#marks = setup.marks
    this.#options = setup.options
    this.#repairing = setup.repairing ?? false
    this.#firstStart = setup.firstStart
    this.#history = history
    this.#link = link
    this.#heardAt = now
  }

  get epoch(): number {
    return this.#epoch
  }
  get link(): LinkId | undefined {
    return this.#link
  }
  get serving(): boolean {
    return this.#stage === 'broadcast'
  }
  /** The leader has another state than this peer, and it is not decided whose is wrong (Z31). */
  get suspended(): boolean {
    return this.#suspended
  }
  get phase(): PeerPhase {
    if (this.#stage === 'broadcast') return 'broadcast'
    return this.#stage === 'joined' || this.#stage === 'promising' ? 'discovery' : 'synchronization'
  }

  start(): void {
    this.#port.send(this.#link!, { kind: 'learnerInfo', role: this.role, acceptedEpoch: this.#epochs.accepted })
  }

  onUnlinked(link: LinkId): void {
    if (link !== this.#link) return
    this.#link = undefined
    this.leave('the link to the leader is lost')
  }

  onMessage(message: PeerMessage, now: number): void {
    this.#heardAt = now
    if (!this.#dispatch(message)) this.leave(`unexpected ${message.kind} from the leader while ${this.#stage}`)
  }

  #dispatch(message: PeerMessage): boolean {
    switch (message.kind) {
      case 'leaderInfo':
        return this.#onLeaderInfo(message.epoch)
      case 'diff':
        return this.#stage === 'syncing' && sameZxid(message.after, this.#history.last)
      case 'truncate':
        return this.#onTruncate(message.after)
      case 'snapshotBegin':
        return this.#onSnapshotBegin(message)
      case 'proposal':
        return this.role === 'participant' && this.#onProposal(message.proposal)
      case 'inform':
        return this.role === 'observer' && this.#onInform(message.proposal)
      case 'newLeader':
        return this.#onNewLeader(message)
      case 'upToDate':
        return this.#onUpToDate(message.committed)
      case 'commit':
        return this.#onCommit(message.zxid)
      case 'ping':
        this.#onPing(message.number, message.heard)
        return true
      case 'diverged':
        return this.#onDiverged(message.judged)
      case 'refused':
        if (!this.serving) return false
        this.#events.refused(message)
        return true
      case 'synced':
        if (!this.serving) return false
        this.#events.synced(message)
        return true
      case 'revalidated':
        if (!this.serving) return false
        this.#events.revalidated(message)
        return true
      default:
        return false
    }
  }

  /** The log has grown. */
  onLogged(): void {
    if (this.#stage === 'adopting') this.#adopt()
    else if (this.#stage === 'acknowledged' || this.#stage === 'broadcast') this.#ack()
  }

  onEpochsSaved(op: OperationNumber): void {
    if (op !== this.#saving || this.#link === undefined || this.#ended) return
    this.#saving = undefined
    if (this.#stage === 'promising') {
      this.#stage = 'syncing'
      this.#ackEpoch(true)
    } else if (this.#stage === 'adopting' && this.#repairing) {
      this.leave('it has the whole history again and begins anew')
    } else if (this.#stage === 'adopting') {
      this.#stage = 'acknowledged'
      this.#port.send(this.#link, { kind: 'ackNewLeader', epoch: this.#epoch })
      this.#acked = this.#newLeader!.zxid
      this.#ack()
    }
  }

  /** The received snapshot is on disk and is the replica now. */
  onSnapshotInstalled(): void {
    if (this.#stage === 'adopting') this.#adopt()
  }

  tick(now: number): void {
    const limit = this.serving ? this.#options.syncLimitTicks : this.#options.initLimitTicks
    if (now - this.#heardAt > limit * this.#options.tickMs) this.leave('the leader is silent')
  }

  get nextAt(): number {
    const limit = this.serving ? this.#options.syncLimitTicks : this.#options.initLimitTicks
    return this.#ended ? Number.POSITIVE_INFINITY : this.#heardAt + limit * this.#options.tickMs + 1
  }

  leave(reason: string): void {
    if (this.#ended) return
    this.#ended = true
    this.#events.roleEnded(reason)
  }

  /** Ends the relationship; called by roles.ts when the role ends. */
  end(reason: string): void {
    this.#ended = true
    if (this.#link !== undefined) this.#port.disconnect(this.#link, reason)
  }

  #onLeaderInfo(epoch: number): boolean {
    if (this.#stage !== 'joined' || epoch < this.#epochs.accepted) return false
    this.#epoch = epoch
    if (epoch > this.#epochs.accepted) {
      this.#stage = 'promising'
      this.#saving = this.#epochs.accept(epoch)
    } else {
      // Promised before: to this leader over another link, or to another one. It counts no second time (Z4).
      this.#stage = 'syncing'
      this.#ackEpoch(false)
    }
    return true
  }

  #ackEpoch(counted: boolean): void {
    const currentEpoch = this.#epochs.current
    this.#port.send(this.#link!, {
      kind: 'ackEpoch',
      currentEpoch,
      lastZxid: this.#history.last,
      counted: counted && (currentEpoch > 0 || this.#firstStart),
      ...(this.#marks.diverged ? { setAside: true } : {}),
    })
  }

  #onTruncate(after: Zxid): boolean {
    if (this.#stage !== 'syncing') return false
    const cut = this.#history.lastAtMost(after)
    if (cut === undefined || isAfter(this.#history.applied, cut)) {
      const applied = formatZxid(this.#history.applied)
      this.#events.fatal(
        'HISTORY_CONFLICT',
        `the leader's history ends at ${formatZxid(after)}, but this peer has applied up to ${applied}. Its data is kept as it is. ` +
          'Either the rest of the ensemble has lost committed writes, or this is the data of another ensemble: compare before you remove it.',
      )
      return true
    }
    this.#history.truncate(cut)
    this.#port.truncate(cut)
    this.#ackEpoch(false)
    return true
  }

  #onSnapshotBegin(begin: SnapshotBegin): boolean {
    if (this.#stage !== 'syncing') return false
    if (isAfter(this.#history.applied, begin.zxid)) {
      this.#events.fatal(
        'HISTORY_CONFLICT',
        `the leader sends the tree of ${formatZxid(begin.zxid)}, which is behind what this peer has applied`,
      )
      return true
    }
    this.#history.beginSnapshot(begin.zxid, this.#port.installSnapshot(this.#link!, begin))
    this.#events.stateReplaced()
    return true
  }

  #onProposal(proposal: Proposal): boolean {
    if (this.#stage !== 'syncing' && this.#stage !== 'adopting' && this.#stage !== 'acknowledged' && !this.serving)
      return false
    if (!isAfter(proposal.zxid, this.#history.last)) return this.#history.contains(proposal.zxid)
    if (!sameZxid(proposal.previous, this.#history.last)) return false
    this.#history.append(proposal)
    this.#port.append([proposal])
    return true
  }

  #onInform(proposal: Proposal): boolean {
    if (!this.#onProposal(proposal)) return false
    if (this.serving) {
      this.#history.commit(proposal.zxid)
      this.#events.advanced()
    }
    return true
  }

  #onNewLeader(message: NewLeader): boolean {
    if (this.#stage !== 'syncing' || message.epoch !== this.#epoch || !sameZxid(message.zxid, this.#history.last))
      return false
    this.#newLeader = message
    this.#stage = 'adopting'
    this.#adopt()
    return true
  }

  /** History durable → epoch durable → ACK. */
  #adopt(): void {
    if (
      this.#saving !== undefined ||
      this.#history.installing ||
      !isAtMost(this.#newLeader!.zxid, this.#history.durable)
    )
      return
    this.#saving = this.#epochs.adopt(this.#epoch, this.#repairing)
  }

  #onUpToDate(committed: Zxid): boolean {
    if (this.#stage !== 'acknowledged' || isAfter(committed, this.#history.last)) return false
    this.#stage = 'broadcast'
    this.#history.commit(this.role === 'observer' ? this.#history.last : committed)
    this.#events.established()
    return true
  }

  #onCommit(zxid: Zxid): boolean {
    if (!this.serving || this.role === 'observer' || isAfter(zxid, this.#history.last)) return false
    this.#history.commit(zxid)
    this.#events.advanced()
    return true
  }

  #onPing(number: number, heard: number): void {
    this.#events.pinged(heard)
    const touched = this.#events.takeTouches(number)
    const mark = this.serving ? this.#marks.newest : undefined
    this.#port.send(this.#link!, { kind: 'pong', number, touched, ...(mark === undefined ? {} : { mark }) })
  }

  /** Serves nobody from here on; goes on to log, to acknowledge and to apply, so that the quorum does not suffer. */
  #onDiverged(judged: boolean): boolean {
    if (!this.serving) return false
    this.#suspended = true
    if (judged) this.#marks.setAside()
    this.#events.diverged()
    return true
  }

  #ack(): void {
    if (this.role === 'observer' || this.#acked === undefined || !isAfter(this.#history.durable, this.#acked)) return
    this.#acked = this.#history.durable
    this.#port.send(this.#link!, { kind: 'ack', zxid: this.#acked })
  }
}
