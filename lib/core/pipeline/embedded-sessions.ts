/**
 * Keeps the sessions of clients in this process alive: the peer touches them with every pong (on the leader, at every ping), and holds a lease on
 * each that ends before the leader can expire the session (S2). Touches of other clients go the same way.
 * Before: attachments.ts. After: zab/learner.ts puts the touches into pongs; session/local-leases.ts counts.
 */
import type { SessionId } from '../../model/ids.js'
import { LocalLeases } from '../session/local-leases.js'
import { Touches } from '../session/touches.js'
import type { AttachedClient } from './clients.js'

export class EmbeddedSessions {
  readonly touches = new Touches()
  readonly #leases = new LocalLeases()

  /** Its session is created, or goes on here. */
  attached({ attachment, session, timeoutMs, since }: AttachedClient): void {
    if (attachment.embedded) this.#leases.hold(session, timeoutMs, since)
  }

  left(session: SessionId): void {
    this.#leases.release(session)
  }

  /** Sessions to report as alive with this pong, or at this ping. */
  take(ping: number, clients: readonly AttachedClient[], now: number): readonly SessionId[] {
    const embedded = clients
      .filter(each => each.attached && !each.local && each.attachment.embedded)
      .map(each => each.session)
    for (const session of embedded) this.touches.touch(session)
    this.#leases.sent(ping, embedded, now)
    return this.touches.take()
  }

  confirmed(ping: number): void {
    this.#leases.confirmed(ping)
  }

  /** The link to the leader is gone; leases run on. */
  unlinked(): void {
    this.#leases.unlinked()
  }

  lost(now: number): readonly SessionId[] {
    return this.#leases.lost(now)
  }

  get nextAt(): number {
    return this.#leases.nextDeadline() ?? Number.POSITIVE_INFINITY
  }
}
