/**
 * One leadership, from the election that chose this peer to its end. Routes what learners say to the phase that understands it and
 * ends itself when it can no longer be the leader; the phases hold the protocol.
 *
 * Always holds: a learner is one relationship over one link; a message that its stage does not allow closes that link and changes nothing
 * (Z23). Before: election/. After: roles.ts goes back to looking.
 */
import type { MemberRole } from '../../model/ensemble-config.js'
import type { LinkId, OperationNumber, PeerId, SessionId } from '../../model/ids.js'
import type { Txn } from '../../model/txn.js'
import type { Zxid } from '../../model/zxid.js'
import type { PeerPhase } from '../peer-status.js'
import type { ProtocolOptions } from '../protocol-options.js'
import type { Quorum } from '../quorum/quorum.js'
import { Divergence } from './divergence.js'
import type { EpochKeeper } from './epochs.js'
import { Handover } from './handover.js'
import type { HandoverPause } from './handover-pause.js'
import type { History } from './history.js'
import { LeaderBroadcast } from './leader-broadcast.js'
import { LeaderDiscovery } from './leader-discovery.js'
import { LeaderSynchronization } from './leader-synchronization.js'
import type { Leadership, LeadershipSetup } from './leadership.js'
import { LearnerProgress } from './learner-progress.js'
import { Liveness } from './liveness.js'
import type { LearnerInfo, PeerMessage } from './messages.js'
import type { StateMarks } from './state-marks.js'
import type { ZabEvents, ZabPort } from './zab-port.js'

export interface LeaderSetup extends LeadershipSetup {
  readonly handoverPause: HandoverPause
  readonly options: ProtocolOptions
}

export class Leader implements Leadership {
  readonly self: PeerId
  readonly quorum: Quorum
  readonly port: ZabPort
  readonly events: ZabEvents
  readonly epochs: EpochKeeper
  readonly history: History
  readonly marks: StateMarks
  readonly firstStart: boolean
  readonly learners = new Map<PeerId, LearnerProgress>()
  epoch = 0
  established = false
  /** Monotonic, of the step that it came to be so in. */
  establishedAt: number | undefined

  readonly #options: ProtocolOptions
  readonly #discovery: LeaderDiscovery
  readonly #synchronization: LeaderSynchronization
  readonly #broadcast: LeaderBroadcast
  readonly #liveness: Liveness
  readonly #divergence: Divergence
  readonly #handover: Handover
  /** Put off while history is on its way to a quorum: it would be sent anew, for ever (ZOOKEEPER-2678). */
  #establishBy: number
  #phase: PeerPhase = 'discovery'
  #steppedAt: number
  #ended = false

  constructor(setup: LeaderSetup, now: number) {
    this.self = setup.self
    this.quorum = setup.quorum
    this.port = setup.port
    this.events = setup.events
    this.epochs = setup.epochs
    this.history = setup.history
    this.marks = setup.marks
    this.firstStart = setup.firstStart
    this.#options = setup.options
    this.#steppedAt = now
    this.#establishBy = now + setup.options.initLimitTicks * setup.options.tickMs
    this.#liveness = new Liveness(this, setup.options.tickMs, now)
    this.#handover = new Handover(this, setup.handoverPause, setup.options)
    this.#discovery = new LeaderDiscovery(this, this.#liveness)
    this.#divergence = new Divergence(this)
    this.#synchronization = new LeaderSynchronization(this, this.#liveness, each => this.#divergence.canSpare(each))
    this.#broadcast = new LeaderBroadcast(this)
  }

  get phase(): PeerPhase {
    return this.#phase
  }

  /** How many learners of this role have all of its history and are sent whatever comes. */
  inStep(role: MemberRole): number {
    return [...this.learners.values()].filter(each => each.role === role && each.stage === 'active').length
  }

  start(): void {
    this.#discovery.start()
  }

