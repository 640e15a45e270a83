/** How many reads a second of 10,000 existing 100-byte znodes: by `peer.view.get`, and by `Client.get`, on a follower. */
import { type Done, Ensemble, printTable, quantile, whole } from './harness.js'
import { zookeeperGet } from './reference.js'

export async function read(ms: number): Promise<void> {
  const ensemble = await Ensemble.start()
  await ensemble.ask(ensemble.leader, { kind: 'create', count: 10_000, bytes: 100 })
  const follower = ensemble.followers[0]!
  await ensemble.ask(follower, { kind: 'set', inFlight: 1, clients: 1, ms: 100 })
  await ensemble.ask(follower, { kind: 'view', ms: 500 })
  const rows = [row('view.get', undefined, await ensemble.ask(follower, { kind: 'view', ms }))]
  for (const inFlight of [1, 8, 64, 512]) {
    const task = { kind: 'get', inFlight, clients: Math.min(inFlight, 8) } as const
    await ensemble.ask(follower, { ...task, ms: 500 })
    rows.push(row('Client.get', inFlight, await ensemble.ask(follower, { ...task, ms })))
  }
  console.log('\nread: 10,000 distinct znodes of 100 bytes, one member')
  printTable(['call', 'in flight', 'ops/s', 'p50 ms', 'p99 ms', 'CPU µs/op', 'errors', 'x ZK rate', 'x ZK CPU'], rows)
  await ensemble.stop()
}

function row(call: string, inFlight: number | undefined, done: Done): string[] {
  const perSecond = done.operations / (done.elapsed / 1000)
  const micros = done.cpu / done.operations
  const reference = inFlight === undefined ? undefined : zookeeperGet.get(inFlight)
  return [
    call,
    inFlight === undefined ? '-' : String(inFlight),
    whole(perSecond),
    done.latencies.length === 0 ? '-' : quantile(done.latencies, 0.5).toFixed(3),
    done.latencies.length === 0 ? '-' : quantile(done.latencies, 0.99).toFixed(3),
    micros.toFixed(2),
    String(done.errors),
    reference === undefined ? '-' : (perSecond / reference.perSecond).toFixed(2),
    reference === undefined ? '-' : (micros / 1000 / reference.cpuMs).toFixed(3),
  ]
}
