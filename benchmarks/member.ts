/** One member of a benchmark's ensemble: a peer with default options, and the clients that load it. Run by harness.ts. */
import { Peer } from '../lib/index.js'
import { tcp } from '../transports/tcp/index.js'
import { type Done, type MemberConfig, monotonicMs, type Status, type Task } from './harness.js'

const PATHS = 10_000
const LATENCIES_MAX = 200_000
const { id, dataDir, ports } = JSON.parse(process.argv[2]!) as MemberConfig
// Once the harness has gone there is nobody to tell: the error of such a send is heard here, not thrown.
const tell = (message: Done | Status) => process.connected && process.send!(message, () => {})

const peer = await Peer.open({
  id,
  dataDir,
  transport: tcp({ port: ports[id - 1]! }),
  members: Object.fromEntries(ports.map((port, index) => [index + 1, `tcp://127.0.0.1:${port}`])),
})
peer.status$.subscribe(({ role, serving }) => tell({ kind: 'status', role, serving }))
process.on('disconnect', () => void peer.close())

type Client = Awaited<ReturnType<typeof peer.client>>
const clients: Client[] = []
const pathOf = (index: number) => `/bench/n${index % PATHS}`
const created = (index: number) => `/bench/n${index}`

process.on('message', async (task: Task) => {
  if (task.kind === 'create') return tell(await measured(0, () => create(task.count, task.bytes)))
  if (task.kind === 'view') return tell(view(task.ms))
  if (task.kind === 'open session') {
    await open(1)
    return tell(await measured(0, async () => ({ operations: 1, errors: 0, latencies: [] })))
  }
  if (task.kind === 'first write') {
    const write = () => clients[0]!.set(pathOf(0), new Uint8Array(100))
    return tell(await measured(0, () => load(write, 1, 0)))
  }
  await open(task.clients)
  const data = new Uint8Array(100).fill(7)
  let turn = id * 1000
  const call =
    task.kind === 'set'
      ? () => clients[turn % task.clients]!.set(pathOf(turn++), data)
      : () => clients[turn % task.clients]!.get(pathOf(turn++))
  tell(await measured(task.ms, () => load(call, task.inFlight, task.ms)))
})

async function open(count: number): Promise<void> {
  while (clients.length < count) clients.push(await peer.client())
}

async function create(count: number, bytes: number): Promise<Omit<Work, 'elapsed'>> {
  await open(1)
  const zk = clients[0]!
  await zk.create('/bench', undefined, { ifMissing: true })
  for (let at = 0; at < count; at += 500) {
    const batch = Array.from({ length: Math.min(500, count - at) }, (_, i) =>
      zk.create(created(at + i), new Uint8Array(bytes).fill(1), { ifMissing: true }),
    )
    await Promise.all(batch)
  }
  return { operations: count, errors: 0, latencies: [] }
}

interface Work {
  readonly operations: number
  readonly errors: number
  readonly latencies: readonly number[]
}

/** Keeps `inFlight` calls without an answer until the time is over; once each when there is no time. */
async function load(call: () => Promise<unknown>, inFlight: number, ms: number): Promise<Work> {
  const until = performance.now() + ms
  const latencies: number[] = []
  let operations = 0
  let errors = 0
  const lane = async (): Promise<void> => {
    do {
      const begun = performance.now()
      try {
        await call()
        operations++
        if (latencies.length < LATENCIES_MAX) latencies.push(performance.now() - begun)
      } catch {
        errors++
      }
    } while (performance.now() < until)
  }
  await Promise.all(Array.from({ length: inFlight }, lane))
  return { operations, errors, latencies }
}

/** `atLeastMs`: a member without a load stands by as long as the others work. */
async function measured(atLeastMs: number, work: () => Promise<Work>): Promise<Done> {
  const cpu = process.cpuUsage()
  const begun = performance.now()
  const [done] = await Promise.all([work(), new Promise(resolve => setTimeout(resolve, atLeastMs))])
  const elapsed = performance.now() - begun
  const { user, system } = process.cpuUsage(cpu)
  return { kind: 'done', ...done, elapsed, cpu: user + system, at: monotonicMs() }
}

/** Synchronous look-ups of existing znodes, every path in turn; the sum keeps them from being optimised away. */
function view(ms: number): Done {
  const paths = Array.from({ length: PATHS }, (_, index) => pathOf(index))
  const cpu = process.cpuUsage()
  const begun = performance.now()
  let operations = 0
  let bytes = 0
  do {
    for (const path of paths) bytes += peer.view.get(path)!.data!.length
    operations += paths.length
  } while (performance.now() - begun < ms)
  const elapsed = performance.now() - begun
  const { user, system } = process.cpuUsage(cpu)
  const errors = bytes === operations * 100 ? 0 : 1
  return { kind: 'done', operations, errors, latencies: [], elapsed, cpu: user + system, at: monotonicMs() }
}
