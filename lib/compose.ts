/**
 * The rim: the one place that chooses implementations — LevelDB or memory for the data, this core for the decisions.
 *
 * Before: index.ts. After: host/open-peer.ts, which knows ports only.
 */
import { makeCodec } from './client/codec.js'
import { decodeCborValue, encodeCborValue } from './codec/cbor.js'
import { PeerCore } from './core/peer.js'
import { openHost } from './host/open-peer.js'
import { OpenedPeer } from './host/peer.js'
import type { PeerHost } from './host/peer-host.js'
import { type PeerOptions, type ResolvedPeerOptions, resolvePeerOptions } from './host/peer-options.js'
import { ServerFacts } from './host/server-report.js'
import { ClientPort } from './jute/server/client-port.js'
import { LevelStorage } from './storage/level/level-storage.js'
import { MemoryStorage } from './storage/memory/memory-storage.js'
import type { Storage } from './storage/storage.js'

/** Values as CBOR: smaller than JSON, with byte strings, and no tags, so that nothing is built that the data chose. */
export const cbor = makeCodec('cbor', encodeCborValue, decodeCborValue)

/** One peer of a ZooKeeper ensemble, living in this process. */
export class Peer extends OpenedPeer {
  /**
   * Opens a peer: recovers its data, listens, and joins the ensemble. Resolves when it runs; `serving()` tells when the ensemble works.
   *
   * @example
   * const peer = await Peer.open({ id: 1, dataDir: ':memory:' })
   * @example
   * await using peer = await Peer.open({
   *   id: 1, dataDir: './data/1', transport: tcp({ port: 2888 }),
   *   members: { 1: 'tcp://127.0.0.1:2888', 2: 'tcp://127.0.0.1:2889', 3: 'tcp://127.0.0.1:2890' },
   * })
   * @throws BAD_OPTIONS (all complaints in one), DATA_DIR_LOCKED, DATA_CORRUPT, DATA_TOO_NEW, ENSEMBLE_MISMATCH, STORAGE_FAILED,
   * PORT_IN_USE, TRANSPORT_FAILED
   */
  static async open(options: PeerOptions): Promise<Peer> {
    const resolved = resolvePeerOptions(options)
    const host = await openHost(resolved, storageOf(resolved), (initial, now) => new PeerCore(initial, now))
    const door = clientPortOf(host, resolved)
    if (door !== undefined) await host.openDoor(door)
    return new Peer(host, resolved, door)
  }
}

/** What `srvr` and the like call the version: whose protocol this is, then who speaks it. */
const VERSION = '3.9.5-vivarium'

function clientPortOf(host: PeerHost, resolved: ResolvedPeerOptions): ClientPort | undefined {
  const { clientPort, clock, random, protocol } = resolved
  if (clientPort === undefined) return undefined
  const facts = new ServerFacts(host, resolved, VERSION)
  return new ClientPort({
    options: clientPort,
    clock,
    channel: address => host.channels.channel({ address, embedded: false }),
    report: () => facts.report(),
    lists: facts,
    chance: () => random.uint32() / 2 ** 32,
    localSessions: protocol.localSessionsEnabled,
    warn: (message, fields) => host.logger.warn(message, fields),
  })
}

function storageOf(resolved: ResolvedPeerOptions): Storage {
  const { storage, dataDir, ensemble, id, clock } = resolved
  if (storage !== undefined) return storage
  const now = () => clock.now()
  const { logBytesKept, logEntriesKept, logAgeMsKept, logPinnedBytesMax } = resolved
  const options = { ensemble, peer: id, logBytesKept, logEntriesKept, logAgeMsKept, logPinnedBytesMax }
  return dataDir === ':memory:' ? new MemoryStorage(options) : new LevelStorage({ ...options, now, dataDir: dataDir! })
}
