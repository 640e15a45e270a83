/**
 * The leader compares states (Z31): each learner reports the digest after its last mark, and whoever differs is not left to serve.
 *
 * - A learner that differs stops serving at once. It goes on to log and acknowledge: its log has checksums of its own, its state is what is wrong.
 * - Once a quorum agrees with the leader, and more voters than contradict it, it is judged: its state is void. As soon as a quorum does without
 *   it, it is sent away to come back for a snapshot (leader-synchronization.ts).
 * - A leader that more voters contradict than confirm is itself the one that differs: it steps down, and needs a snapshot.
 *
 * Who is right is asked by heads, whatever they weigh: a weight says how much a member's log is needed, not how likely its memory errs. What follows from it
 * must leave a quorum, by weight. An agreement counts only from the disputed mark on: who agreed before may differ since. One against one decides nothing; both
 * are right as far as anybody knows, and the leader goes on alone until a third speaks. Whom no quorum can do without serves nobody, and its log goes on to count.
 * A learner of an earlier release says nothing of the znodes below `/zookeeper/`, and is compared in the rest.
 * Before: pongs. After: message `diverged`; learner.ts. Source: architecture §4; etcd's corruption check has the same purpose.
 */
import { type StateMark, sameDigest } from '../../model/digest.js'
import type { PeerId } from '../../model/ids.js'
import { formatZxid, isAtMost, type Zxid } from '../../model/zxid.js'
import type { Leadership } from './leadership.js'
import type { LearnerProgress } from './learner-progress.js'

export class Divergence {
  readonly #leadership: Leadership

  constructor(leadership: Leadership) {
    this.#leadership = leadership
  }

  /** A learner reports its last mark. Marks that this peer no longer has, or has not reached yet, say nothing. */
  onMark(learner: LearnerProgress, mark: StateMark): void {
    const { marks, established } = this.#leadership
    const own = marks.at(mark.zxid)
    // Of a state that is known to be wrong nothing more can be learnt.
    if (!established || own === undefined || learner.stage !== 'active' || learner.setAside) return
    if (sameDigest(own, mark.digest)) {
      learner.agreedAt = mark.zxid
      if (learner.differsAt !== undefined) {
        this.#leadership.drop(learner, 'its state is the same again')
        return
      }
    } else if (learner.differsAt === undefined) {
      learner.differsAt = mark.zxid
      learner.agreedAt = undefined
      this.#tell(learner, mark.zxid, false)
    }
    this.#judge()
  }

  /** Learners whose state is void leave as soon as they can be spared; they come back for a snapshot. */
  tick(): void {
    for (const learner of this.#leadership.learners.values()) {
      if (learner.setAside && learner.stage === 'active' && this.canSpare(learner))
        this.#leadership.drop(learner, 'its state differs: it gets a snapshot')
    }
  }

  /** Whether a quorum holds the leader's history without it, and without the others whose state is void. */
  canSpare(learner: LearnerProgress): boolean {
    const { quorum, self, learners } = this.#leadership
    const others = [...learners.values()].filter(
      each => each !== learner && each.votes && each.has('synced') && !each.setAside,
    )
    return quorum.isQuorum([self, ...others.map(each => each.peer)])
  }

  #judge(): void {
    const { learners, port, marks, events, quorum, self } = this.#leadership
    const voters = [...learners.values()].filter(each => each.votes && !each.setAside)
    const against = voters.filter(each => each.differsAt !== undefined)
    const agreeing = (from: Zxid): PeerId[] => {
      const others = voters.filter(each => each.agreedAt !== undefined && isAtMost(from, each.agreedAt))
      return [self, ...others.map(each => each.peer)]
    }
    const disputed = against.map(each => each.differsAt!)
    if (against.length > 1 && disputed.every(from => against.length > agreeing(from).length)) {
      const peers = against.map(each => each.peer).join(', ')
      port.report('error', `the state of this leader is not that of peers ${peers}: it is set aside`)
      marks.setAside()
      events.diverged()
      this.#leadership.stepDown('its state differs from the majority')
      return
    }
    const isBelieved = (peers: readonly PeerId[]): boolean =>
      quorum.isQuorum(peers) && peers.length > against.length && (peers.length > 1 || quorum.voters.size === 1)
    for (const learner of [...learners.values()]) {
      const from = learner.differsAt
      if (from === undefined || learner.setAside || !isBelieved(agreeing(from))) continue
      learner.setAside = true
      this.#tell(learner, from, true)
    }
    this.tick()
  }

  #tell(learner: LearnerProgress, at: Zxid, judged: boolean): void {
    const { port } = this.#leadership
    port.report(
      'error',
      `the state of peer ${learner.peer} differs at ${formatZxid(at)}${judged ? ': it is set aside' : ''}`,
    )
    port.send(learner.link, { kind: 'diverged', zxid: at, judged })
  }
}
