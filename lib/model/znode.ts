import type { Acl } from './acl.js'
import type { Owner } from './owner.js'
import type { ZnodeData } from './znode-data.js'
import type { Zxid } from './zxid.js'

/**
 * One znode as stored. Replaced, never mutated: a checkpoint or a reader that holds one holds a value.
 * Children are not part of it (they follow from the paths); data is a private copy, never a view onto a socket's or store's buffer.
 */
export interface Znode {
  readonly data: ZnodeData
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
  /** Of an ephemeral, its session; of a container or TTL znode, the mark that says so. */
  readonly owner: Owner | undefined
}

/** A znode as a tree holds it. One shape for all, whoever makes it: properties in this order. */
export interface StoredZnode extends Znode {
  /** The state of the CRC-32 after path and data (`contentState`): what a change of the Stat alone need not compute again. */
  readonly content: number
}
