/**
 * The state machine that the ensemble replicates, as this peer has it: tree and sessions (replica.ts), and what is known of them here alone: how long ago
 * data came, and digests on the way.
 *
 * Always holds: it changes by committed txns, in their order, or is replaced as a whole; what is not as whole as its digest says serves nobody.
 * Before: peer.ts says when. After: operations/apply-txn.ts; tree/lifetime-ages.ts and zab/state-marks.ts keep account.
 */
import { sameDigest } from '../model/digest.js'
import type { EnsembleConfig } from '../model/ensemble-config.js'
import { ZooKeeperError } from '../model/errors.js'
import type { Proposal } from '../model/proposal.js'
import type { ReplicaImage } from '../model/replica-image.js'
import { sameZxid, ZERO } from '../model/zxid.js'
import { configText } from './membership/config-text.js'
import { type Applied, applyTxn } from './operations/apply-txn.js'
import { Replica } from './replica.js'
import { LifetimeAges } from './tree/lifetime-ages.js'
import { StateMarks } from './zab/state-marks.js'

export const NOT_WHOLE = 'the tree is not the one its digest was made of: something is missing, stale or false'

export class StateMachine {
  readonly marks: StateMarks
  readonly ages: LifetimeAges
  readonly #config: EnsembleConfig
  #replica: Replica

  /** From the disk. @param markEvery see state-marks.ts. */
  constructor(image: ReplicaImage, config: EnsembleConfig, markEvery: number, now: number) {
    const replica = whole(image)
    if (replica === undefined) throw new ZooKeeperError('DATA_CORRUPT', NOT_WHOLE)
    this.#config = config
    this.#replica = replica
    this.#showConfig()
    this.ages = new LifetimeAges(replica.tree, now)
    this.marks = new StateMarks(markEvery)
  }

  /** Of this moment: a snapshot replaces the object. */
  get replica(): Replica {
    return this.#replica
  }

  apply(proposal: Proposal, now: number): Applied {
    const applied = applyTxn(this.#replica, proposal)
    this.ages.applied(applied.changes, this.#replica.tree, now)
    this.marks.applied(proposal.zxid, () => this.#replica.digest)
    return applied
  }

  /** A snapshot takes its place. False for one that is not whole, and nothing has changed. */
  replace(image: ReplicaImage, now: number): boolean {
    const replica = whole(image)
    if (replica === undefined) return false
    this.#replica = replica
    this.#showConfig()
    this.ages.replaced(replica.tree, now)
    this.marks.replaced()
    return true
  }

  /** In every tree that this peer takes over, whatever was in it. */
  #showConfig(): void {
    this.#replica.tree.showConfig(configText(this.#config), this.#config.version)
  }
}

/** Checksums of single entries cannot prove that nothing is missing. A new store has no digest yet. */
function whole(image: ReplicaImage): Replica | undefined {
  const replica = Replica.from(image)
  return sameZxid(image.zxid, ZERO) || sameDigest(replica.digest, image.digest) ? replica : undefined
}
