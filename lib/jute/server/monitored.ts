/**
 * The figures of `mntr`, by ZooKeeper's names and in its order: what the port has counted, what the peer holds, and what a leader has behind it.
 * Before: four-letter-words.ts prints them. Semantics §24.
 */
import type { WordPorts } from './four-letter-words.js'
import type { LeadershipReport, ServerReport } from './server-report.js'

type Metric = readonly [key: string, value: string | number]

export async function monitored(ports: WordPorts, report: ServerReport): Promise<Metric[]> {
  const { min, average, max } = ports.traffic.latency
  const descriptors = await ports.lists.descriptors()
  const { sizes } = ports.traffic
  return [
    ['version', report.version],
    ['server_state', report.mode ?? 'null'],
    ['avg_latency', rounded(average)],
    ['max_latency', max],
    ['min_latency', min],
    ['packets_received', ports.traffic.received],
    ['packets_sent', ports.traffic.sent],
    ['num_alive_connections', [...ports.connections()].length],
    ['connection_rejected', ports.refused],
    ['throttled_ops', ports.traffic.throttledOps],
    ['stale_requests_dropped', ports.traffic.dropped],
    ['connection_drop_probability', rounded(ports.dropChance)],
    ['last_client_response_size', sizes.last],
    ['max_client_response_size', sizes.max],
    ['min_client_response_size', sizes.min],
    ['outstanding_requests', ports.outstanding],
    ['znode_count', report.znodes],
    ['watch_count', report.watches],
    ['ephemerals_count', report.ephemerals],
    ['approximate_data_size', report.dataBytes],
    ['global_sessions', report.sessions],
    ['local_sessions', report.localSessions],
    ['uptime', Math.floor(report.uptimeMs)],
    ...(descriptors === undefined ? [] : openFiles(descriptors)),
    ['quorum_size', report.quorumSize],
    ...(report.leadership === undefined ? [] : led(report.leadership)),
  ]
}

function openFiles({ open, max }: { readonly open: number; readonly max: number }): Metric[] {
  return [
    ['open_file_descriptor_count', open],
    ['max_file_descriptor_count', max],
  ]
}

/** Every voter votes here: there are no followers that do not. */
function led({ learners, followers, observers, pendingSyncs, uptimeMs }: LeadershipReport): Metric[] {
  return [
    ['learners', learners],
    ['synced_followers', followers],
    ['synced_non_voting_followers', 0],
    ['synced_observers', observers],
    ['pending_syncs', pendingSyncs],
    ['leader_uptime', Math.floor(uptimeMs)],
  ]
}

/** With at most four digits behind the point, as Java prints it. */
export function rounded(average: number): string {
  return String(Math.round(average * 10_000) / 10_000).replace(/^(\d+)$/, '$1.0')
}
