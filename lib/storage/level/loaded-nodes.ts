/**
 * The znodes of a tree as they come from the disk, in the very map and objects in which the replica goes on: a second making of a million
 * of them is a second of CPU and as much garbage as there is tree.
 * Before: tree-store.ts. After: core/tree/data-tree.ts takes the map by `giveAway`.
 */
import { decodeStoredZnode, SharedParts } from '../../codec/tree-codec.js'
import { pathState } from '../../model/crc32.js'
import { ZooKeeperError } from '../../model/errors.js'
import { invariant } from '../../model/invariant.js'
import type { ImageNodes } from '../../model/replica-image.js'
import type { StoredZnode, Znode } from '../../model/znode.js'

export class LoadedNodes implements ImageNodes {
  #nodes: Map<string, StoredZnode> | undefined = new Map()
  readonly #shared = new SharedParts()
  #added = 0

  /** The znode entry frame[start, end); `trusted`: its checksum need not be looked at. Throws DATA_CORRUPT or DATA_TOO_NEW. */
  add(path: string, frame: Buffer, start: number, end: number, trusted: boolean): void {
    this.#held().set(path, decodeStoredZnode(frame, start, end, pathState(path), this.#shared, trusted))
    this.#added++
  }

  /** No more will come. Throws DATA_CORRUPT when a path came twice. */
  end(): void {
    if (this.#held().size !== this.#added) throw new ZooKeeperError('DATA_CORRUPT', 'a znode is there twice')
  }

  giveAway(): Map<string, StoredZnode> {
    const nodes = this.#held()
    this.#nodes = undefined
    return nodes
  }

  [Symbol.iterator](): Iterator<readonly [path: string, znode: Znode]> {
    return this.#held().entries()
  }

  #held(): Map<string, StoredZnode> {
    invariant(this.#nodes !== undefined, 'the nodes of an image are given away once, and are gone then')
    return this.#nodes
  }
}
