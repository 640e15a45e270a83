import type { Acl } from './acl.js'
import type { SessionId } from './ids.js'
import type { Zxid } from './zxid.js'

/**
 * One znode as stored. Replaced, never mutated: a checkpoint or a reader that holds one holds a value.
 * Children are not part of it (they follow from the paths); data is a private copy, never a view onto a socket's or store's buffer.
 */
export interface Znode {
  readonly data: Uint8Array | null
  readonly acl: Acl
  readonly czxid: Zxid
  readonly mzxid: Zxid
  readonly pzxid: Zxid
  readonly ctime: number
  readonly mtime: number
  readonly version: number
  /** Stored form: how many children were ever created. */
  readonly cversion: number
  readonly aversion: number
  /** The session that owns it, if it is ephemeral. */
  readonly owner: SessionId | undefined
}
