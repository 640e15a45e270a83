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
import type { Liveness } from './liveness.js'
import { planSync } from './sync-plan.js'

export class LeaderSynchronization {
  readonly #leadership: Leadership
  /** Voters whose disk holds this leader's history and epoch, itself included (Z2). */
  readonly #synced = new Set<PeerId>()
  #saving: OperationNumber | undefined
  /** Whose state is void, and who wait for a checkpoint that covers all of their log: so the snapshot takes nothing away (Z20, Z21). */
  readonly #wantSnapshot = new Set<LearnerProgress>()
  /** Whose disks are fresh, and who wait for an established leader that a quorum of others follows after they came (Z29). */
  readonly #fresh = new Set<LearnerProgress>()
  readonly #liveness: Liveness
  readonly #canSpare: (learner: LearnerProgress) => boolean
  #checkpointing: OperationNumber | undefined

  constructor(leadership: Leadership, liveness: Liveness, canSpare: (learner: LearnerProgress) => boolean) {
    this.#leadership = leadership
    this.#liveness = liveness
    this.#canSpare = canSpare
  }

  start(): void {
    this.#adopt()
    for (const learner of [...this.#leadership.learners.values()])
      if (learner.stage === 'accepted') this.synchronize(learner)
  }

  /** True when a quorum, this leader included, holds its history. */
  get quorumSynced(): boolean {
    return this.#leadership.quorum.isQuorum(this.#synced)
  }

  /**
   * A quorum comes about as soon as somebody has been sent all of the history, which takes as long as it takes: a snapshot can be large. Whatever this
   * leader's own disk had to do for it is done.
   */
  get streaming(): boolean {
    const { self, quorum, learners } = this.#leadership
    if (this.#saving !== undefined && !this.#synced.has(self)) return false
    const coming = [...learners.values()].filter(each => each.promisedBefore !== undefined && each.has('streaming'))
    return coming.some(each => each.stage === 'streaming') && quorum.isQuorum([self, ...coming.map(each => each.peer)])
  }

  onEpochsSaved(op: OperationNumber): void {
    if (op === this.#saving) this.#synced.add(this.#leadership.self)
  }

  synchronize(learner: LearnerProgress): void {
    // What is not known to be committed is no observer's business.
    if (!learner.votes && !this.#leadership.established) return
    if (learner.fresh) this.#fresh.add(learner)
    else this.#begin(learner)
  }

  #begin(learner: LearnerProgress): void {
    const { port, history, established } = this.#leadership
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

  tick(now: number): void {
    if (this.#leadership.established) this.#beginFresh(now)
    this.#beginCheckpoint()
  }

  /**
   * One that has forgotten its promises must not help a leader that is one no more: those who follow this one are asked again, now. It does not count
   * among them.
   */
  #beginFresh(now: number): void {
    for (const learner of [...this.#fresh]) {
      learner.proof ??= this.#liveness.proof(now)
      if (this.#liveness.confirmed < learner.proof) continue
      this.#fresh.delete(learner)
      this.#begin(learner)
    }
  }

  /** Asks for a checkpoint once everything is applied that somebody who waits for one has in its log. */
  #beginCheckpoint(): void {
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
    learner.fresh = false
    // A promise that counts comes first: who has promised the same epoch to another must not make two leaders of it.
    if (learner.promisedBefore !== undefined) this.#synced.add(learner.peer)
    this.#adopt()
  }

  /** A learner that left no longer counts until it has synchronised again. */
  onLearnerGone(peer: PeerId): void {
    this.#synced.delete(peer)
    for (const waiting of [this.#wantSnapshot, this.#fresh])
      for (const learner of waiting) if (learner.peer === peer) waiting.delete(learner)
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

  /** An origin stays one until the others hold what it has: if all break off before, it can begin again (Z29). */
  #adopt(): void {
    const { epochs, epoch, quorum, self } = this.#leadership
    if (this.#saving !== undefined || (epochs.origin && !quorum.isQuorum([...this.#synced, self]))) return
    this.#saving = epochs.adopt(epoch)
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
