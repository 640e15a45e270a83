/**
 * The leader's third phase: give each txn the next zxid, send it to the voters, and commit in zxid order once a quorum has logged it.
 *
 * Always holds: committed ≤ every zxid in flight; the leader's own vote for a proposal is its log's `logged`, like everybody's (Z15, Z17);
 * nothing is committed before the leadership is established.
 * Before: leader-synchronization.ts. After: learner.ts logs and acks; peer.ts has it applied. Zab paper, phase 3.
 */
import type { PeerId, SessionId } from '../../model/ids.js'
import { invariant } from '../../model/invariant.js'
import type { Proposal } from '../../model/proposal.js'
import type { Txn } from '../../model/txn.js'
import { isAfter, MAX_COUNTER, sameZxid, type Zxid, zxid } from '../../model/zxid.js'
import { committedBy } from '../quorum/committed-by.js'
import type { Leadership } from './leadership.js'
import type { LearnerProgress } from './learner-progress.js'

export class LeaderBroadcast {
  readonly #leadership: Leadership
  readonly #acked = new Map<PeerId, Zxid>()

  constructor(leadership: Leadership) {
    this.#leadership = leadership
  }

  /** A quorum holds the leader's history: all of it is committed. */
  start(): void {
    const { self, history, learners } = this.#leadership
    this.#acked.set(self, history.durable)
    for (const learner of learners.values())
      if (learner.votes && learner.has('synced')) this.#acked.set(learner.peer, learner.acked)
    history.commit(history.last)
  }

  /** The next proposal's zxid; undefined when the counter of this epoch is used up and a new epoch must begin (Z5, ZOOKEEPER-1277). */
  nextZxid(): Zxid | undefined {
    const { epoch, history } = this.#leadership
    const { last } = history
    if (last.epoch !== epoch) return zxid(epoch, 1)
    return last.counter === MAX_COUNTER ? undefined : zxid(epoch, last.counter + 1)
  }

  propose(place: Zxid, session: SessionId, cxid: number, time: number, txn: Txn): void {
    const { history, learners, port } = this.#leadership
    const proposal: Proposal = { zxid: place, previous: history.last, session, cxid, time, txn }
    history.append(proposal)
    port.append([proposal])
    for (const learner of learners.values()) {
      if (!learner.votes || !learner.has('streamed')) continue
      learner.sent = place
      port.send(learner.link, { kind: 'proposal', proposal })
    }
  }

  /** This peer's own log has grown. */
  onLogged(): void {
    this.#acked.set(this.#leadership.self, this.#leadership.history.durable)
    this.#commit()
  }

  /** False when the learner claims what it cannot have. */
  onAck(learner: LearnerProgress, acked: Zxid): boolean {
    if (isAfter(acked, learner.sent) || !isAfter(acked, learner.acked)) return false
    learner.acked = acked
    this.#acked.set(learner.peer, acked)
    this.#commit()
    return true
  }

  onSynced(learner: LearnerProgress): void {
    if (!learner.votes) return
    this.#acked.set(learner.peer, learner.acked)
    this.#commit()
  }

  onLearnerGone(peer: PeerId): void {
    this.#acked.delete(peer)
  }

  #commit(): void {
    const { history, learners, port, quorum, events } = this.#leadership
    const reached = committedBy(quorum, this.#acked)
    if (reached === undefined || !isAfter(reached, history.committed)) return
    const before = history.committed
    history.commit(reached)
    let informs: readonly Proposal[] | undefined
    for (const learner of learners.values()) {
      if (learner.votes) {
        if (learner.stage === 'active') port.send(learner.link, { kind: 'commit', zxid: reached })
      } else if (learner.has('streamed')) {
        informs ??= this.#between(before, reached)
        for (const proposal of informs) port.send(learner.link, { kind: 'inform', proposal })
        learner.sent = reached
      }
    }
    events.advanced()
  }

  #between(after: Zxid, upTo: Zxid): readonly Proposal[] {
    const behind = this.#leadership.history.after(after)
    invariant(behind !== undefined, 'what is committed now was not applied before, so it is in memory')
    const end = behind.findIndex(proposal => sameZxid(proposal.zxid, upTo))
    return behind.slice(0, end + 1)
  }
}