  /** A learner asks to follow or observe, now or while this peer was still looking. */
  join(peer: PeerId, link: LinkId, info: LearnerInfo, now: number): void {
    const learner = new LearnerProgress(peer, link, info.role, info.acceptedEpoch, now)
    // A voter may observe: it is being repaired, and counts for nothing meanwhile.
    if (learner.votes && !this.quorum.voters.has(peer))
      return this.port.disconnect(link, `peer ${peer} is no ${info.role} of this ensemble`)
    this.learners.set(peer, learner)
    this.#discovery.onLearnerInfo(learner)
  }

  onMessage(peer: PeerId, message: PeerMessage, now: number): void {
    const learner = this.learners.get(peer)
    // What a peer says before learnerInfo belongs to an older relationship.
    if (learner === undefined) return
    learner.heardAt = now
    if (!this.#dispatch(learner, message, now))
      this.drop(learner, `unexpected ${message.kind} from a learner that is ${learner.stage}`)
  }

  #dispatch(learner: LearnerProgress, message: PeerMessage, now: number): boolean {
    switch (message.kind) {
      case 'ackEpoch':
        if (learner.stage !== 'invited') return false
        if (this.#discovery.onAckEpoch(learner, message, now)) this.#advance(learner)
        return true
      case 'ackNewLeader':
        if (learner.stage !== 'streamed' || message.epoch !== this.epoch) return false
        this.#synchronization.onAckNewLeader(learner)
        if (this.established) {
          this.#synchronization.activate(learner)
          this.#broadcast.onSynced(learner)
          this.#activateObservers()
        } else this.#establish()
        return true
      case 'ack':
        if (!learner.votes || !learner.has('synced') || !this.#broadcast.onAck(learner, message.zxid)) return false
        this.#activateObservers()
        return true
      case 'pong':
        if (message.number > learner.pong) learner.pong = message.number
        this.events.touched(message.touched)
        this.#liveness.onPong(now)
        this.#discovery.onPong(now)
        this.#advance()
        if (message.mark !== undefined) this.#divergence.onMark(learner, message.mark)
        return true
      case 'request':
        if (learner.stage !== 'active') return false
        this.events.forwarded(learner.peer, message)
        return true
      case 'revalidate':
        if (learner.stage !== 'active') return false
        this.events.revalidate(learner.peer, message)
        return true
      default:
        return false
    }
  }

  onUnlinked(peer: PeerId): void {
    if (!this.learners.delete(peer)) return
    this.#synchronization.onLearnerGone(peer)
    this.#broadcast.onLearnerGone(peer)
  }

  onEpochsSaved(op: OperationNumber): void {
    const discovering = !this.#discovery.done
    this.#discovery.onEpochsSaved(op)
    if (discovering) this.#advance()
    this.#synchronization.onEpochsSaved(op)
    this.#establish()
  }

  onLogged(): void {
    if (!this.established) return
    this.#broadcast.onLogged()
    this.#activateObservers()
  }

  onSyncStreamEnded(link: LinkId, zxid: Zxid): void {
    for (const learner of this.learners.values()) {
      if (learner.link === link) this.#synchronization.onSyncStreamEnded(learner, zxid)
    }
  }

  onCheckpointed(op: OperationNumber, zxid: Zxid): void {
    this.#synchronization.onCheckpointed(op, zxid)
  }

  nextZxid(): Zxid | undefined {
    return this.#broadcast.nextZxid()
  }

  propose(place: Zxid, session: SessionId, cxid: number, time: number, txn: Txn): void {
    this.#broadcast.propose(place, session, cxid, time, txn)
  }

  /** The ping whose answers prove that this peer leads after this moment. */
  proof(now: number): number {
    return this.#liveness.proof(now)
  }
  get confirmedPing(): number {
    return this.#liveness.confirmed
  }

  /** The moment for one that closes to leave. */
  get handedOver(): boolean {
    return this.#handover.everybodyHasAll
  }

  tick(now: number): void {
    const { tickMs, syncLimitTicks, initLimitTicks } = this.#options
    this.#forgiveAbsence(now)
    // In every step: a ping for a sync puts off the next heartbeat, not the end of a leadership (Z24).
    if (this.established && this.#liveness.silentMs(now) > syncLimitTicks * tickMs)
      return this.stepDown('a quorum is silent')
    this.#divergence.tick()
    this.#synchronization.tick(now)
    if (this.established) this.#handover.tick(now)
    if (now < this.nextAt) return
    if (!this.established && this.#synchronization.streaming) this.#establishBy = now + initLimitTicks * tickMs
    if (!this.established && now >= this.#establishBy)
      return this.stepDown('no quorum was synchronised within initLimit')
    for (const learner of [...this.learners.values()]) {
      const limit = learner.stage === 'active' ? syncLimitTicks : initLimitTicks
      if (now - learner.heardAt > limit * tickMs) this.drop(learner, 'the learner is silent')
    }
    this.#liveness.tick(now)
    if (this.established && !this.quorum.isQuorum(this.#present()) && this.#liveness.silentMs(now) > tickMs) {
      this.stepDown('the quorum is lost')
    }
  }

  get nextAt(): number {
    return this.#ended ? Number.POSITIVE_INFINITY : this.#liveness.nextAt
  }

  stepDown(reason: string): void {
    if (this.#ended) return
    this.#ended = true
    this.events.roleEnded(reason)
  }

  /** Ends every relationship; called by roles.ts when the role ends. */
  end(reason: string): void {
    this.#ended = true
    for (const learner of this.learners.values()) this.port.disconnect(learner.link, reason)
    this.learners.clear()
  }

  drop(learner: LearnerProgress, reason: string): void {
    this.port.report('warn', `learner ${learner.peer}: ${reason}`)
    this.port.disconnect(learner.link, reason)
    this.onUnlinked(learner.peer)
  }

  #present(): PeerId[] {
    const synced = [...this.learners.values()].filter(each => each.votes && each.has('synced'))
    return [this.self, ...synced.map(each => each.peer)]
  }

  /**
   * This process has stood still: what learners said meanwhile waits unread. They are given a tick before they count as silent, or their
   * links would go with the touches of their sessions (S2). The quorum's silence counts all the same (Z24).
   */
  #forgiveAbsence(now: number): void {
    const { tickMs, syncLimitTicks } = this.#options
    const away = now - this.#steppedAt > tickMs
    this.#steppedAt = now
    if (!away) return
    for (const learner of this.learners.values())
      learner.heardAt = Math.max(learner.heardAt, now - (syncLimitTicks - 1) * tickMs)
  }

  /** Those for whom more had to be committed first. */
  #activateObservers(): void {
    for (const learner of this.learners.values()) if (!learner.votes) this.#synchronization.activate(learner)
  }

  /** After a promise of the new epoch: begin the second phase, or let one more learner into it. */
  #advance(learner?: LearnerProgress): void {
    if (this.#ended || !this.#discovery.done) return
    if (this.#phase === 'discovery') {
      this.#phase = 'synchronization'
      this.#synchronization.start()
    } else if (learner?.stage === 'accepted') this.#synchronization.synchronize(learner)
  }

  #establish(): void {
    if (this.#ended || this.established || this.#phase !== 'synchronization' || !this.#synchronization.quorumSynced)
      return
    // Nobody else stood for election: its log is the best there is, but not its state.
    if (this.marks.diverged) return this.stepDown('its state is known to differ')
    this.established = true
    this.establishedAt = this.#steppedAt
    this.#phase = 'broadcast'
    this.#broadcast.start()
    this.events.established()
    for (const learner of [...this.learners.values()]) {
      if (learner.stage === 'synced') this.#synchronization.activate(learner)
      else if (learner.stage === 'accepted') this.#synchronization.synchronize(learner)
      else if (learner.stage === 'joined') this.#discovery.onLearnerInfo(learner)
    }
  }
}
