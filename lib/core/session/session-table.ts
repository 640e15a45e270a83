/**
 * The replicated table of sessions: which exist, with timeout and password. Changed only by applying txns (createSession,
 * closeSession), so every replica has the same table at the same zxid (S4). Who is connected where, and who is silent, is not here.
 *
 * Always holds: `digest` is the sum of the checksums of the present records; `captureDirty` yields every session whose record
 * changed since the last capture. Fields are private to the class, so no inspection of a table prints a password.
 * Before: operations/create-session, close-session. After: replica.ts, checkpoints.
 */
import { addToDigest, type Digest, EMPTY_DIGEST, subtractFromDigest } from '../../model/digest.js'
import type { SessionId } from '../../model/ids.js'
import type { SessionRecord } from '../../model/session-record.js'
import { sessionChecksum } from './session-checksum.js'

export class SessionTable {
  readonly #records = new Map<SessionId, SessionRecord>()
  #dirty = new Map<SessionId, SessionRecord | undefined>()
  #digest: Digest = EMPTY_DIGEST

  /** Records of the last checkpoint or a snapshot: they are on disk already, so they are not dirty. */
  constructor(records: Iterable<SessionRecord> = []) {
    for (const record of records) this.#put(record)
  }

  get(session: SessionId): SessionRecord | undefined {
    return this.#records.get(session)
  }

  has(session: SessionId): boolean {
    return this.#records.has(session)
  }

  /** Applying is a total function: a record under the same id is replaced (ids are unique, S1, so this does not happen). */
  add(record: SessionRecord): void {
    this.#put(record)
    this.#dirty.set(record.session, record)
  }

  /** False if there was none. */
  remove(session: SessionId): boolean {
    const record = this.#records.get(session)
    if (record === undefined) return false
    this.#records.delete(session)
    this.#digest = subtractFromDigest(this.#digest, sessionChecksum(record))
    this.#dirty.set(session, undefined)
    return true
  }

  get size(): number {
    return this.#records.size
  }

  /** In no promised order; not to be held across changes. */
  all(): Iterable<SessionRecord> {
    return this.#records.values()
  }

  get digest(): Digest {
    return this.#digest
  }

  /**
   * What changed since the last call; undefined = removed. The map belongs to the caller, a new one is begun.
   * A session that came and went in between is listed as removed.
   */
  captureDirty(): Map<SessionId, SessionRecord | undefined> {
    const captured = this.#dirty
    this.#dirty = new Map()
    return captured
  }

  toString(): string {
    return `SessionTable(${this.#records.size})`
  }

  #put(record: SessionRecord): void {
    const replaced = this.#records.get(record.session)
    if (replaced !== undefined) this.#digest = subtractFromDigest(this.#digest, sessionChecksum(replaced))
    this.#records.set(record.session, record)
    this.#digest = addToDigest(this.#digest, sessionChecksum(record))
  }
}
