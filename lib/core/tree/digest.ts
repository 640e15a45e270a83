/**
 * One checksum per znode, summed mod 2⁶⁴ over the tree: independent of order, kept up to date by adding and subtracting. Three sums.
 *
 * `statChecksum` is ZooKeeper's node digest, version 2: CRC-32 over path (`/` counts as empty), data if not null, then czxid,
 * mzxid, pzxid, ctime, mtime (64 bits), version, stored cversion, aversion (32), owner (64). `aclChecksum` adds what that leaves
 * out: who may do what on which znode. Znodes below `/zookeeper/` count 0 in both, as in ZooKeeper; `systemChecksum` is theirs, of all they
 * are. `/zookeeper/config` is in none: each peer writes its own.
 * CRC-32 runs from front to back, so `contentState` (after path and data) is kept with the znode: a change of the Stat alone,
 * such as a parent's on each create, costs 60 bytes however large the data. Digests are compared between peers: a change here is
 * a change of format. Used by data-tree.ts.
 */
import { type Acl, OPEN_ACL_UNSAFE } from '../../model/acl.js'
import { CRC_START, crcBytes, crcInt32, crcLatin1, crcText, crcValue, pathState } from '../../model/crc32.js'
import type { Digest } from '../../model/digest.js'
import type { StoredZnode, Znode } from '../../model/znode.js'
import type { ZnodeData } from '../../model/znode-data.js'
import type { Zxid } from '../../model/zxid.js'

const TWO_32 = 0x100000000

export const CONFIG_PATH = '/zookeeper/config'

export function contentState(path: string, data: ZnodeData): number {
  const state = pathState(path)
  if (data === null) return state
  return typeof data === 'string' ? crcLatin1(state, data) : crcBytes(state, data)
}

export function statChecksum(content: number, znode: Znode): number {
  let crc = mixZxid(content, znode.czxid)
  crc = mixZxid(crc, znode.mzxid)
  crc = mixZxid(crc, znode.pzxid)
  crc = mixTime(crc, znode.ctime)
  crc = mixTime(crc, znode.mtime)
  crc = crcInt32(crc, znode.version)
  crc = crcInt32(crc, znode.cversion)
  crc = crcInt32(crc, znode.aversion)
  return crcValue(mixOwner(crc, znode.owner))
}

/** Bound to the path by `content`, so that two znodes that swap their ACLs do not cancel out. */
export function aclChecksum(content: number, acl: Acl): number {
  return finish(content ^ listChecksum(acl))
}

/** Stat and ACL as one: there is no sum of ZooKeeper's to agree with. */
export function systemChecksum(content: number, znode: Znode): number {
  return finish(statChecksum(content, znode) ^ listChecksum(znode.acl))
}

/** By ZooKeeper. */
export function isCounted(path: string): boolean {
  return !path.startsWith('/zookeeper/')
}

/** The sums of one tree. */
export class TreeDigest {
  readonly stat = new DigestSum()
  readonly acl = new DigestSum()
  readonly system = new DigestSum()

  add(path: string, znode: StoredZnode): void {
    const { content } = znode
    if (isCounted(path)) {
      this.stat.add(statChecksum(content, znode))
      this.acl.add(aclChecksum(content, znode.acl))
    } else if (path !== CONFIG_PATH) this.system.add(systemChecksum(content, znode))
  }

  subtract(path: string, znode: StoredZnode): void {
    const { content } = znode
    if (isCounted(path)) {
      this.stat.subtract(statChecksum(content, znode))
      this.acl.subtract(aclChecksum(content, znode.acl))
    } else if (path !== CONFIG_PATH) this.system.subtract(systemChecksum(content, znode))
  }
}

/** A running sum mod 2⁶⁴ of uint32 parts, without an object per step. */
export class DigestSum {
  readonly #words = new Uint32Array(2)

  add(part: number): void {
    const low = this.#words[0]! + part
    this.#words[0] = low
    if (low >= TWO_32) this.#words[1]! += 1
  }

  subtract(part: number): void {
    const low = this.#words[0]! - part
    this.#words[0] = low
    if (low < 0) this.#words[1]! -= 1
  }

  get value(): Digest {
    return { high: this.#words[1]!, low: this.#words[0]! }
  }
}

/** Interned lists live as long as a znode has them; their checksums no longer. */
const listChecksums = new WeakMap<Acl, number>()
const openChecksum = computeListChecksum(OPEN_ACL_UNSAFE)

function listChecksum(acl: Acl): number {
  if (acl === OPEN_ACL_UNSAFE) return openChecksum
  let checksum = listChecksums.get(acl)
  if (checksum === undefined) {
    checksum = computeListChecksum(acl)
    listChecksums.set(acl, checksum)
  }
  return checksum
}

/** A length goes before each text, so that no two lists run into the same bytes. */
function computeListChecksum(acl: Acl): number {
  let crc = crcInt32(CRC_START, acl.length)
  for (const { perms, scheme, id } of acl) {
    crc = crcText(crcInt32(crcInt32(crc, perms), scheme.length), scheme)
    crc = crcText(crcInt32(crc, id.length), id)
  }
  return ~crc
}

function mixZxid(state: number, zxid: Zxid): number {
  return crcInt32(crcInt32(state, zxid.epoch), zxid.counter)
}

function mixTime(state: number, time: number): number {
  return crcInt32(crcInt32(state, Math.floor(time / TWO_32)), time)
}

function mixOwner(state: number, owner: string | undefined): number {
  if (owner === undefined) return crcInt32(crcInt32(state, 0), 0)
  return crcInt32(crcInt32(state, Number.parseInt(owner.slice(0, 8), 16)), Number.parseInt(owner.slice(8), 16))
}

/** The finalizer of MurmurHash3: similar inputs come out unlike each other, so a sum of many does not cancel out. */
function finish(value: number): number {
  let h = value
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
