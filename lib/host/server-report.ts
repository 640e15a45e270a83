/**
 * What a peer tells through its client port when a four-letter word asks: where it stands, and what its replica holds. Made when it is asked for,
 * from counters; only the lists walk over anything.
 * Before: compose.ts ties it to jute/server, which has the interfaces. After: peer-host, core.
 */
import { configText } from '../core/membership/config-text.js'
import type { StateMark } from '../model/digest.js'
import { votersOf } from '../model/ensemble-config.js'
import type { SessionId } from '../model/ids.js'
import type { Zxid } from '../model/zxid.js'
import type { StorageSizes } from '../storage/storage.js'
import type { PeerHost } from './peer-host.js'
import type { ResolvedPeerOptions } from './peer-options.js'
import { openDescriptors, processEnvironment } from './process-facts.js'

const NOBODY = { followers: 0, observers: 0, pendingSyncs: 0 } as const

export class ServerFacts {
  readonly #host: PeerHost
  readonly #options: ResolvedPeerOptions
  readonly #version: string
  readonly #startedAt: number

  constructor(host: PeerHost, options: ResolvedPeerOptions, version: string) {
    this.#host = host
    this.#options = options
    this.#version = version
    this.#startedAt = options.clock.now()
  }

  report() {
    const { replica, counts } = this.#host.core
    const { tree, sessions } = replica
    const mode = this.#mode
    return {
      version: this.#version,
      mode,
      zxid: replica.zxid as Zxid,
      // ZooKeeper has its root under two names, and counts both.
      znodes: tree.size + 1,
      dataBytes: tree.bytes,
      ephemerals: tree.ephemerals.count,
      watches: counts.watches,
      sessions: sessions.size,
      localSessions: counts.localSessions,
      uptimeMs: this.#options.clock.now() - this.#startedAt,
      quorumSize: votersOf(this.#options.config).size,
      leadership: mode === 'leader' ? this.#leadership() : undefined,
    } as const
  }

  #leadership() {
    const { links, core } = this.#host
    const { since, ...counts } = core.leadership ?? { since: this.#options.clock.now(), ...NOBODY }
    const learners = links.state.filter(({ connected }) => connected).length
    return { learners, ...counts, uptimeMs: this.#options.clock.now() - since }
  }

  sessions(): Iterable<{ readonly session: SessionId; readonly timeoutMs: number }> {
    return this.#host.core.replica.sessions.all()
  }

  watched(): Iterable<readonly [SessionId, ReadonlySet<string>]> {
    return this.#host.core.watched()
  }

  *ephemerals(): Iterable<readonly [SessionId, Iterable<string>]> {
    const { ephemerals } = this.#host.core.replica.tree
    for (const owner of ephemerals.owners()) yield [owner, ephemerals.of(owner)]
  }

  digests(): Iterable<StateMark> {
    return this.#host.core.marks
  }

  sizes(): Promise<StorageSizes> {
    return this.#host.storageSizes()
  }

  descriptors() {
    return openDescriptors()
  }

  environment(): Iterable<string> {
    return [`zookeeper.version=${this.#version}`, ...processEnvironment()]
  }

  /** ZooKeeper's names, and only what it would not call a secret. */
  *configuration(port: number, { tree, log }: StorageSizes): Iterable<string> {
    const { protocol, clientPort, dataDir, config, id } = this.#options
    yield `clientPort=${port}`
    yield 'secureClientPort=-1'
    yield `dataDir=${dataDir ?? ''}`
    yield `dataDirSize=${tree}`
    yield `dataLogDir=${dataDir ?? ''}`
    yield `dataLogSize=${log}`
    yield `tickTime=${protocol.tickMs}`
    yield `maxClientCnxns=${clientPort?.connectionsPerAddressMax ?? 0}`
    yield `minSessionTimeout=${protocol.sessionTimeoutMinMs}`
    yield `maxSessionTimeout=${protocol.sessionTimeoutMaxMs}`
    yield 'clientPortListenBacklog=-1'
    yield `serverId=${id}`
    if (config.members.length === 1) return
    yield `initLimit=${protocol.initLimitTicks}`
    yield `syncLimit=${protocol.syncLimitTicks}`
    yield 'electionAlg=3'
    const role = config.members.find(member => member.id === id)?.role
    yield `peerType=${role === 'observer' ? 1 : 0}`
    yield 'membership: '
    yield configText(config)
  }

  get #mode(): 'standalone' | 'leader' | 'follower' | 'observer' | 'read-only' | undefined {
    const { serving, readOnly, role } = this.#host.core.status
    if (!serving) return readOnly ? 'read-only' : undefined
    if (this.#options.config.members.length === 1) return 'standalone'
    if (role === 'leading') return this.#options.clientPort?.leaderServes === false ? undefined : 'leader'
    return role === 'observing' ? 'observer' : 'follower'
  }
}
