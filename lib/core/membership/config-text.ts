/**
 * The configuration as clients read it from `/zookeeper/config`: ZooKeeper's text, a line a member, the version last. Each member has one port for
 * everything between peers; an address that is no host and port (a pipe, a name in memory) stands as it is. Alone, a peer has no configuration.
 * Used by state-machine.ts, at each start and after each snapshot; no txn brings it. Source: semantics §16.
 */
import type { EnsembleConfig, Member } from '../../model/ensemble-config.js'

export function configText({ members, version }: EnsembleConfig): string {
  if (members.length < 2) return ''
  const number = (BigInt(version.epoch) << 32n) | BigInt(version.counter)
  return [...members.map(memberLine), ...shareLines(members), `version=${number.toString(16)}`].join('\n')
}

/** Only where they are not all alike. */
function shareLines(members: readonly Member[]): string[] {
  const participants = members.filter(({ role }) => role === 'participant')
  if (participants.every(({ weight = 1, group }) => weight === 1 && group === undefined)) return []
  const groups = [...new Set(participants.map(({ group = 1 }) => group))].sort((a, b) => a - b)
  return [
    ...groups.map(each => {
      const ids = participants.filter(({ group = 1 }) => group === each).map(({ id }) => id)
      return `group.${each}=${ids.join(':')}`
    }),
    ...participants.map(({ id, weight = 1 }) => `weight.${id}=${weight}`),
  ]
}

function memberLine({ id, address, role }: Member): string {
  const [, host, port] = /^\w+:\/\/(\[[^\]]+\]|[^:/[\]]+):(\d+)$/.exec(address) ?? []
  return `server.${id}=${host === undefined ? address : `${host}:${port}:${port}`}:${role}`
}
