/**
 * Makes the golden data directory of this release: node --import tsx test/golden/make.ts 0.1
 *
 * Once per format that is released, never again: golden.test.ts opens every one of them with every release to come. Three real peers; the
 * third has its disk replaced, and joins again when the log of the others no longer goes back (so its tree is an installed snapshot, generation 2), writes checkpoints of its
 * own, is started twice, lives through a change of leader, and is cut off with ephemerals alive and a log behind its checkpoint. Sessions are
 * local ones until they own something; containers, TTL znodes and quotas are in the snapshot, in the checkpoint behind it, and in the log.
 * What LevelDB tells about itself (LOG: times, places) and its lock are left out.
 */
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Client, op, Peer, Permission, type Transport, text } from '../../lib/index.js'
import type { PeerId } from '../../lib/model/ids.js'
import { LevelStorage } from '../../lib/storage/level/level-storage.js'
import { memory, memoryNetwork } from '../../transports/memory/index.js'
import { GOLDEN_ENSEMBLE, GOLDEN_PEER, servedBy, storedIn } from './contents.js'

const members = { 1: 'memory://1', 2: 'memory://2', 3: 'memory://3' }
const network = memoryNetwork()
const transports = new Map<number, Transport>()
const peers = new Map<number, Peer>()

const version = process.argv[2] ?? ''
if (!/^\d+\.\d+(-[a-z]+)?$/.test(version))
  throw new Error('which version? For instance 0.1, or 0.1-packs for a format that changed within one')
const target = fileURLToPath(new URL(version, import.meta.url))
// Fails if it is there: what was released stays as it is.
await mkdir(target)
const parent = await mkdtemp(join(tmpdir(), 'vivarium-golden-'))

async function open(id: number): Promise<void> {
  const transport = memory({ network, name: String(id) })
  transports.set(id, transport)
  const dataDir = join(parent, String(id))
  const storage = new LevelStorage({ dataDir, ensemble: GOLDEN_ENSEMBLE, peer: id as PeerId, logBytesKept: 1 })
  const checkpointLogBytes = id === GOLDEN_PEER ? 8 * 1024 : 16 * 1024
  const options = { members, transport, storage, checkpointLogBytes, tickMs: 500, ensemble: GOLDEN_ENSEMBLE }
  const sessions = { localSessionsEnabled: true, localSessionsUpgradingEnabled: true }
  peers.set(id, await Peer.open({ id, ...options, ...sessions, enforceQuota: true }))
}

/** Without a farewell: nobody closes its sessions. */
async function cut(id: number): Promise<void> {
  await transports.get(id)!.close()
  await peers.get(id)!.close()
  peers.delete(id)
}

async function together(): Promise<void> {
  await Promise.all([...peers.values()].map(peer => peer.serving({ timeout: 20_000 })))
  const [first, ...others] = [...peers.values()].map(({ view }) => view)
  while (others.some(view => view.zxid !== first!.zxid)) await new Promise(resolve => setTimeout(resolve, 10))
  if (others.some(view => view.digest !== first!.digest)) throw new Error('the peers differ')
}

function client(id: number): Promise<Client<string>> {
  return peers.get(id)!.client({ codec: text, sessionTimeoutMs: 10_000 })
}

/** On a subtree that is there. */
async function limit(zk: Client<string>, path: string, limits: string): Promise<void> {
  const quota = `/zookeeper/quota${path}`
  await zk.create(`${quota}/zookeeper_limits`, limits, { parents: true })
  await zk.create(`${quota}/zookeeper_stats`)
}

async function beforeTheSnapshot(zk: Client<string>): Promise<void> {
  await zk.create('/config')
  await zk.create('/config/empty', '')
  await zk.create('/config/naïve ☃', 'ключ 𝄞')
  await zk.create('/config/read-only', 'r', { acl: [{ perms: Permission.READ, scheme: 'world', id: 'anyone' }] })
  await zk.create('/deep/er/and/deeper/still', 'x', { parents: true })
  for (let n = 0; n < 40; n++) await zk.create(`/config/n${n}`, `value ${n}`)
  for (let n = 0; n < 600; n++) await zk.set('/config/n0', `${n % 10}`.repeat(4000))
  await zk.set('/config/n0', 'small again')
  await limit(zk, '/deep', 'count=-1,bytes=-1')
  await zk.create('/rooms', undefined, { container: true })
  await zk.create('/rooms/red', 'lasts', { ttl: 86_400_000 })
}

