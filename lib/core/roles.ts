/**
 * looking → leading | following | observing → looking: every transition of a peer, in one place.
 *
 * Always holds: a role begins with nothing of the role before it (its links are closed, its storage operations have completed); an own vote
 * is cast only when the storage queue has run dry (E6). Every change is announced to all linked members, so the last notification heard over
 * a live link is always what that member says now.
 * A damaged peer takes part without counting: election/damaged-voter.ts.
 * Before: peer.ts hands in what happened. After: election/, zab/.
 */
import type { EnsembleConfig } from '../model/ensemble-config.js'
import type { LinkId, OperationNumber, PeerId } from '../model/ids.js'
import { sameZxid, ZERO, type Zxid } from '../model/zxid.js'
import { damagedVoters, isDamaged } from './election/damaged-voter.js'
import { type Decision, FastLeaderElection } from './election/fast-leader-election.js'
import { type DiskStanding, describeWait, isFirstStart, waitsForFirstStart } from './election/first-start.js'
import type { Vote } from './election/vote.js'
import type { LinkTable } from './link-table.js'
import type { Outbox } from './outbox.js'
import type { FirstStartWait, PeerPhase } from './peer-status.js'
import type { ProtocolOptions } from './protocol-options.js'
import type { Quorum } from './quorum/quorum.js'
import { quorumOf } from './quorum/quorum-of.js'
import type { EpochKeeper } from './zab/epochs.js'
import { HandoverPause } from './zab/handover-pause.js'
import type { History } from './zab/history.js'
import { Leader } from './zab/leader.js'
import { Learner } from './zab/learner.js'
import type { LearnerInfo, Notification, PeerMessage, RoleName } from './zab/messages.js'
import type { StateMarks } from './zab/state-marks.js'
import type { ZabEvents, ZabPort } from './zab/zab-port.js'

export interface RolesSetup {
  readonly self: PeerId
  readonly config: EnsembleConfig
  readonly options: ProtocolOptions
  readonly outbox: Outbox
  readonly links: LinkTable
  readonly port: ZabPort
  readonly events: ZabEvents
  readonly epochs: EpochKeeper
  readonly history: History
  readonly marks: StateMarks
  /** This peer's history was damaged: it counts nowhere until it has a leader's. */
  readonly damaged: boolean
}

type Role =
  /** `election` is undefined while operations of the former role are still on their way to the disk. */
  | { readonly kind: 'looking'; readonly election: FastLeaderElection | undefined }
  | { readonly kind: 'leading'; readonly leader: Leader }
  | { readonly kind: 'learning'; readonly learner: Learner }

const NOBODY: readonly PeerId[] = []

export class Roles {
  readonly #setup: RolesSetup
  readonly #quorum: Quorum
  readonly #handoverPause: HandoverPause
  #role: Role = { kind: 'looking', election: undefined }
  #round = 0
  #damaged: boolean
  /** What led to the present role. */
  #vote: Vote | undefined
  /** The last word of each linked member. */
  readonly #heard = new Map<PeerId, Notification>()
  /** The last that was reported of it. */
  #toldWait: string | undefined
  /** Members that have chosen this peer before it has decided itself. */
  readonly #early = new Map<PeerId, { link: LinkId; info: LearnerInfo }>()

  constructor(setup: RolesSetup) {
    this.#setup = setup
    this.#quorum = quorumOf(setup.config)
    this.#damaged = setup.damaged
    this.#handoverPause = new HandoverPause(setup.options.tickMs)
  }

