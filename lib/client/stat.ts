/**
 * A znode's Stat as applications see it: zxids and the owner as bigints, 0n where there is no owner.
 * ZooKeeper's Stat record; the replica's own form is model/stat.ts.
 */
import { sessionIdToBigint } from '../model/ids.js'
import type { Stat as ModelStat } from '../model/stat.js'
import { zxidToBigint } from '../model/zxid.js'

export interface Stat {
  /** The transaction that created the znode. */
  readonly czxid: bigint
  /** The transaction that last set its data. */
  readonly mzxid: bigint
  /** The transaction that last created or deleted one of its children. */
  readonly pzxid: bigint
  /** When it was created and its data last set: wall-clock milliseconds of the leader. */
  readonly ctime: number
  readonly mtime: number
  /** How often its data, its children and its ACL have changed. Signed 32 bits, wraps. */
  readonly version: number
  readonly cversion: number
  readonly aversion: number
  /** The session that owns it, if it is ephemeral; 0n for every other znode, as in ZooKeeper. */
  readonly ephemeralOwner: bigint
  /** In bytes. */
  readonly dataLength: number
  readonly numChildren: number
}

export function toStat(stat: ModelStat): Stat {
  return {
    czxid: zxidToBigint(stat.czxid),
    mzxid: zxidToBigint(stat.mzxid),
    pzxid: zxidToBigint(stat.pzxid),
    ctime: stat.ctime,
    mtime: stat.mtime,
    version: stat.version,
    cversion: stat.cversion,
    aversion: stat.aversion,
    ephemeralOwner: stat.ephemeralOwner === undefined ? 0n : sessionIdToBigint(stat.ephemeralOwner),
    dataLength: stat.dataLength,
    numChildren: stat.numChildren,
  }
}
