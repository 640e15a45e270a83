/**
 * The leader's second phase, and every later learner's way in: bring its log to the leader's, then NEWLEADER.
 *
 * While history streams from the log, new proposals are not queued for the learner; when the stream has come near the end, the rest goes out
 * of memory and in the same step the learner joins the broadcast: nothing falls between (Z25, Zab-spec-1).
 * Before: leader-discovery.ts. After: leader-broadcast.ts. Zab paper, phase 2; ZooKeeper: LearnerHandler.syncFollower.
 */
import type { OperationNumber, PeerId } from '../../model/ids.js'
import { isAfter, type Zxid } from '../../model/zxid.js'
import type { Leadership } from './leadership.js'
import type { LearnerProgress } from './learner-progress.js'
import { planSync } from './sync-plan.js'

export class LeaderSynchronization {
  readonly #leadership: Leadership
  /** Voters whose disk holds this leader's history and epoch, itself included (Z2). */
  readonly #synced = new Set<PeerId>()
  #saving: OperationNumber | undefined
  /** Whose state is void, and who wait for a checkpoint that covers all of their log: so the snapshot takes nothing away (Z20, Z21). */
  readonly #wantSnapshot = new Set<LearnerProgress>()
  readonly #canSpare: (learner: LearnerProgress) => boolean
  #checkpointing: OperationNumber | undefined

  constructor(leadership: Leadership, canSpare: (learner: LearnerProgress) => boolean) {
    this.#leadership = leadership
    this.#canSpare = canSpare
  }

  start(): void {
    this.#saving = this.#leadership.epochs.adopt(this.#leadership.epoch)
    for (const learner of [...this.#leadership.learners.values()])
      if (learner.stage === 'accepted') this.synchronize(learner)
  }

  /** True when a quorum, this leader included, holds its history. */
  get quorumSynced(): boolean {
    return this.#leadership.quorum.isQuorum(this.#synced)
  }

  onEpochsSaved(op: OperationNumber): void {
    if (op === this.#saving) this.#synced.add(this.#leadership.self)
  }

  synchronize(learner: LearnerProgress): void {
    const { port, history, established } = this.#leadership
    // What is not known to be committed is no observer's business.
    if (!learner.votes && !established) return
    const plan = planSync(history.summary, learner.sent)
    switch (plan.kind) {
      case 'diff':
        if (learner.setAside && established && this.#canSpare(learner)) {
          this.#wantSnapshot.add(learner)
          return
        }
        learner.stage = 'streaming'
        port.send(learner.link, { kind: 'diff', after: plan.after })
        this.#join(learner)
        return
      case 'truncate':
        learner.stage = 'invited'
        port.send(learner.link, { kind: 'truncate', after: plan.after })
        return
      case 'snapshot':
        learner.stage = 'streaming'
        port.sendSnapshot(learner.link, this.#target(learner), learner.votes ? 'proposal' : 'inform')
        return
    }
  }

  onSyncStreamEnded(learner: LearnerProgress, reached: Zxid): void {
    if (learner.stage !== 'streaming') return
    learner.sent = reached
    this.#join(learner)
  }

  /** Asks for a checkpoint once everything is applied that somebody who waits for one has in its log. */
  tick(): void {
    const { port, history } = this.#leadership
    if (this.#checkpointing !== undefined) return
    for (const learner of this.#wantSnapshot) {
      if (isAfter(learner.sent, history.applied)) continue
      this.#checkpointing = port.checkpoint()
      return
    }
  }

  onCheckpointed(op: OperationNumber, zxid: Zxid): void {
    if (op !== this.#checkpointing) return
    this.#checkpointing = undefined
    const { port } = this.#leadership
    for (const learner of [...this.#wantSnapshot]) {
      if (isAfter(learner.sent, zxid)) continue
      this.#wantSnapshot.delete(learner)
      learner.stage = 'streaming'
      port.sendSnapshot(learner.link, this.#target(learner), learner.votes ? 'proposal' : 'inform')
    }
  }

  onAckNewLeader(learner: LearnerProgress): void {
    learner.stage = 'synced'
    learner.acked = learner.syncedAt
    if (learner.votes) this.#synced.add(learner.peer)
  }

  /** A learner that left no longer counts until it has synchronised again. */
  onLearnerGone(peer: PeerId): void {
    this.#synced.delete(peer)
    for (const learner of this.#wantSnapshot) if (learner.peer === peer) this.#wantSnapshot.delete(learner)
  }

  /**
   * An observer knows only what is committed. A write of its clients may have been proposed over an earlier link and not be committed yet:
   * the observer serves only when that is decided, or it would take the write for lost and submit it again.
   */
  activate(learner: LearnerProgress): void {
    const { port, history } = this.#leadership
    if (learner.stage !== 'synced' || (!learner.votes && isAfter(learner.joinedAt, history.committed))) return
    learner.stage = 'active'
    port.send(learner.link, { kind: 'upToDate', committed: history.committed })
  }

  #target(learner: LearnerProgress): Zxid {
    return learner.votes ? this.#leadership.history.last : this.#leadership.history.committed
  }

  #join(learner: LearnerProgress): void {
    const { port, history, epoch } = this.#leadership
    const target = this.#target(learner)
    const rest = history.after(learner.sent)
    if (rest === undefined) {
      port.sendHistory(learner.link, learner.sent, target, learner.votes ? 'proposal' : 'inform')
      return
    }
    for (const proposal of rest) {
      if (isAfter(proposal.zxid, target)) break
      port.send(learner.link, { kind: learner.votes ? 'proposal' : 'inform', proposal })
      learner.sent = proposal.zxid
    }
    learner.syncedAt = learner.sent
    learner.joinedAt = history.last
    learner.stage = 'streamed'
    port.send(learner.link, { kind: 'newLeader', epoch, zxid: learner.syncedAt })
  }
}
