/**
 * The lines of a ZooKeeper configuration file about who belongs to the ensemble:
 *
 * - `server.N=host:port:port[:observer][;[host:]clientPort]`: peers meet at the first port; the election has no port of its own.
 * - `group.G=N:N:…` and `weight.N=W`: where there is one of these, every participant is in exactly one group.
 *
 * Before: zoo-cfg.ts. After: member-options.ts judges the whole. Semantics §16; ZooKeeper: QuorumPeer.QuorumServer, QuorumHierarchical.
 */
import type { MemberOptions } from '../host/member-options.js'
import { isPeerId } from '../model/ids.js'
import type { CfgValues } from './cfg-values.js'

export interface CfgServer {
  readonly id: number
  readonly host: string
  readonly port: number
  readonly observer: boolean
  readonly client: { readonly host: string | undefined; readonly port: number } | undefined
  readonly weight?: number
  readonly group?: number
}

/** What speaks of members, before the dot. */
export const MEMBER_KEYS = ['server', 'group', 'weight'] as const

export function readServers(values: CfgValues): CfgServer[] {
  const servers: CfgServer[] = []
  for (const [key, value] of values.of('server')) {
    const server = parseServer(key, value)
    if (server === undefined) values.complaints.push(`server.${key}=${value} is no host:port:port[:observer]`)
    else servers.push(server)
  }
  return withShares(servers, values)
}

export function membersOf(servers: readonly CfgServer[]): Record<number, MemberOptions> {
  return Object.fromEntries(
    servers.map(({ id, host, port, observer, weight, group }) => {
      const share = { ...(weight !== undefined && { weight }), ...(group !== undefined && { group }) }
      return [
        id,
        { address: addressOf({ host, port }), role: observer ? 'observer' : 'participant', ...share } as const,
      ]
    }),
  )
}

export function addressOf({ host, port }: Pick<CfgServer, 'host' | 'port'>): string {
  return `tcp://${host.includes(':') ? `[${host}]` : host}:${port}`
}

function withShares(servers: CfgServer[], values: CfgValues): CfgServer[] {
  const [groups, weights] = [readGroups(values), readWeights(values)]
  if (groups === undefined && weights === undefined) return servers
  for (const id of new Set([...(groups?.keys() ?? []), ...(weights?.keys() ?? [])])) {
    const server = servers.find(each => each.id === id)
    if (server === undefined)
      values.complaints.push(`server ${id} has a group or a weight, but there is no server.${id}`)
    else if (server.observer)
      values.warnings.push(`weight.${id}, or group: server ${id} is an observer, and does not count`)
  }
  return servers.map(server => {
    if (server.observer) return server
    const group = groups?.get(server.id)
    if (group === undefined) {
      values.complaints.push(`server ${server.id} is not in a group`)
      return server
    }
    return { ...server, group, weight: weights?.get(server.id) ?? 1 }
  })
}

/** Undefined when no line speaks of it. */
function readGroups(values: CfgValues): ReadonlyMap<number, number> | undefined {
  const groups = new Map<number, number>()
  let any = false
  for (const [key, value] of values.of('group')) {
    any = true
    const group = whole(key)
    const ids = value.split(':').map(whole)
    if (group === undefined || ids.includes(undefined)) {
      values.complaints.push(`group.${key}=${value} is no list of servers such as 1:2:3`)
      continue
    }
    for (const id of ids as number[]) {
      if (groups.has(id)) values.complaints.push(`server ${id} is in multiple groups`)
      groups.set(id, group)
    }
  }
  return any ? groups : undefined
}

function readWeights(values: CfgValues): ReadonlyMap<number, number> | undefined {
  const weights = new Map<number, number>()
  let any = false
  for (const [key, value] of values.of('weight')) {
    any = true
    const [id, weight] = [whole(key), whole(value)]
    if (id === undefined || weight === undefined)
      values.complaints.push(`weight.${key}=${value} is no weight of a server`)
    else weights.set(id, weight)
  }
  return any ? weights : undefined
}

function whole(text: string): number | undefined {
  return /^\s*\d{1,9}\s*$/.test(text) ? Number(text) : undefined
}

function parseServer(key: string, value: string): CfgServer | undefined {
  const [addresses = '', client] = value.split(';', 2)
  const parts = /^(\[[^\]]+\]|[^:]+):(\d{1,5}):(\d{1,5})(?::(participant|observer))?$/.exec(addresses.trim())
  if (parts === null || !/^\d{1,3}$/.test(key) || !isPeerId(Number(key))) return undefined
  const [, host = '', port, , role] = parts
  const bare = host.startsWith('[') ? host.slice(1, -1) : host
  const spec = client === undefined ? undefined : parseClient(client)
  if (client !== undefined && spec === undefined) return undefined
  return { id: Number(key), host: bare, port: Number(port), observer: role === 'observer', client: spec }
}

function parseClient(text: string): CfgServer['client'] {
  const parts = /^(?:(\[[^\]]+\]|[^:]+):)?(\d{1,5})$/.exec(text.trim())
  if (parts === null) return undefined
  const [, host, port] = parts
  return { host: host?.replace(/^\[|\]$/g, ''), port: Number(port) }
}
