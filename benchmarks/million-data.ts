/**
 * A data directory with a tree of many znodes of 100 B, installed as a snapshot: its log begins there, so a peer with nothing must be sent the tree.
 * Before: million.ts. After: the store, and the core's own digest.
 */
import { SnapshotChunkWriter } from '../lib/codec/snapshot-chunk.js'
import { encodeZnode } from '../lib/codec/tree-codec.js'
import { Replica } from '../lib/core/replica.js'
import { OPEN_ACL_UNSAFE } from '../lib/model/acl.js'
import { EMPTY_DIGEST } from '../lib/model/digest.js'
import type { PeerId } from '../lib/model/ids.js'
import type { Znode } from '../lib/model/znode.js'
import { type Zxid, zxid } from '../lib/model/zxid.js'
import { LevelStorage } from '../lib/storage/level/level-storage.js'
import type { SnapshotHeader } from '../lib/storage/storage.js'

export const ENSEMBLE = 'million'
const AT = zxid(1, 1)
const TIME = 1.7e12
const PER_PARENT = 1000
const NODE_BYTES = 100

export const pathOf = (index: number) => `/m/${Math.floor(index / PER_PARENT)}/n${index}`

export interface BigTree {
  readonly header: SnapshotHeader
  readonly chunks: readonly Uint8Array[]
}

export function bigNodes(count: number): Map<string, Znode> {
  const nodes = new Map<string, Znode>(Replica.empty().tree.entries())
  nodes.set('/m', znode(null, Math.ceil(count / PER_PARENT)))
  for (let n = 0; n < count; n++) {
    if (n % PER_PARENT === 0) nodes.set(`/m/${n / PER_PARENT}`, znode(null, Math.min(PER_PARENT, count - n)))
    nodes.set(pathOf(n), znode(dataOf(n), 0))
  }
  return nodes
}

export function bigTree(count: number): BigTree {
  const nodes = bigNodes(count)
  const { digest } = Replica.from({ zxid: AT, time: TIME, digest: EMPTY_DIGEST, nodes, sessions: [] })
  const writer = new SnapshotChunkWriter()
  const chunks: Uint8Array[] = []
  // In the order in which every store sends them.
  const inOrder = [...nodes].sort(([a], [b]) => (a < b ? -1 : 1))
  for (const [path, node] of inOrder) {
    const full = writer.add('node', path, encodeZnode(node))
    if (full !== undefined) chunks.push(full)
  }
  const rest = writer.end()
  return { header: { zxid: AT, time: TIME, digest }, chunks: rest === undefined ? chunks : [...chunks, rest] }
}

export async function install(tree: BigTree, dataDir: string, peer: number): Promise<void> {
  const storage = new LevelStorage({ dataDir, ensemble: ENSEMBLE, peer: peer as PeerId })
  await storage.open()
  const installer = await storage.installSnapshot(tree.header)
  for (const chunk of tree.chunks) await installer.write(chunk)
  await installer.finish()
  await storage.saveEpochs({ accepted: 1, current: 1 })
  await storage.close()
}

/** That no compression makes little of. */
function dataOf(n: number): Uint8Array {
  const data = new Uint8Array(NODE_BYTES)
  for (let at = 0, word = n; at < NODE_BYTES; at++) {
    word = (Math.imul(word, 1664525) + 1013904223) | 0
    data[at] = word >>> 24
  }
  return data
}

function znode(data: Uint8Array | null, children: number): Znode {
  const at: Zxid = AT
  const versions = { version: 0, cversion: children, aversion: 0 }
  return {
    data,
    acl: OPEN_ACL_UNSAFE,
    czxid: at,
    mzxid: at,
    pzxid: at,
    ctime: TIME,
    mtime: TIME,
    ...versions,
    owner: undefined,
  }
}
