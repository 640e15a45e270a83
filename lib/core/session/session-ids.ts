/**
 * Makes the ids of the sessions that begin at this peer. 64 bits, in ZooKeeper's layout:
 *
 *   8 bits peer id | 40 bits from the wall clock at start (ms) | 16 bits counter, carrying upwards
 *
 * of which the clock gives all but its lowest 8 bits (steps of 256 ms), and a random number fills 23 of the 24 bits below.
 * Why ids are unique (S1): peers differ in the top byte, so equal clocks of other peers do not matter. Within one life the
 * 56 bits count up. A later life starts in a later step of the clock; it would meet an earlier one only after 2²³ sessions in
 * 256 ms (the highest of the 24 bits starts clear, which leaves that room). Only a clock that lands in the very same step
 * again (set back, or a restart within 256 ms) leaves it to chance: (sessions of both lives) / 2²³; and then `isTaken` still
 * keeps a live session from being met. What remains is an id of a dead session, whose password nobody's session has.
 * The clock's 40 bits come round after 34.8 years. ZooKeeper: SessionTrackerImpl.initializeNextSessionId.
 */

import { isPeerId, type PeerId, type SessionId } from '../../model/ids.js'
import { invariant } from '../../model/invariant.js'
import type { Random } from '../random.js'

/** ZooKeeper marks containers by this owner. Zero cannot come up: the top byte is a peer id. */
const CONTAINER_MARK = '8000000000000000'

export class SessionIds {
  readonly #prefix: string
  /** The 56 bits below the peer id, as 24 + 32. */
  #high: number
  #low: number

  /** @param wall milliseconds since 1970, read once, when this peer's life begins. */
  constructor(peer: PeerId, wall: number, random: Random) {
    invariant(isPeerId(peer), 'a session id begins with a peer id')
    const step = Math.floor(wall / 256) >>> 0
    this.#prefix = peer.toString(16).padStart(2, '0')
    this.#high = step >>> 8
    this.#low = (((step & 0xff) << 24) | (random.uint32() & 0x7fffff)) >>> 0
  }

  /** @param isTaken true for every session that lives or is about to. */
  next(isTaken: (session: SessionId) => boolean): SessionId {
    for (;;) {
      const session = this.#prefix + hex(this.#high, 6) + hex(this.#low, 8)
      this.#advance()
      if (session !== CONTAINER_MARK && !isTaken(session as SessionId)) return session as SessionId
    }
  }

  #advance(): void {
    this.#low = (this.#low + 1) >>> 0
    if (this.#low === 0) this.#high = (this.#high + 1) & 0xffffff
  }
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0')
}
