/**
 * ZooKeeper's configuration file as the options of a peer. Keys are ZooKeeper's, with or without `zookeeper.` in front, and some of our own that begin
 * with `vivarium.`. What is set and has no meaning here is named in a warning and otherwise ignored; what makes no sense is a complaint.
 *
 * No `server.N` line, or one, is a peer that stands alone.
 * Before: serve.ts with the file. After: cfg-members.ts and cfg-client-port.ts read their parts of it; Peer.open. Semantics §27; ZooKeeper: QuorumPeerConfig.
 */
import type { PeerOptions } from '../host/peer-options.js'
import { ZooKeeperError } from '../model/errors.js'
import { isPeerId } from '../model/ids.js'
import { readClientPort } from './cfg-client-port.js'
import { addressOf, type CfgServer, MEMBER_KEYS, membersOf, readServers } from './cfg-members.js'
import { CfgValues, given } from './cfg-values.js'
import { readProperties } from './properties.js'

/** Everything but what only the rim can make: transport and storage place. */
export interface ZooCfg {
  readonly id: number
  readonly options: Partial<PeerOptions>
  /** ':memory:', or the directory that holds `myid`. */
  readonly dataDir: string
  /** Where this peer listens for the others; undefined when it stands alone. */
  readonly quorum: { readonly host: string; readonly port: number; readonly advertise?: string } | undefined
  readonly secretFile: string | undefined
  readonly insecure: boolean
  /** What is to be accounted for goes to the log. */
  readonly audit: boolean
  readonly warnings: readonly string[]
}

export const MEMORY = ':memory:'
const DEFAULT_TICK_MS = 3000
const DATA_BYTES_MAX = 2 * 1024 * 1024
/** There is one election, the one of this number. */
const ELECTION_ALGORITHM = 3

/**
 * @param myid content of `dataDir`/myid, if there is one
 * @param dynamic content of the file that `dynamicConfigFile` names: the members stand there then, and nowhere else
 * @throws BAD_OPTIONS with every complaint
 */
export function readZooCfg(
  text: string,
  myid: (dataDir: string) => string | undefined,
  dynamic: (file: string) => string,
): ZooCfg {
  return new Reading(new CfgValues(readProperties(text))).result(myid, dynamic)
}

class Reading {
  readonly #values: CfgValues

  constructor(values: CfgValues) {
    this.#values = values
  }

