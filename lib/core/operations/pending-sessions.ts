/**
 * Which sessions live in the state-to-be: the replicated table with the creations and closings that are proposed but not applied.
 * A closing session's requests fail from the moment its closeSession is prepared (S4). Beside tree-overlay.ts, and like it made
 * when leading begins.
 */
import type { SessionId } from '../../model/ids.js'
import { isAtMost, type Zxid } from '../../model/zxid.js'
import type { SessionTable } from '../session/session-table.js'

interface Pending {
  readonly live: boolean
  readonly zxid: Zxid
}

export class PendingSessions {
  readonly #table: SessionTable
  /** In order of their last change, so the committed ones are in front. */
  readonly #pending = new Map<SessionId, Pending>()

  constructor(table: SessionTable) {
    this.#table = table
  }

  isLive(session: SessionId): boolean {
    return this.#pending.get(session)?.live ?? this.#table.has(session)
  }

  /** Whether a write may be taken for it: of a local session (session/local-sessions.ts) its own peer says so. */
  speaksFor({ session, local }: { readonly session: SessionId; readonly local?: boolean | undefined }): boolean {
    return local === true || this.isLive(session)
  }

  opened(session: SessionId, zxid: Zxid): void {
    this.#set(session, { live: true, zxid })
  }

  closed(session: SessionId, zxid: Zxid): void {
    this.#set(session, { live: false, zxid })
  }

  committed(zxid: Zxid): void {
    for (const [session, pending] of this.#pending) {
      if (!isAtMost(pending.zxid, zxid)) return
      this.#pending.delete(session)
    }
  }

  get size(): number {
    return this.#pending.size
  }

  #set(session: SessionId, pending: Pending): void {
    this.#pending.delete(session)
    this.#pending.set(session, pending)
  }
}
