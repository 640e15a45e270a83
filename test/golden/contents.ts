/**
 * All that a data directory holds, as JSON that can be compared and read: identity, epochs, the checkpoint, the log behind it, and the
 * digest of the tree that both together make. Before: make.ts writes it, golden.test.ts compares it.
 */
import type { Peer } from '../../lib/index.js'
import { formatDigest } from '../../lib/model/digest.js'
import type { PeerId } from '../../lib/model/ids.js'
import type { Proposal } from '../../lib/model/proposal.js'
import type { Znode } from '../../lib/model/znode.js'
import { bytesOfData } from '../../lib/model/znode-data.js'
import { formatZxid, isZxid } from '../../lib/model/zxid.js'
import { LevelStorage } from '../../lib/storage/level/level-storage.js'

export const GOLDEN_PEER = 3
export const GOLDEN_ENSEMBLE = 'golden'

/** Through the store, as a starting peer reads it. */
export async function storedIn(dataDir: string) {
  const storage = new LevelStorage({ dataDir, ensemble: GOLDEN_ENSEMBLE, peer: GOLDEN_PEER as PeerId })
  const { identity, epochs, image, suffix, history } = await storage.open()
  try {
    const log: Proposal[] = []
    for await (const batch of storage.readHistory(history.base)) log.push(...batch)
    return asJson({
      identity: { ensemble: identity.ensemble, peer: identity.peer, incarnation: identity.incarnation },
      epochs: { accepted: epochs.accepted, current: epochs.current },
      checkpoint: {
        zxid: image.zxid,
        time: image.time,
        digest: formatDigest(image.digest),
        nodes: [...image.nodes].map(asStored).sort(([a], [b]) => (a < b ? -1 : 1)),
        sessions: [...image.sessions].sort((a, b) => (a.session < b.session ? -1 : 1)),
      },
      suffix: suffix.map(({ zxid }) => zxid),
      history,
      log,
    })
  } finally {
    await storage.close()
  }
}

/** Through a peer that serves: the log is applied then. Without the configuration, which each peer writes for itself. */
export function servedBy(peer: Peer) {
  const paths: string[] = []
  const ahead = ['/']
  for (let path = ahead.pop(); path !== undefined; path = ahead.pop()) {
    paths.push(path)
    for (const child of peer.view.children(path)!) ahead.push(path === '/' ? `/${child}` : `${path}/${child}`)
  }
  const own = '/zookeeper/config'
  const shared = paths.filter(path => path !== own).sort()
  const nodes = shared.map(path => {
    const { data, stat } = peer.view.get(path)!
    return [path, { data, stat }]
  })
  return asJson({ zxid: peer.view.zxid, digest: peer.view.digest, nodes })
}

/** Without what memory adds. */
function asStored([path, node]: readonly [string, Znode]): [string, Znode] {
  const { acl, czxid, mzxid, pzxid, ctime, mtime, version, cversion, aversion, owner } = node
  const data = bytesOfData(node.data)
  return [path, { data, acl, czxid, mzxid, pzxid, ctime, mtime, version, cversion, aversion, owner }]
}

/** Bytes in hexadecimal, as are 64 bits; what is undefined is left out, as JSON does. */
function asJson(value: object): unknown {
  const plain = (_: string, item: unknown) =>
    isZxid(item)
      ? formatZxid(item)
      : item instanceof Uint8Array
        ? { hex: Buffer.from(item).toString('hex') }
        : typeof item === 'bigint'
          ? `0x${item.toString(16)}`
          : item
  return JSON.parse(JSON.stringify(value, plain))
}
