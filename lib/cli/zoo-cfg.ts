/**
 * ZooKeeper's configuration file as the options of a peer. Keys are ZooKeeper's, with or without `zookeeper.` in front, and some of our own that begin
 * with `vivarium.`. What is set and has no meaning here is named in a warning and otherwise ignored; what makes no sense is a complaint.
 *
 * `server.N=host:port:port[:observer][;[host:]clientPort]`: peers meet at the first port; the election has no port of its own. No such line, or
 * one, is a peer that stands alone.
 * Before: serve.ts with the file. After: Peer.open. Semantics §27; ZooKeeper: QuorumPeerConfig.
 */
import type { ClientPortOptions } from '../host/client-port-options.js'
import type { MemberOptions } from '../host/member-options.js'
import type { PeerOptions } from '../host/peer-options.js'
import { ZooKeeperError } from '../model/errors.js'
import { isPeerId } from '../model/ids.js'
import { readProperties } from './properties.js'

/** Everything but what only the rim can make: transport and storage place. */
export interface ZooCfg {
  readonly id: number
  readonly options: Partial<PeerOptions>
  /** ':memory:', or the directory that holds `myid`. */
  readonly dataDir: string
  /** Where this peer listens for the others; undefined when it stands alone. */
  readonly quorum: { readonly host: string; readonly port: number } | undefined
  readonly secretFile: string | undefined
  readonly insecure: boolean
  readonly warnings: readonly string[]
}

export const MEMORY = ':memory:'
const DEFAULT_TICK_MS = 3000
const PREFIX = 'zookeeper.'

interface Server {
  readonly id: number
  readonly host: string
  readonly port: number
  readonly observer: boolean
  readonly client: { readonly host: string | undefined; readonly port: number } | undefined
}

/**
 * @param myid content of `dataDir`/myid, if there is one
 * @throws BAD_OPTIONS with every complaint
 */
export function readZooCfg(text: string, myid: (dataDir: string) => string | undefined): ZooCfg {
  return new Reading(readProperties(text)).result(myid)
}

class Reading {
  readonly #properties = new Map<string, string>()
  readonly #known = new Set<string>()
  readonly #complaints: string[] = []
  readonly #warnings: string[] = []

  constructor(properties: ReadonlyMap<string, string>) {
    for (const [key, value] of properties)
      this.#properties.set(key.startsWith(PREFIX) ? key.slice(PREFIX.length) : key, value)
  }