  result(myid: (dataDir: string) => string | undefined, dynamic: (file: string) => string): ZooCfg {
    const dataDir = this.#values.text('dataDir')
    if (dataDir === undefined) this.#values.complaints.push('dataDir is missing')
    const logDir = this.#values.text('dataLogDir')
    if (logDir !== undefined && logDir !== dataDir) this.#values.warnings.push('dataLogDir: the log lies in dataDir')
    const servers = this.#servers(dynamic)
    const id = this.#id(servers, dataDir === undefined || dataDir === MEMORY ? undefined : myid(dataDir))
    const own = servers.find(server => server.id === id)
    const alone = servers.length <= 1
    const options = {
      ...this.#timing(alone),
      ...this.#limits(),
      ...this.#permissions(),
      ...readClientPort(this.#values, own),
      ...(alone ? {} : { members: membersOf(servers) }),
    }
    if (!alone && own === undefined) this.#values.complaints.push(`there is no server.${id}, which myid says this is`)
    if (this.#values.text('peerType') === 'observer' && own?.observer !== true && !alone) {
      this.#values.warnings.push(`peerType: server.${id} says participant, and counts`)
    }
    const secretFile = this.#values.text('vivarium.secretFile')
    if ((this.#values.number('electionAlg') ?? ELECTION_ALGORITHM) !== ELECTION_ALGORITHM)
      this.#values.complaints.push('electionAlg is 3, or not given')
    const insecure = this.#values.flag('vivarium.insecure') ?? false
    const audit = this.#values.flag('audit.enable') ?? false
    const quorum = alone || own === undefined ? undefined : this.#quorum(own)
    for (const key of this.#values.unknown) this.#values.warnings.push(`${key}: has no meaning here, ignored`)
    if (this.#values.complaints.length > 0) throw new ZooKeeperError('BAD_OPTIONS', this.#values.complaints.join('; '))
    return { id, options, dataDir: dataDir!, quorum, secretFile, insecure, audit, warnings: this.#values.warnings }
  }

  #servers(dynamic: (file: string) => string): readonly CfgServer[] {
    const file = this.#values.text('dynamicConfigFile')
    if (file === undefined) return readServers(this.#values)
    for (const prefix of MEMBER_KEYS)
      for (const [key] of this.#values.of(prefix))
        this.#values.complaints.push(`${prefix}.${key} must be in ${file}, as dynamicConfigFile says`)
    const values = new CfgValues(readProperties(dynamic(file)))
    const servers = readServers(values)
    values.text('version')
    this.#values.warnings.push(...values.warnings)
    this.#values.complaints.push(...values.complaints, ...values.unknown.map(key => `${key} has no meaning in ${file}`))
    return servers
  }

  #quorum({ host, port }: CfgServer): ZooCfg['quorum'] {
    if (this.#values.flag('quorumListenOnAllIPs') !== true) return { host, port }
    return { host: '0.0.0.0', port, advertise: addressOf({ host, port }) }
  }

  #timing(alone: boolean): Partial<PeerOptions> {
    const tickMs = this.#values.number('tickTime') ?? DEFAULT_TICK_MS
    const [init, sync] = [this.#values.number('initLimit'), this.#values.number('syncLimit')]
    if (!alone) {
      if (init === undefined) this.#values.complaints.push('initLimit is missing')
      if (sync === undefined) this.#values.complaints.push('syncLimit is missing')
    }
    return given({
      tickMs,
      initLimitTicks: init,
      syncLimitTicks: sync,
      sessionTimeoutMinMs: unlessMinusOne(this.#values.number('minSessionTimeout')),
      sessionTimeoutMaxMs: unlessMinusOne(this.#values.number('maxSessionTimeout')),
    })
  }

  #limits(): Partial<PeerOptions> {
    return given({
      extendedTypesEnabled: this.#values.flag('extendedTypesEnabled') ?? false,
      dataBytesMax: this.#dataBytesMax(),
      enforceQuota: this.#values.flag('enforceQuota'),
      containerCheckIntervalMs: this.#values.number('znode.container.checkIntervalMs'),
      containerMaxPerMinute: this.#values.number('znode.container.maxPerMinute'),
      containerNeverUsedMs: this.#values.number('znode.container.maxNeverUsedIntervalMs'),
    })
  }

  /** What fits into a request may be a znode's, up to what a peer can have. */
  #dataBytesMax(): number | undefined {
    const bytes = this.#values.number('jute.maxbuffer')
    if (bytes === undefined || bytes <= DATA_BYTES_MAX) return bytes
    this.#values.warnings.push(`jute.maxbuffer: the data of a znode are ${DATA_BYTES_MAX} bytes at most`)
    return DATA_BYTES_MAX
  }

  #permissions(): Partial<PeerOptions> {
    const schemes = this.#values.list('enforce.auth.schemes')
    const enforced = this.#values.flag('enforce.auth.enabled') === true
    if (enforced && schemes === undefined) this.#values.complaints.push('enforce.auth.schemes is missing')
    if (this.#values.flag('DigestAuthenticationProvider.enabled') === false)
      this.#values.complaints.push('DigestAuthenticationProvider.enabled: every peer knows digest')
    return given({
      superDigest: this.#values.text('superDigest') ?? this.#values.text('DigestAuthenticationProvider.superDigest'),
      digestAlgorithm: hashName(this.#values.text('DigestAuthenticationProvider.digestAlg')),
      skipAcl: this.#values.flag('skipACL'),
      eagerAclCheck: this.#values.flag('enableEagerACLCheck'),
      enforceAuthSchemes: enforced ? schemes : undefined,
      localSessionsEnabled: this.#values.flag('localSessionsEnabled'),
      localSessionsUpgradingEnabled: this.#values.flag('localSessionsUpgradingEnabled'),
      readOnlyModeEnabled: this.#values.flag('readonlymode.enabled'),
    })
  }

  #id(servers: readonly CfgServer[], myid: string | undefined): number {
    const said = this.#values.text('vivarium.myid') ?? myid?.trim()
    if (said !== undefined) {
      if (!/^\d{1,3}$/.test(said) || !isPeerId(Number(said)))
        this.#values.complaints.push(`myid ${said} is none from 1 to 254`)
      return Number(said)
    }
    if (servers.length > 1) this.#values.complaints.push('myid is missing: a file in dataDir, or vivarium.myid')
    return servers[0]?.id ?? 1
  }
}

/** Java's SHA-256 is sha256 elsewhere; SHA3-256 keeps its hyphen. */
function hashName(java: string | undefined): string | undefined {
  return java?.toLowerCase().replace(/^sha-/, 'sha')
}

function unlessMinusOne(number: number | undefined): number | undefined {
  return number === -1 ? undefined : number
}
