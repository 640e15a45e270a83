/**
 * How many durable writes a second, and what does one cost? 100-byte `set` over 1 … 512 calls in flight, from clients in the leader,
 * in one follower, and spread over the three members.
 */
import { type Done, Ensemble, MEMBERS, printTable, quantile, type Task, whole } from './harness.js'
import { zookeeperSet } from './reference.js'

const CLIENTS = 8
const WARM_MS = 1000

export async function write(ms: number, inFlights: readonly number[]): Promise<void> {
  const ensemble = await Ensemble.start()
  await ensemble.ask(ensemble.leader, { kind: 'create', count: 10_000, bytes: 100 })
  const rows: string[][] = []
  for (const [where, members] of [
    ['leader', [ensemble.leader]],
    ['follower', [ensemble.followers[0]!]],
    ['spread', [...MEMBERS]],
  ] as const) {
    for (const inFlight of inFlights) {
      const each = Math.ceil(inFlight / members.length)
      const tasks = (time: number) =>
        new Map<number, Task>(
          members.map(id => [id, { kind: 'set', inFlight: each, clients: Math.min(each, CLIENTS), ms: time }]),
        )
      await ensemble.askAll(tasks(WARM_MS))
      rows.push(row(where, inFlight, await ensemble.askAll(tasks(ms)), ensemble.leader))
    }
  }
  console.log('\nwrite: set of 100 bytes, 3 durable processes')
  printTable(
    [
      'clients in',
      'in flight',
      'ops/s',
      'p50 ms',
      'p99 ms',
      'CPU ms/op',
      'leader',
      'others',
      'errors',
      'x ZK rate',
      'x ZK CPU',
    ],
    rows,
  )
  await ensemble.stop()
}

function row(where: string, inFlight: number, done: ReadonlyMap<number, Done>, leader: number): string[] {
  const all = [...done.values()]
  const operations = all.reduce((sum, each) => sum + each.operations, 0)
  const errors = all.reduce((sum, each) => sum + each.errors, 0)
  const perSecond = operations / (Math.max(...all.map(each => each.elapsed)) / 1000)
  const latencies = all.flatMap(each => each.latencies)
  const cpuMs = all.reduce((sum, each) => sum + each.cpu, 0) / 1000 / operations
  const leaderMs = done.get(leader)!.cpu / 1000 / operations
  const reference = zookeeperSet.get(inFlight)
  return [
    where,
    String(inFlight),
    whole(perSecond),
    quantile(latencies, 0.5).toFixed(2),
    quantile(latencies, 0.99).toFixed(2),
    cpuMs.toFixed(3),
    leaderMs.toFixed(3),
    (cpuMs - leaderMs).toFixed(3),
    String(errors),
    reference === undefined ? '-' : (perSecond / reference.perSecond).toFixed(2),
    reference === undefined ? '-' : (cpuMs / reference.cpuMs).toFixed(2),
  ]
}
