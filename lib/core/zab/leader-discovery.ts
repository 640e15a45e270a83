/**
 * The leader's first phase: choose an epoch that nobody of a quorum has accepted yet, and learn that nobody of a quorum knows more.
 *
 * Always holds: the epoch is sent out only after this peer's own promise of it is durable (Z4); a peer's promise counts once, only
 * if the peer made it to this leader, and only while the link lives by which it came. Until this leader is established, whoever knows more
 * makes it step down.
 * Before: election. After: leader-synchronization.ts. Zab paper, phase 1; ZooKeeper: getEpochToPropose, waitForEpochAck.
 */
import type { OperationNumber, PeerId } from '../../model/ids.js'
import { compareZxid, formatZxid, MAX_EPOCH } from '../../model/zxid.js'
import type { Leadership } from './leadership.js'
import type { LearnerProgress } from './learner-progress.js'
import type { Liveness } from './liveness.js'
import type { AckEpoch } from './messages.js'

export class LeaderDiscovery {
  readonly #leadership: Leadership
  /** Accepted epochs of those the new epoch is computed from. */
  readonly #accepted = new Map<PeerId, number>()
  readonly #liveness: Liveness
  /** As it was when this leadership began. */
  readonly #currentEpoch: number
  /** The ping that a quorum of those who have promised is to answer. */
  #round: number | undefined
  #saving: OperationNumber | undefined
  #epochDurable = false
  #done = false

  constructor(leadership: Leadership, liveness: Liveness) {
    this.#leadership = leadership
    this.#liveness = liveness
    this.#currentEpoch = leadership.epochs.current
  }

  get done(): boolean {
    return this.#done
  }

  start(): void {
    this.#accepted.set(this.#leadership.self, this.#leadership.epochs.accepted)
    this.#chooseEpoch()
  }

  onLearnerInfo(learner: LearnerProgress): void {
    // No epoch can follow the last one: whoever has promised that, by a defect most likely, must not take the others there.
    if (learner.acceptedEpoch === MAX_EPOCH)
      return this.#leadership.drop(learner, 'it has accepted the last epoch there is')
    if (learner.votes) this.#accepted.set(learner.peer, learner.acceptedEpoch)
    if (this.#epochDurable) this.#invite(learner)
    else this.#chooseEpoch()
  }

  onEpochsSaved(op: OperationNumber): void {
    if (op !== this.#saving) return
    this.#epochDurable = true
    for (const learner of [...this.#leadership.learners.values()]) this.#invite(learner)
    // It may be the only voter.
    this.#done = this.#isQuorum(() => false)
  }

  onPong(now: number): void {
    this.#finish(now)
  }

  /** True when the learner's history may be synchronised. */
  onAckEpoch(learner: LearnerProgress, message: AckEpoch, now: number): boolean {
    const { history, firstStart, established } = this.#leadership
    learner.setAside = message.setAside === true
    // A new or wiped disk: what this voter promised and held before is gone, so its word counts for nothing here (Z29). At the first start it does,
    // unless it says itself that it does not: it decided to follow when it had heard of those whom this leader had taken in already.
    const uncounted = this.#done && !message.counted
    learner.fresh = learner.votes && message.currentEpoch === 0 && (established || !firstStart || uncounted)
    if (!established && learner.votes && !learner.fresh) {
      const newer =
        message.currentEpoch > this.#currentEpoch ||
        (message.currentEpoch === this.#currentEpoch && compareZxid(message.lastZxid, history.last) > 0)
      // One whose state is void does not stand for election. If others make a quorum without it, what it has more was never committed; if not,
      // this ends in time.
      if (newer && !message.setAside) {
        this.#leadership.stepDown(
          `peer ${learner.peer} knows more: epoch ${message.currentEpoch}, ${formatZxid(message.lastZxid)}`,
        )
        return false
      }
      if (!newer && !message.counted && learner.promisedBefore === undefined) {
        // It promised this epoch before, and the word of it was lost or went to another: it counts in no quorum, so the next epoch must do.
        this.#leadership.stepDown(`peer ${learner.peer} has promised epoch ${this.#leadership.epoch} before`)
        return false
      }
      if (!newer && message.counted) learner.promisedBefore = this.#liveness.number + 1
    }
    // Once established, a longer log of a learner is an uncommitted rest, which is truncated.
    learner.stage = 'accepted'
    learner.sent = message.lastZxid
    this.#finish(now)
    return true
  }

  #chooseEpoch(): void {
    const { quorum, epochs } = this.#leadership
    if (this.#saving !== undefined || !quorum.isQuorum(this.#accepted.keys())) return
    const latest = Math.max(...this.#accepted.values())
    if (latest === MAX_EPOCH) return this.#leadership.stepDown('there is no epoch after the last one')
    this.#leadership.epoch = latest + 1
    this.#saving = epochs.accept(this.#leadership.epoch)
  }

  #invite(learner: LearnerProgress): void {
    const { port, epoch, epochs, established, quorum } = this.#leadership
    // An observer promises only to an established leader: then no later leader's epoch is below it, and it has no say in epochs (E5).
    if (!learner.votes && !established) return
    if (learner.acceptedEpoch > epoch) {
      if (!quorum.voters.has(learner.peer)) {
        this.#leadership.drop(learner, `it has accepted epoch ${learner.acceptedEpoch}, and this is epoch ${epoch}`)
        return
      }
      // It has promised a later epoch to a leader that failed: only a new leadership can take it in (or repair it), of an epoch above that.
      epochs.accept(learner.acceptedEpoch)
      this.#leadership.stepDown(`peer ${learner.peer} has accepted epoch ${learner.acceptedEpoch}`)
      return
    }
    learner.stage = 'invited'
    port.send(learner.link, { kind: 'leaderInfo', epoch })
  }

  /**
   * A promise is as good as the disk that it is on. So it is not enough that a quorum has promised, one after another: all of them must hold their promises
   * at one moment, which is when the ping is sent that they answer. From then on nothing of an earlier epoch can be committed, not even with
   * the help of one whose disk is lost after that: it would have to be taken in by an older leader, with a quorum of others that follow it (Z29).
   */
  #finish(now: number): void {
    if (this.#done || !this.#epochDurable) return
    const round = this.#round
    if (round === undefined || !this.#isQuorum(each => each.promisedBefore! <= round)) {
      if (!this.#isQuorum(() => true)) return
      this.#round = this.#liveness.ping(now)
    }
    this.#done = this.#isQuorum(each => each.promisedBefore! <= this.#round! && each.pong >= this.#round!)
  }

  /** Whether this peer and those of the promising learners make a quorum. */
  #isQuorum(which: (learner: LearnerProgress) => boolean): boolean {
    const { self, quorum, learners } = this.#leadership
    const those = [...learners.values()].filter(each => each.promisedBefore !== undefined && which(each))
    return quorum.isQuorum([self, ...those.map(each => each.peer)])
  }
}
