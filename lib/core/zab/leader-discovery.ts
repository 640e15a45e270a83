/**
 * The leader's first phase: choose an epoch that nobody of a quorum has accepted yet, and learn that nobody of a quorum knows more.
 *
 * Always holds: the epoch is sent out only after this peer's own promise of it is durable (Z4); a peer's promise counts once, and only
 * if the peer made it to this leader.
 * Before: election. After: leader-synchronization.ts. Zab paper, phase 1; ZooKeeper: getEpochToPropose, waitForEpochAck.
 */
import type { OperationNumber, PeerId } from '../../model/ids.js'
import { compareZxid, formatZxid, MAX_EPOCH } from '../../model/zxid.js'
import type { Leadership } from './leadership.js'
import type { LearnerProgress } from './learner-progress.js'
import type { AckEpoch } from './messages.js'

export class LeaderDiscovery {
  readonly #leadership: Leadership
  /** Accepted epochs of those the new epoch is computed from. */
  readonly #accepted = new Map<PeerId, number>()
  /** Who has promised the new epoch; by peer, since a promise is durable and outlives the link it came by. */
  readonly #promised = new Set<PeerId>()
  #saving: OperationNumber | undefined
  #epochDurable = false
  #done = false

  constructor(leadership: Leadership) {
    this.#leadership = leadership
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
    this.#promised.add(this.#leadership.self)
    for (const learner of [...this.#leadership.learners.values()]) this.#invite(learner)
    this.#finish()
  }

  /** True when the learner's history may be synchronised. */
  onAckEpoch(learner: LearnerProgress, message: AckEpoch): boolean {
    const { epochs, history } = this.#leadership
    learner.setAside = message.setAside === true
    const newer =
      message.currentEpoch > epochs.current ||
      (message.currentEpoch === epochs.current && compareZxid(message.lastZxid, history.last) > 0)
    // Once established, a longer log of a learner is an uncommitted rest, which is truncated.
    if (!this.#done && learner.votes && newer && message.setAside) {
      // It does not stand for election. If others make a quorum without it, what it has more was never committed; if not, this ends in time.
      learner.stage = 'accepted'
      learner.sent = message.lastZxid
      return true
    }
    if (!this.#done && learner.votes && newer) {
      this.#leadership.stepDown(
        `peer ${learner.peer} knows more: epoch ${message.currentEpoch}, ${formatZxid(message.lastZxid)}`,
      )
      return false
    }
    if (!this.#done && learner.votes && !message.counted && !this.#promised.has(learner.peer)) {
      // It promised this epoch before, and the word of it was lost or went to another: it counts in no quorum, so the next epoch must do.
      this.#leadership.stepDown(`peer ${learner.peer} has promised epoch ${this.#leadership.epoch} before`)
      return false
    }
    learner.stage = 'accepted'
    learner.sent = message.lastZxid
    if (learner.votes && message.counted) this.#promised.add(learner.peer)
    this.#finish()
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

  #finish(): void {
    if (!this.#done && this.#leadership.quorum.isQuorum(this.#promised)) this.#done = true
  }
}
