/**
 * A learner's station: requests go to the leader as they are; the answer comes back as a committed proposal (await-commit), or as one of the few
 * messages that are no txn. Order is the link's.
 */
import type { LinkId } from '../../model/ids.js'
import { LIFETIMES_SINCE, LOCAL_SESSIONS_SINCE } from '../../model/peer-protocol.js'
import type { Request } from '../../model/request.js'
import type { Outbox } from '../outbox.js'
import type { Touches } from '../session/touches.js'
import type { ForwardedRequest, Revalidate } from '../zab/messages.js'
import type { Submission } from './submission.js'

export class ForwardStation implements Submission {
  readonly #outbox: Outbox
  readonly #link: LinkId
  readonly #protocol: number
  readonly #touches: Touches

  constructor(outbox: Outbox, link: LinkId, protocol: number, touches: Touches) {
    this.#outbox = outbox
    this.#link = link
    this.#protocol = protocol
    this.#touches = touches
  }

  understands(request: Request, local: boolean): boolean {
    if (local && this.#protocol < LOCAL_SESSIONS_SINCE) return false
    return this.#protocol >= LIFETIMES_SINCE || !isOfLifetimes(request)
  }

  submit(request: ForwardedRequest): void {
    this.#outbox.send(this.#link, request)
  }

  revalidate(request: Revalidate): void {
    this.#outbox.send(this.#link, request)
  }

  /** Reported with the next pong. */
  touch(session: ForwardedRequest['session']): void {
    this.#touches.touch(session)
  }
}

/** What came with the protocol that knows containers and TTL znodes. */
function isOfLifetimes(request: Request): boolean {
  if (request.kind === 'multi') return request.steps.some(isOfLifetimes)
  if (request.kind !== 'create') return request.kind === 'reconfig' || request.kind === 'invalid'
  const { mode, lifetime } = request
  return lifetime !== undefined || mode.ttl === true || mode.unknown === true
}
