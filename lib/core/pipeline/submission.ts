/**
 * Where a client's writes and syncs go: to this peer's own leader stations, or over the link to the leader. The client's side
 * (request-stations.ts) does not know which; while there is no leader it has no submission and waits.
 */
import type { Request } from '../../model/request.js'
import type { Now } from '../input.js'
import type { ForwardedRequest, Revalidate } from '../zab/messages.js'

export interface Submission {
  /** @param local of a session that only this peer knows. False for what the leader is too old to know: it must not be submitted. */
  understands(request: Request, local: boolean): boolean
  submit(request: ForwardedRequest, now: Now): void
  revalidate(request: Revalidate, now: Now): void
  /** A client was heard. */
  touch(session: ForwardedRequest['session'], now: Now): void
}
