/**
 * A replica in this thread, read synchronously: one look-up in a map, nothing copied. Promises no session order and may be behind
 * the leader; `zxid` says where it is.
 *
 * Always holds: what a look-up returned is a value and stays what it was; the replica is asked for anew each time, since a snapshot
 * replaces it as a whole.
 * Before: Peer.view. After: core/replica.
 */
import { type Stat, toStat } from '../client/stat.js'
import type { DataTree } from '../core/tree/data-tree.js'
import { sumOfDigest } from '../model/digest.js'
import type { Znode } from '../model/znode.js'
import { bytesOfData } from '../model/znode-data.js'
import { zxidToBigint } from '../model/zxid.js'
import type { SteppedCore } from './peer-host.js'

/** A znode as it was when it was looked up. */
export interface ViewedZnode {
  /** The replica's own bytes: never change them. */
  readonly data: Uint8Array | null
  /** Made when it is asked for; `numChildren` and `cversion` are then those of that moment. */
  readonly stat: Stat
}

export class ReplicaView {
  readonly #core: Pick<SteppedCore, 'replica'>

  constructor(core: Pick<SteppedCore, 'replica'>) {
    this.#core = core
  }

  /** The last transaction that this replica has applied. */
  get zxid(): bigint {
    return zxidToBigint(this.#core.replica.zxid)
  }

  /** 64 bits over the whole replicated state: replicas at the same zxid have the same. */
  get digest(): bigint {
    const { high, low } = sumOfDigest(this.#core.replica.digest)
    return (BigInt(high) << 32n) | BigInt(low)
  }

  /** @example peer.view.get('/config')?.data */
  get(path: string): ViewedZnode | undefined {
    const tree = this.#core.replica.tree
    const znode = tree.get(path)
    return znode === undefined ? undefined : new LookedUp(tree, path, znode)
  }

  exists(path: string): boolean {
    return this.#core.replica.tree.has(path)
  }

  /** Sorted names; undefined when there is no such znode. */
  children(path: string): readonly string[] | undefined {
    const tree = this.#core.replica.tree
    return tree.has(path) ? [...tree.childrenOf(path)].sort() : undefined
  }
}

class LookedUp implements ViewedZnode {
  readonly #tree: DataTree
  readonly #path: string
  readonly #znode: Znode

  constructor(tree: DataTree, path: string, znode: Znode) {
    this.#tree = tree
    this.#path = path
    this.#znode = znode
  }

  get data(): Uint8Array | null {
    return bytesOfData(this.#znode.data)
  }

  get stat(): Stat {
    return toStat(this.#tree.statOf(this.#path, this.#znode))
  }
}
