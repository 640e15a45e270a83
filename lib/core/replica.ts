/**
 * The replicated state of one peer as one value: tree and sessions after the txn `zxid`. Equal txns give equal replicas (Z26);
 * `digest` says so in 64 bits: the sum of the stat digest, the ACL digest and the sessions' digest. Beside it, in 64 more, stands that of the
 * znodes below `/zookeeper/`: apart, since releases before it are to be compared with, on disks and over links.
 * Changed by operations/apply-txn alone. An image or the changes are taken between two txns, so both are whole (Z27).
 */
import { addDigests, type StateDigest } from '../model/digest.js'
import { invariant } from '../model/invariant.js'
import type { ReplicaChanges, ReplicaImage } from '../model/replica-image.js'
import type { Znode } from '../model/znode.js'
import { isAtMost, ZERO, type Zxid } from '../model/zxid.js'
import { SessionTable } from './session/session-table.js'
import { DataTree } from './tree/data-tree.js'

export class Replica {
  readonly tree: DataTree
  readonly sessions: SessionTable
  #zxid: Zxid
  #time: number

  constructor(tree: DataTree, sessions: SessionTable, zxid: Zxid, time: number) {
    this.tree = tree
    this.sessions = sessions
    this.#zxid = zxid
    this.#time = time
  }

  /** The system znodes, no session, no history. */
  static empty(): Replica {
    return new Replica(new DataTree(), new SessionTable(), ZERO, 0)
  }

  /**
   * From the disk or another peer. Reads the iterables at once. Whether the image is what it claims to be is the caller's
   * question: compare `image.digest` with `digest`.
   */
  static from(image: ReplicaImage): Replica {
    return new Replica(new DataTree(image.nodes), new SessionTable(image.sessions), image.zxid, image.time)
  }

  /** The last txn applied. */
  get zxid(): Zxid {
    return this.#zxid
  }

  /** Its time, wall-clock milliseconds: no later txn is stamped earlier. */
  get time(): number {
    return this.#time
  }

  get digest(): StateDigest {
    const { statDigest, aclDigest, systemDigest } = this.tree
    return { ...addDigests(addDigests(statDigest, aclDigest), this.sessions.digest), system: systemDigest }
  }

  /** The txn has been applied, in full. */
  applied(zxid: Zxid, time: number): void {
    invariant(!isAtMost(zxid, this.#zxid), 'txns are applied in order, each once')
    this.#zxid = zxid
    this.#time = Math.max(this.#time, time)
  }

  /** What changed since the last call, for the next checkpoint. */
  captureChanges(): ReplicaChanges {
    return {
      zxid: this.#zxid,
      time: this.#time,
      digest: this.digest,
      nodes: this.tree.captureDirty(),
      sessions: this.sessions.captureDirty(),
    }
  }

  /** This moment, whatever is applied while it is read. Costs one copy of the references, not of the znodes. */
  image(): ReplicaImage {
    const nodes = new Map<string, Znode>(this.tree.entries())
    const sessions = [...this.sessions.all()]
    return { zxid: this.#zxid, time: this.#time, digest: this.digest, nodes, sessions }
  }
}
