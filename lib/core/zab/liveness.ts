/**
 * The leader's heartbeat: a ping every half tick to every learner, and whenever a sync needs a proof of leadership.
 * A quorum of pongs to ping n proves that this peer was still the leader of its epoch after n was sent (C8, C14): all syncs that
 * arrived before n are answered by it. One round is under way at a time; syncs that come meanwhile share the next (ZOOKEEPER-2136).
 */
import type { PeerId } from '../../model/ids.js'
import type { Leadership } from './leadership.js'

export class Liveness {
  readonly #leadership: Leadership
  readonly #intervalMs: number
  #number = 0
  #nextAt: number
  #confirmed = 0
  /** Somebody waits for a round that begins after the one under way. */
  #wanted = false
  /** When a quorum was last known to be there: the time at which the ping that it has answered was sent. */
  #quorumAt: number
  /** Of the pings that no quorum has answered. */
  readonly #sentAt = new Map<number, number>()

  constructor(leadership: Leadership, tickMs: number, now: number) {
    this.#leadership = leadership
    this.#intervalMs = tickMs / 2
    this.#nextAt = now
    this.#quorumAt = now
  }

  get nextAt(): number {
    return this.#nextAt
  }

  /** The number of the last ping that a quorum has answered. */
  get confirmed(): number {
    return this.#confirmed
  }

  /** Of the last ping sent. */
  get number(): number {
    return this.#number
  }

  /** The number of the round that will prove leadership from now on. */
  proof(now: number): number {
    if (this.#confirmed === this.#number) return this.ping(now)
    this.#wanted = true
    return this.#number + 1
  }

  tick(now: number): void {
    if (now >= this.#nextAt) this.ping(now)
  }

  onPong(now: number): void {
    this.#count(now)
  }

  /**
   * For how long no quorum has been known to follow. Counted from the ping, not from its answers: those may have waited unread while this
   * process stood still, and say nothing of the time since (C14, Z24).
   */
  silentMs(now: number): number {
    return now - this.#quorumAt
  }

  /** Begins a round now; its number. */
  ping(now: number): number {
    this.#number += 1
    this.#sentAt.set(this.#number, now)
    this.#wanted = false
    this.#nextAt = now + this.#intervalMs
    const { learners, port, events } = this.#leadership
    events.touched(events.takeTouches(this.#number))
    for (const learner of learners.values()) {
      port.send(learner.link, { kind: 'ping', number: this.#number, heard: Math.min(learner.pong, this.#confirmed) })
    }
    const number = this.#number
    this.#count(now)
    return number
  }

  #count(now: number): void {
    const { learners, quorum, self, events } = this.#leadership
    const pongs: number[] = []
    const answered = (number: number): PeerId[] => {
      const peers: PeerId[] = [self]
      for (const learner of learners.values()) if (learner.counts && learner.pong >= number) peers.push(learner.peer)
      return peers
    }
    for (const learner of learners.values()) if (learner.counts) pongs.push(learner.pong)
    pongs.push(this.#number)
    for (const number of pongs.sort((a, b) => b - a)) {
      if (number <= this.#confirmed) break
      if (!quorum.isQuorum(answered(number))) continue
      this.#confirmed = number
      for (const [sent, at] of this.#sentAt) {
        if (sent > number) break
        this.#quorumAt = at
        this.#sentAt.delete(sent)
      }
      events.pinged(number)
      if (this.#wanted && this.#confirmed === this.#number) this.ping(now)
      return
    }
  }
}
