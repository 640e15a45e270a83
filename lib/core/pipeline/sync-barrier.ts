/**
 * Syncs that wait at the leader: answered once everything proposed before is committed and a quorum has confirmed, by a heartbeat sent after
 * the sync arrived, that this peer still leads (C8; stricter than ZooKeeper, whose deposed leader may answer: ZOOKEEPER-2136).
 */
import type { PeerId, SessionId } from '../../model/ids.js'
import { isAtMost, type Zxid } from '../../model/zxid.js'

export interface WaitingSync {
  readonly from: PeerId
  readonly session: SessionId
  readonly cxid: number
  readonly zxid: Zxid
  /** The ping that proves the leadership. */
  readonly proof: number
}

export class SyncBarrier {
  #waiting: WaitingSync[] = []

  get size(): number {
    return this.#waiting.length
  }

  add(sync: WaitingSync): void {
    this.#waiting.push(sync)
  }

  /** Of a session that is somewhere else now. */
  remove(session: SessionId): readonly WaitingSync[] {
    const removed = this.#waiting.filter(each => each.session === session)
    if (removed.length > 0) this.#waiting = this.#waiting.filter(each => each.session !== session)
    return removed
  }

  /** Those that may be answered now, in order of arrival: both bounds only grow along the list. */
  take(committed: Zxid, confirmed: number): readonly WaitingSync[] {
    let count = 0
    for (const sync of this.#waiting) {
      if (sync.proof > confirmed || !isAtMost(sync.zxid, committed)) break
      count += 1
    }
    if (count === 0) return []
    const ready = this.#waiting.slice(0, count)
    this.#waiting = this.#waiting.slice(count)
    return ready
  }
}