  get leader(): Leader | undefined {
    return this.#role.kind === 'leading' ? this.#role.leader : undefined
  }
  get learner(): Learner | undefined {
    return this.#role.kind === 'learning' ? this.#role.learner : undefined
  }
  get name(): RoleName {
    if (this.#role.kind === 'leading') return 'leading'
    if (this.#role.kind === 'looking') return 'looking'
    return this.#role.learner.role === 'observer' ? 'observing' : 'following'
  }
  get phase(): PeerPhase {
    if (this.#role.kind === 'leading') return this.#role.leader.phase
    return this.#role.kind === 'learning' ? this.#role.learner.phase : 'election'
  }
  get serving(): boolean {
    return this.#established && !this.diverged
  }
  /** The state of this peer is not the ensemble's, as far as is known (Z31). */
  get diverged(): boolean {
    return this.#setup.marks.diverged || (this.learner?.suspended ?? false)
  }
  get #established(): boolean {
    return this.leader?.established ?? this.learner?.serving ?? false
  }
  get leaderId(): PeerId | undefined {
    return this.#role.kind === 'leading' ? this.#setup.self : this.learner?.leader
  }
  get epoch(): number {
    return this.leader?.epoch || this.learner?.epoch || this.#setup.epochs.current
  }

  /** Its history is damaged, and it is not yet whole again. */
  get repairing(): boolean {
    return this.#damaged
  }
  /** Voters that say so of themselves, this peer included: they count in no quorum. */
  get damagedVoters(): readonly PeerId[] {
    return damagedVoters(this.#quorum.voters, this.#heard, this.#damaged ? this.#setup.self : undefined)
  }

  /** It has handed over because its log was slow, and votes below everybody for a while. */
  standsAside(now: number): boolean {
    return this.#handoverPause.standsAside(now)
  }

  onLinked(peer: PeerId, link: LinkId, now: number): void {
    const role = this.#role
    if (role.kind === 'looking') this.#decided(role.election?.onLinked(peer, now), now)
    else this.#setup.port.send(link, this.#notification())
  }

  /** This peer has given up the link: what came over it is void. */
  forget(peer: PeerId): void {
    this.#heard.delete(peer)
    this.#early.delete(peer)
  }

  onUnlinked(peer: PeerId, link: LinkId, now: number): void {
    this.forget(peer)
    const role = this.#role
    if (role.kind === 'looking') this.#decided(role.election?.onUnlinked(peer, now), now)
    else if (role.kind === 'leading') role.leader.onUnlinked(peer)
    else role.learner.onUnlinked(link)
  }

  onMessage(peer: PeerId, link: LinkId, message: PeerMessage, now: number): void {
    const role = this.#role
    if (message.kind === 'notification') return this.#onNotification(peer, link, message, now)
    if (message.kind === 'learnerInfo') {
      if (role.kind === 'looking') this.#early.set(peer, { link, info: message })
      else if (role.kind === 'leading') this.#join(role.leader, peer, link, message, now)
      // It chose this peer by an old ballot: it must not wait for what will not come.
      else this.#setup.port.send(link, this.#notification())
      return
    }
    if (role.kind === 'leading') role.leader.onMessage(peer, message, now)
    else if (role.kind === 'learning' && link === role.learner.link) role.learner.onMessage(message, now)
    // Anything else was sent before its sender knew that the relationship had ended.
  }

  onLogged(): void {
    this.leader?.onLogged()
    this.learner?.onLogged()
  }
  onEpochsSaved(op: OperationNumber): void {
    if (this.#damaged && op === this.#setup.epochs.repairEnds) {
      this.#damaged = false
      this.#setup.outbox.report('info', 'repaired: this peer holds the history of the ensemble again')
    }
    this.leader?.onEpochsSaved(op)
    this.learner?.onEpochsSaved(op)
  }
  onSnapshotInstalled(): void {
    this.learner?.onSnapshotInstalled()
  }
  onCheckpointed(op: OperationNumber, zxid: Zxid): void {
    this.leader?.onCheckpointed(op, zxid)
  }
  onSyncStreamEnded(link: LinkId, zxid: Zxid): void {
    this.leader?.onSyncStreamEnded(link, zxid)
  }

  /** Time has passed, or an operation has completed. */
  tick(now: number): void {
    const role = this.#role
    if (role.kind === 'leading') {
      if (this.#isDeserted(role.leader)) role.leader.stepDown('those who chose this peer have left')
      role.leader.tick(now)
    } else if (role.kind === 'learning') role.learner.tick(now)
    else if (role.election !== undefined) this.#decided(role.election.tick(now), now)
    else if (this.#setup.outbox.drained) this.#elect(now)
  }

  get nextAt(): number {
    const role = this.#role
    if (role.kind === 'leading') return role.leader.nextAt
    if (role.kind === 'learning') return role.learner.nextAt
    return role.election?.nextAt ?? Number.POSITIVE_INFINITY
  }

  /** Ends the role, whatever it is; the election begins once the disk has caught up. */
  look(reason: string): void {
    if (this.#established) this.#handoverPause.somebodyLed()
    else this.#handoverPause.nobodyElseLeads()
    this.leader?.end(reason)
    this.learner?.end(reason)
    this.#role = { kind: 'looking', election: undefined }
    this.#vote = undefined
  }

  /** What keeps the voters from a first start, as far as this peer knows; undefined when it has a history itself (Z29). */
  get firstStartWait(): FirstStartWait | undefined {
    return this.#isFresh ? this.#wait : undefined
  }

  /** Voters that say of themselves that they have never taken a leader's history. */
  get freshVoters(): readonly PeerId[] {
    const { self } = this.#setup
    let fresh = NOBODY
    for (const id of this.#quorum.voters)
      if (id === self ? this.#isFresh : this.#heard.get(id)?.fresh) fresh = [...fresh, id].sort((a, b) => a - b)
    return fresh
  }

  get #wait(): FirstStartWait {
    const { self } = this.#setup
    const own = { role: this.#damaged ? 'repairing' : 'looking', ...this.#standing } as const
    return waitsForFirstStart(this.#quorum.voters, voter => (voter === self ? own : this.#heard.get(voter)))
  }

  get #isFresh(): boolean {
    return this.#setup.epochs.current === 0 && this.#quorum.voters.has(this.#setup.self)
  }

  get #standing(): DiskStanding {
    const { self, epochs, history } = this.#setup
    if (!this.#quorum.voters.has(self)) return {}
    return {
      ...(this.#isFresh ? { fresh: true } : {}),
      ...(sameZxid(history.last, ZERO) ? { blank: true } : {}),
      ...(epochs.origin ? { origin: true } : {}),
    }
  }

  /** Says once, and again whenever that changes, why a fresh voter does not elect. */
  #tellWait(): void {
    const wait = this.#role.kind === 'looking' ? this.firstStartWait : undefined
    const said = wait === undefined || isFirstStart(wait) ? undefined : describeWait(this.#setup.self, wait)
    if (said !== undefined && said !== this.#toldWait) this.#setup.port.report('info', said)
    this.#toldWait = said
  }

  /** Tells every linked member what this peer is now. */
  announce(): void {
    if (this.#role.kind === 'looking') return
    for (const [, link] of this.#setup.links.entries()) this.#setup.port.send(link, this.#notification())
  }

  #elect(now: number): void {
    const { self, history, epochs, links, port, options, marks } = this.#setup
    const votes = this.#quorum.voters.has(self) && !this.#damaged
    // Whose state is void leaves it to others to lead (Z31): its log would do, but it could serve nobody. So does who was too slow.
    const ownVote: Vote =
      votes && !marks.diverged && !this.#handoverPause.standsAside(now)
        ? { leader: self, zxid: history.last, epoch: epochs.current }
        : { leader: self, zxid: ZERO, epoch: 0 }
    const reply = (to: PeerId, notification: Notification) => {
      const link = links.linkTo(to)
      if (link !== undefined) port.send(link, notification)
    }
    const standing = this.#standing
    const election = new FastLeaderElection(
      {
        self,
        quorum: this.#quorum,
        options,
        repairing: this.#damaged,
        standing: { own: standing, isFirstStart: () => isFirstStart(this.#wait) },
        port: {
          announce: notification => {
            for (const [, link] of links.entries()) port.send(link, notification)
          },
          reply,
          linked: () => links.peers(),
        },
      },
      ownVote,
      this.#round + 1,
      now,
    )
    this.#role = { kind: 'looking', election }
    this.#tellWait()
    let decision = election.start(now)
    for (const [peer, heard] of this.#heard) decision ??= election.onNotification(peer, heard, now)
    this.#decided(decision, now)
  }

  #onNotification(peer: PeerId, link: LinkId, heard: Notification, now: number): void {
    this.#heard.set(peer, heard)
    this.#tellWait()
    const role = this.#role
    if (role.kind === 'looking') {
      this.#decided(role.election?.onNotification(peer, heard, now), now)
      return
    }
    if (heard.role === 'looking' || heard.role === 'repairing') this.#setup.port.send(link, this.#notification())
    if (role.kind === 'learning' && peer === role.learner.leader && !role.learner.serving && this.#abandons(heard)) {
      role.learner.leave(`peer ${peer} is not going to lead`)
    }
  }

  /** The chosen leader has gone on to something else: do not wait for it. */
  #abandons(heard: Notification): boolean {
    if (heard.role === 'leading') return false
    return heard.role !== 'looking' || heard.leader !== this.learner?.leader || heard.round > this.#round
  }

  #decided(decision: Decision | undefined, now: number): void {
    if (decision === undefined) return
    const { self, port, events, epochs, history, marks, options, links } = this.#setup
    const firstStart = isFirstStart(this.#wait)
    this.#round = decision.round
    this.#vote = decision.vote
    if (decision.vote.leader === self) {
      const leader = new Leader(
        {
          self,
          quorum: this.#quorum,
          port,
          events,
          epochs,
          history,
          marks,
          handoverPause: this.#handoverPause,
          options,
          firstStart,
        },
        now,
      )
      this.#role = { kind: 'leading', leader }
      leader.start()
      for (const [peer, { link, info }] of [...this.#early]) this.#join(leader, peer, link, info, now)
    } else {
      // Also a participant of weight 0 follows without a vote.
      const role = this.#damaged || !this.#quorum.voters.has(self) ? 'observer' : 'participant'
      const link = links.linkTo(decision.vote.leader)
      if (link === undefined) return this.look('the chosen leader is gone')
      const learner = new Learner(
        {
          leader: decision.vote.leader,
          role,
          port,
          events,
          epochs,
          marks,
          options,
          repairing: this.#damaged,
          firstStart,
        },
        history,
        link,
        now,
      )
      this.#role = { kind: 'learning', learner }
      learner.start()
    }
    this.#early.clear()
    this.announce()
  }

  /** Before it is established, a leader waits only for voters that are with it, or that still say they are coming. */
  #isDeserted(leader: Leader): boolean {
    if (leader.established) return false
    const { self } = this.#setup
    const coming = [...this.#heard].filter(
      ([, heard]) =>
        heard.leader === self && !isDamaged(heard) && (heard.role !== 'looking' || heard.round === this.#round),
    )
    const present = [...leader.learners.values()].filter(each => each.votes && !each.fresh)
    return !this.#quorum.isQuorum([self, ...present.map(each => each.peer), ...coming.map(([peer]) => peer)])
  }

  #join(leader: Leader, peer: PeerId, link: LinkId, info: LearnerInfo, now: number): void {
    // A learner that comes twice over one link has lost its place: a new link gives it a new one.
    if (leader.learners.has(peer)) {
      this.#setup.port.disconnect(link, 'a relationship does not outlive its link')
      leader.onUnlinked(peer)
    } else leader.join(peer, link, info, now)
  }

  #notification(): Notification {
    const vote = this.#vote ?? { leader: this.#setup.self, zxid: ZERO, epoch: 0 }
    const epoch = this.#established ? this.epoch : vote.epoch
    return {
      kind: 'notification',
      role: this.name,
      leader: vote.leader,
      zxid: vote.zxid,
      epoch,
      round: this.#round,
      ...this.#standing,
    }
  }
}
