/**
 * What becomes of requests that were under way when the leader was lost: the next leader's history says it. One that is there will be answered;
 * one that is not never will be committed (its epoch is over), so it is to be submitted again. A txn of the session that this client did not ask
 * for was asked for by another attachment, at another peer: the session has moved (S6).
 * Used by request-pipeline.ts, once per leader.
 */
import type { SessionId } from '../../model/ids.js'
import type { Proposal } from '../../model/proposal.js'
import { isAfter } from '../../model/zxid.js'
import type { AttachedClient } from './clients.js'

export class Coming {
  readonly #bySession = new Map<SessionId, Proposal[]>()

  /** @param unapplied the part of the new leader's history that is not applied here. */
  constructor(unapplied: readonly Proposal[]) {
    for (const proposal of unapplied) {
      const others = this.#bySession.get(proposal.session)
      if (others === undefined) this.#bySession.set(proposal.session, [proposal])
      else others.push(proposal)
    }
  }

  /** Marks what is to be submitted again. False when the session has moved. */
  reconcile(client: AttachedClient): boolean {
    // The same number of an earlier attachment of this session is another request.
    const own = (this.#bySession.get(client.session) ?? []).filter(({ zxid }) => isAfter(zxid, client.after))
    const inHistory = new Set(own.map(({ cxid }) => cxid))
    const asked = new Set<number>()
    for (const entry of client.outstanding()) {
      if (entry.submitted) asked.add(entry.cxid)
      if (!inHistory.has(entry.cxid)) entry.submitted = false
      entry.syncedAt = undefined
    }
    client.pendingSync = undefined
    return own.every(({ cxid }) => cxid === 0 || asked.has(cxid))
  }
}
