/**
 * One election, from looking to a decision. Peers exchange votes in rounds and converge on the best vote they have heard of.
 *
 * Always holds: the round never decreases, a lower round's vote is never adopted, a higher round's clears the tally (E2); the own vote is
 * what this peer's disk says (E6); it decides only for a candidate that a quorum backs and that was itself heard (E3, E4).
 * It may wait for a better vote for a while (finalizeWaitMs), unless every voter with a live link has voted the same in this round: then
 * nobody is left to be waited for. A damaged voter listens like an observer: it never proposes itself, and nobody counts what it says (E7).
 * So does one that has never taken a leader's history (a new or wiped disk), unless all voters are at their first start (Z29).
 * Before: roles.ts starts one. After: zab/leader.ts or zab/learner.ts. ZooKeeper: FastLeaderElection.lookForLeader.
 */
import type { PeerId } from '../../model/ids.js'
import type { ProtocolOptions } from '../protocol-options.js'
import type { Quorum } from '../quorum/quorum.js'
import type { Notification } from '../zab/messages.js'
import { BallotBox } from './ballot-box.js'
import type { DiskStanding } from './first-start.js'
import { Patience } from './patience.js'
import { isBetter, sameVote, type Vote } from './vote.js'

export interface ElectionPort {
  /** To every linked member. */
  announce(notification: Notification): void
  reply(to: PeerId, notification: Notification): void
  /** Members with a live link. */
  linked(): Iterable<PeerId>
}

export interface Decision {
  readonly vote: Vote
  readonly round: number
}

/** What this voter says of its disk, and whether everybody is at the first start (roles.ts). */
export interface Standing {
  readonly own: DiskStanding
  isFirstStart(): boolean
}

const EVERYBODY_COUNTS: Standing = { own: {}, isFirstStart: () => false }

export class FastLeaderElection {
  readonly #self: PeerId
  readonly #quorum: Quorum
  readonly #port: ElectionPort
  readonly #options: ProtocolOptions
  readonly #repairing: boolean
  readonly #standing: Standing
  readonly #ownVote: Vote
  /** Votes of this round, looking or not. */
  readonly #ballots: BallotBox
  /** What peers outside an election say, of any round: how a newcomer finds an established leader. */
  readonly #established: BallotBox
  /** Who said last that its disk is being repaired, or that it is fresh: a vote for it is of the time before. */
  readonly #underRepair = new Set<PeerId>()
  readonly #fresh = new Set<PeerId>()
  readonly #patience: Patience
  #round: number
  #vote: Vote
  /** When the wait for a better vote ends; undefined while no quorum backs the present one. */
  #finalizeAt: number | undefined

  constructor(
    setup: {
      self: PeerId
      quorum: Quorum
      port: ElectionPort
      options: ProtocolOptions
      repairing?: boolean
      standing?: Standing
    },
    ownVote: Vote,
    round: number,
    now: number,
  ) {
    this.#self = setup.self
    this.#quorum = setup.quorum
    this.#port = setup.port
    this.#options = setup.options
    this.#repairing = setup.repairing ?? false
    this.#standing = setup.standing ?? EVERYBODY_COUNTS
    this.#ownVote = ownVote
    this.#vote = ownVote
    this.#round = round
    this.#ballots = new BallotBox(setup.quorum)
    this.#established = new BallotBox(setup.quorum)
    this.#patience = new Patience(setup.options.notificationMinMs, setup.options.notificationMaxMs, now)
  }