  result(myid: (dataDir: string) => string | undefined): ZooCfg {
    const dataDir = this.#text('dataDir')
    if (dataDir === undefined) this.#complaints.push('dataDir is missing')
    const logDir = this.#text('dataLogDir')
    if (logDir !== undefined && logDir !== dataDir) this.#warnings.push('dataLogDir: the log lies in dataDir')
    const servers = this.#servers()
    const id = this.#id(servers, dataDir === undefined || dataDir === MEMORY ? undefined : myid(dataDir))
    const own = servers.find(server => server.id === id)
    const alone = servers.length <= 1
    const options = {
      ...this.#timing(alone),
      ...this.#limits(),
      ...this.#permissions(),
      ...this.#clientPort(own),
      ...(alone ? {} : { members: membersOf(servers) }),
    }
    if (!alone && own === undefined) this.#complaints.push(`there is no server.${id}, which myid says this is`)
    if (this.#text('peerType') === 'observer' && own?.observer !== true && !alone) {
      this.#warnings.push(`peerType: server.${id} says participant, and counts`)
    }
    const secretFile = this.#text('vivarium.secretFile')
    const insecure = this.#flag('vivarium.insecure') ?? false
    for (const key of this.#properties.keys())
      if (!this.#known.has(key)) this.#warnings.push(`${key}: has no meaning here, ignored`)
    if (this.#complaints.length > 0) throw new ZooKeeperError('BAD_OPTIONS', this.#complaints.join('; '))
    const quorum = alone || own === undefined ? undefined : { host: own.host, port: own.port }
    return { id, options, dataDir: dataDir!, quorum, secretFile, insecure, warnings: this.#warnings }
  }

  #timing(alone: boolean): Partial<PeerOptions> {
    const tickMs = this.#number('tickTime') ?? DEFAULT_TICK_MS
    const [init, sync] = [this.#number('initLimit'), this.#number('syncLimit')]
    if (!alone) {
      if (init === undefined) this.#complaints.push('initLimit is missing')
      if (sync === undefined) this.#complaints.push('syncLimit is missing')
    }
    return given({
      tickMs,
      initLimitTicks: init,
      syncLimitTicks: sync,
      sessionTimeoutMinMs: unlessMinusOne(this.#number('minSessionTimeout')),
      sessionTimeoutMaxMs: unlessMinusOne(this.#number('maxSessionTimeout')),
    })
  }

  #limits(): Partial<PeerOptions> {
    return given({
      extendedTypesEnabled: this.#flag('extendedTypesEnabled') ?? false,
      enforceQuota: this.#flag('enforceQuota'),
      containerCheckIntervalMs: this.#number('znode.container.checkIntervalMs'),
      containerMaxPerMinute: this.#number('znode.container.maxPerMinute'),
      containerNeverUsedMs: this.#number('znode.container.maxNeverUsedIntervalMs'),
    })
  }

  #permissions(): Partial<PeerOptions> {
    const schemes = this.#list('enforce.auth.schemes')
    const enforced = this.#flag('enforce.auth.enabled') === true
    if (enforced && schemes === undefined) this.#complaints.push('enforce.auth.schemes is missing')
    return given({
      superDigest: this.#text('superDigest') ?? this.#text('DigestAuthenticationProvider.superDigest'),
      skipAcl: this.#flag('skipACL'),
      enforceAuthSchemes: enforced ? schemes : undefined,
      localSessionsEnabled: this.#flag('localSessionsEnabled'),
      localSessionsUpgradingEnabled: this.#flag('localSessionsUpgradingEnabled'),
      readOnlyModeEnabled: this.#flag('readonlymode.enabled'),
    })
  }

  /** Without clientPortAddress it is every interface, as in ZooKeeper. */
  #clientPort(own: Server | undefined): { readonly clientPort?: ClientPortOptions } {
    const port = this.#number('clientPort') ?? own?.client?.port
    const host = this.#text('clientPortAddress') ?? own?.client?.host ?? '0.0.0.0'
    const limits = given({
      fourLetterWords: this.#list('4lw.commands.whitelist'),
      connectionsPerAddressMax: this.#number('maxClientCnxns'),
      connectionsMax: this.#number('maxCnxns'),
      frameBytesMax: this.#number('jute.maxbuffer'),
      outstandingMax: this.#number('globalOutstandingLimit'),
      sessionlessTimeoutMs: this.#number('nio.sessionlessCnxnTimeout'),
    })
    return port === undefined ? {} : { clientPort: { port, host, ...limits } }
  }

  #servers(): Server[] {
    const servers: Server[] = []
    for (const [key, value] of this.#properties) {
      if (!key.startsWith('server.')) continue
      this.#known.add(key)
      const server = parseServer(key.slice('server.'.length), value)
      if (server === undefined) this.#complaints.push(`${key}=${value} is no host:port:port[:observer]`)
      else servers.push(server)
    }
    return servers
  }

  #id(servers: readonly Server[], myid: string | undefined): number {
    const said = this.#text('vivarium.myid') ?? myid?.trim()
    if (said !== undefined) {
      if (!/^\d{1,3}$/.test(said) || !isPeerId(Number(said)))
        this.#complaints.push(`myid ${said} is none from 1 to 254`)
      return Number(said)
    }
    if (servers.length > 1) this.#complaints.push('myid is missing: a file in dataDir, or vivarium.myid')
    return servers[0]?.id ?? 1
  }

  // --- values

  #text(key: string): string | undefined {
    this.#known.add(key)
    const value = this.#properties.get(key)
    return value === '' ? undefined : value
  }

  #number(key: string): number | undefined {
    const value = this.#text(key)
    if (value === undefined) return undefined
    const number = Number(value)
    if (Number.isSafeInteger(number)) return number
    this.#complaints.push(`${key}=${value} is no whole number`)
    return undefined
  }

  #flag(key: string): boolean | undefined {
    const value = this.#text(key)?.toLowerCase()
    return value === undefined ? undefined : value === 'true' || value === 'yes'
  }

  #list(key: string): readonly string[] | undefined {
    return this.#text(key)
      ?.split(',')
      .map(each => each.trim())
      .filter(each => each !== '')
  }
}

function membersOf(servers: readonly Server[]): Record<number, MemberOptions> {
  return Object.fromEntries(
    servers.map(({ id, host, port, observer }) => {
      const address = `tcp://${host.includes(':') ? `[${host}]` : host}:${port}`
      return [id, { address, role: observer ? 'observer' : 'participant' } as const]
    }),
  )
}

function parseServer(key: string, value: string): Server | undefined {
  const [addresses = '', client] = value.split(';', 2)
  const parts = /^(\[[^\]]+\]|[^:]+):(\d{1,5}):(\d{1,5})(?::(participant|observer))?$/.exec(addresses.trim())
  if (parts === null || !/^\d{1,3}$/.test(key) || !isPeerId(Number(key))) return undefined
  const [, host = '', port, , role] = parts
  const bare = host.startsWith('[') ? host.slice(1, -1) : host
  const spec = client === undefined ? undefined : parseClient(client)
  if (client !== undefined && spec === undefined) return undefined
  return { id: Number(key), host: bare, port: Number(port), observer: role === 'observer', client: spec }
}

function parseClient(text: string): Server['client'] {
  const parts = /^(?:(\[[^\]]+\]|[^:]+):)?(\d{1,5})$/.exec(text.trim())
  if (parts === null) return undefined
  const [, host, port] = parts
  return { host: host?.replace(/^\[|\]$/g, ''), port: Number(port) }
}

function unlessMinusOne(number: number | undefined): number | undefined {
  return number === -1 ? undefined : number
}

/** Without what was not given. */
function given<T extends object>(values: { [K in keyof T]: T[K] | undefined }): Partial<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<T>
}
