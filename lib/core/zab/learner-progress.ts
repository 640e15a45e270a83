import type { MemberRole } from '../../model/ensemble-config.js'
import type { LinkId, PeerId } from '../../model/ids.js'
import type { Zxid } from '../../model/zxid.js'
import { ZERO } from '../../model/zxid.js'

/**
 * How far a learner has come, in order:
 * joined (learnerInfo) → invited (leaderInfo sent) → accepted (ackEpoch) → streaming (history on its way) →
 * streamed (NEWLEADER sent; from here on it receives every proposal, Z25) → synced (it has acknowledged NEWLEADER) → active (UPTODATE sent).
 */
export type LearnerStage = 'joined' | 'invited' | 'accepted' | 'streaming' | 'streamed' | 'synced' | 'active'

const order: readonly LearnerStage[] = ['joined', 'invited', 'accepted', 'streaming', 'streamed', 'synced', 'active']

/** One learner of one leadership, over one link: gone with either. */
export class LearnerProgress {
  readonly peer: PeerId
  readonly link: LinkId
  readonly role: MemberRole
  readonly acceptedEpoch: number
  stage: LearnerStage = 'joined'
  /** The end of its log, as far as the leader knows: its own word, then what was streamed and broadcast to it. */
  sent: Zxid = ZERO
  /** What it has said to be durable; meaningful from `synced` on. */
  acked: Zxid = ZERO
  /** The history it must hold to acknowledge NEWLEADER. */
  syncedAt: Zxid = ZERO
  /** The leader's last proposal when it joined the broadcast: a write that came from it over an earlier link is at or before it. */
  joinedAt: Zxid = ZERO
  /** Monotonic time of its last message, and the last ping it answered. */
  heardAt: number
  pong = 0
  /** The last mark at which its state was the leader's, and the first at which it was not (Z31). */
  agreedAt: Zxid | undefined
  differsAt: Zxid | undefined
  /** The first ping sent after it had promised this epoch over this link; undefined when it has not. */
  promisedBefore: number | undefined
  /** Its disk is fresh, and what it says counts for nothing; until it has this leader's history (Z29). */
  fresh = false
  /** The ping whose answers prove, to a fresh one, that this peer leads after it came. */
  proof: number | undefined
  /** Its state is void: it logs and acknowledges, serves nobody, and gets a snapshot when a quorum can do without it. */
  setAside = false

  constructor(peer: PeerId, link: LinkId, role: MemberRole, acceptedEpoch: number, now: number) {
    this.peer = peer
    this.link = link
    this.role = role
    this.acceptedEpoch = acceptedEpoch
    this.heardAt = now
  }

  get votes(): boolean {
    return this.role === 'participant'
  }

  /** Whether its answers say that it follows this leader. */
  get counts(): boolean {
    return this.votes && !this.fresh && this.has('accepted')
  }

  has(stage: LearnerStage): boolean {
    return order.indexOf(this.stage) >= order.indexOf(stage)
  }
}