async function behindTheSnapshot(zk: Client<string>, other: Client<string>): Promise<void> {
  await zk.create('/queue')
  for (let n = 0; n < 5; n++) await zk.create('/queue/job-', `job ${n}`, { sequential: true })
  await zk.create('/alive')
  await zk.create('/alive/zk', 'here', { ephemeral: true })
  await other.create('/alive/other-', 'here too', { ephemeral: true, sequential: true })
  await zk.multi([
    op.create('/config/by-multi', 'm'),
    op.set('/config/n1', 'set by a multi'),
    op.delete('/config/n2'),
    op.check('/config/n3', { version: 0 }),
  ])
  await zk.multi([op.set('/config/n1', 'never'), op.check('/config/n3', { version: 7 })]).catch(() => {})
  await zk.set('/config/n4', 'never', { version: 9 }).catch(() => {})
  await zk.setAcl('/config/n5', [
    { perms: Permission.ALL, scheme: 'digest', id: 'user:G2RdrM8e0u0f1vNCj/TI99ebRMw=' },
    { perms: Permission.READ, scheme: 'ip', id: '10.0.0.1' },
  ])
  await zk.setAcl('/zookeeper/quota/deep', [{ perms: Permission.ALL, scheme: 'ip', id: '127.0.0.1' }])
  await zk.create('/deep/water', 'counts for the quota')
  await limit(zk, '/queue', 'count=-1,bytes=-1=;countHardLimit=7,byteHardLimit=1000')
  await zk.create('/queue/job-', 'the last', { sequential: true })
  await zk.create('/queue/job-', 'one too many', { sequential: true }).catch(() => {})
  await zk.create('/rooms/blue-', 'numbered', { ttl: 60_000, sequential: true })
  await zk.create('/halls', undefined, { container: true })
  await zk.create('/halls/one')
  for (let n = 10; n < 20; n++) await zk.delete(`/config/n${n}`)
  for (let n = 0; n < 120; n++) await zk.set(`/config/n${20 + (n % 10)}`, `round ${n}`)
}

try {
  // A first start needs every voter.
  await Promise.all([open(1), open(2), open(GOLDEN_PEER)])
  await together()
  await cut(GOLDEN_PEER)
  await rm(join(parent, String(GOLDEN_PEER)), { recursive: true })
  await together()
  const first = await client(1)
  await beforeTheSnapshot(first)
  await first.close()

  await open(GOLDEN_PEER)
  await together()
  const [zk, other] = [await client(1), await client(2)]
  await behindTheSnapshot(zk, other)
  await cut(GOLDEN_PEER)
  await zk.set('/config/n6', 'while it was away')
  await open(GOLDEN_PEER)
  await together()

  // Another epoch: the leader goes, and comes back.
  const leader = peers.get(1)!.status.role === 'leading' ? 1 : 2
  const [stays, goes] = leader === 1 ? [other, zk] : [zk, other]
  await cut(leader)
  await goes.close().catch(() => {})
  await together()
  await stays.create('/epoch', 'two')
  await open(leader)
  await together()
  for (let n = 0; n < 100; n++) await stays.set(`/config/n${20 + (n % 10)}`, `after ${n}`)
  await stays.create('/rooms/green', 'late', { ttl: 86_400_000 })
  await stays.delete('/halls/one')
  await stays.set('/deep/water', 'counts for the quota still')
  await together()

  const served = servedBy(peers.get(leader)!)
  await cut(GOLDEN_PEER)
  const source = join(parent, String(GOLDEN_PEER))
  for (const name of ['log', 'tree', 'lock']) {
    for (const own of ['LOG', 'LOG.old', 'LOCK']) await rm(join(source, name, own), { force: true })
  }
  await cp(source, join(target, 'directory'), { recursive: true })
  const stored = await storedIn(source)
  await writeFile(join(target, 'contents.json'), `${JSON.stringify({ stored, served }, null, 1)}\n`)
  console.log(await readdir(join(target, 'directory'), { recursive: true }))
} finally {
  await Promise.all([...peers.values()].map(peer => peer.close()))
  await rm(parent, { recursive: true, force: true })
}
