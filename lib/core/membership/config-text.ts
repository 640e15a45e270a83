/**
 * The configuration as clients read it from `/zookeeper/config`: ZooKeeper's text, a line a member, the version last. Each member has one port for
 * everything between peers; an address that is no host and port (a pipe, a name in memory) stands as it is. Alone, a peer has no configuration.
 * Used by peer.ts, at each start and after each snapshot; no txn brings it. Source: semantics §16.
 */
import type { EnsembleConfig, Member } from '../../model/ensemble-config.js'

export function configText({ members, version }: EnsembleConfig): string {
  if (members.length < 2) return ''
  const number = (BigInt(version.epoch) << 32n) | BigInt(version.counter)
  return [...members.map(memberLine), `version=${number.toString(16)}`].join('\n')
}

function memberLine({ id, address, role }: Member): string {
  const [, host, port] = /^\w+:\/\/(\[[^\]]+\]|[^:/[\]]+):(\d+)$/.exec(address) ?? []
  return `server.${id}=${host === undefined ? address : `${host}:${port}:${port}`}:${role}`
}