  /** May change while it lasts: the last voter of a first start is heard. */
  get #votes(): boolean {
    return this.#quorum.voters.has(this.#self) && !this.#repairing && this.#counts(this.#standing.own)
  }

  get round(): number {
    return this.#round
  }

  /** The first word of an election. */
  start(now: number): Decision | undefined {
    this.#announce()
    return this.#decide(now)
  }

  /** What this peer says of itself at this moment. */
  notification(): Notification {
    const { leader, zxid, epoch } = this.#vote
    const role = this.#repairing ? 'repairing' : 'looking'
    return { kind: 'notification', role, leader, zxid, epoch, round: this.#round, ...this.#standing.own }
  }

  onNotification(from: PeerId, heard: Notification, now: number): Decision | undefined {
    if (heard.role === 'repairing') this.#underRepair.add(from)
    else this.#underRepair.delete(from)
    if (heard.fresh) this.#fresh.add(from)
    else this.#fresh.delete(from)
    if (!this.#quorum.voters.has(from) || heard.role === 'repairing') {
      this.#ballots.remove(from)
      this.#established.remove(from)
      // An observer, or a voter under repair, asks: a voter tells it, and counts nothing (E5, E7).
      if (this.#votes && (heard.role === 'looking' || heard.role === 'repairing')) {
        this.#port.reply(from, this.notification())
      }
      return undefined
    }
    if (!this.#quorum.voters.has(heard.leader)) return undefined
    return heard.role === 'looking' ? this.#onLooking(from, heard, now) : this.#onSettled(from, heard, now)
  }

  /** A new link: the other side has not heard this vote. */
  onLinked(peer: PeerId, now: number): Decision | undefined {
    this.#port.reply(peer, this.notification())
    return this.#decide(now)
  }

  /** One voter fewer to wait for; what it said stands. */
  onUnlinked(peer: PeerId, now: number): Decision | undefined {
    this.#established.remove(peer)
    return this.#decide(now)
  }

  tick(now: number): Decision | undefined {
    if (this.#patience.ended(now)) {
      if (this.#isAbsent()) this.#beginAnew()
      this.#announce()
    }
    return this.#decide(now)
  }

  /** A quorum backs somebody who does not stand, and will not in this round: there is no link to him, he is under repair, or he has nothing yet. */
  #isAbsent(): boolean {
    const { leader } = this.#vote
    if (leader === this.#self || this.#candidateHeard()) return false
    const hasNothing = this.#fresh.has(leader) && !this.#standing.isFirstStart()
    if ([...this.#port.linked()].includes(leader) && !this.#underRepair.has(leader) && !hasNothing) return false
    return this.#quorum.isQuorum(this.#backers())
  }

  #beginAnew(): void {
    this.#round += 1
    this.#vote = this.#ownVote
    this.#ballots.clear()
    this.#finalizeAt = undefined
  }

  get nextAt(): number {
    return Math.min(this.#patience.endsAt, this.#finalizeAt ?? Number.POSITIVE_INFINITY)
  }

  #onLooking(from: PeerId, heard: Notification, now: number): Decision | undefined {
    this.#established.remove(from)
    if (heard.round < this.#round) {
      // Only a voter's round concerns others; who does not vote would be answered in turn, without an end.
      if (this.#votes) this.#port.reply(from, this.notification())
      return undefined
    }
    // What this peer has it knows itself: another's vote for it may be of the time before its disk was lost.
    const forSelf = heard.leader === this.#self
    if (heard.round > this.#round) {
      this.#round = heard.round
      this.#ballots.clear()
      this.#vote = !forSelf && (isBetter(heard, this.#ownVote) || !this.#votes) ? voteOf(heard) : this.#ownVote
      this.#finalizeAt = undefined
      this.#announce()
    } else if (!forSelf && isBetter(heard, this.#vote)) {
      this.#vote = voteOf(heard)
      this.#finalizeAt = undefined
      this.#announce()
    }
    this.#ballots.put(from, heard)
    return this.#decide(now)
  }

  #onSettled(from: PeerId, heard: Notification, now: number): Decision | undefined {
    if (heard.round === this.#round) this.#ballots.put(from, heard)
    this.#established.put(from, heard)
    const backers = this.#established.agreeing(
      each => this.#counts(each) && each.leader === heard.leader && each.epoch === heard.epoch,
    )
    const leads = heard.leader !== this.#self && this.#established.get(heard.leader)?.role === 'leading'
    if (leads && this.#quorum.isQuorum(backers)) {
      // Their round may be older than this one; ours never goes back (E2). Who joins compares leader and epoch, not rounds.
      this.#round = Math.max(this.#round, heard.round)
      this.#vote = voteOf(heard)
      return { vote: this.#vote, round: this.#round }
    }
    return this.#decide(now)
  }

  #decide(now: number): Decision | undefined {
    const backers = this.#backers()
    if (!this.#quorum.isQuorum(backers) || !this.#candidateHeard()) {
      this.#finalizeAt = undefined
      return undefined
    }
    this.#finalizeAt ??= now + this.#options.finalizeWaitMs
    if (now < this.#finalizeAt && !this.#everybodyAgrees(backers)) return undefined
    return { vote: this.#vote, round: this.#round }
  }

  #backers(): PeerId[] {
    const backers = this.#ballots.agreeing(each => this.#counts(each) && sameVote(each, this.#vote))
    if (this.#votes) backers.push(this.#self)
    return backers
  }

  /** The candidate is this peer, or has said in this round that it votes for itself or leads (E3). */
  #candidateHeard(): boolean {
    const { leader } = this.#vote
    if (leader === this.#self) return this.#votes
    return this.#ballots.get(leader)?.leader === leader
  }

  #everybodyAgrees(backers: readonly PeerId[]): boolean {
    for (const peer of this.#port.linked()) if (this.#quorum.voters.has(peer) && !backers.includes(peer)) return false
    return true
  }

  #counts({ fresh }: DiskStanding): boolean {
    return !fresh || this.#standing.isFirstStart()
  }

  #announce(): void {
    this.#port.announce(this.notification())
  }
}

function voteOf({ leader, zxid, epoch }: Notification): Vote {
  return { leader, zxid, epoch }
}
