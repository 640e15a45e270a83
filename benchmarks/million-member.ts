/** One member of the ensemble of million.ts: a peer, and what it is asked about itself. Run by million.ts with --expose-gc. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Peer } from '../lib/index.js'
import { tcp } from '../transports/tcp/index.js'
import { ENSEMBLE, pathOf } from './million-data.js'

export interface MillionConfig {
  readonly id: number
  readonly dataDir: string
  readonly ports: readonly number[]
}
/** `load`: sets are begun at this rate, answered or not, until `end`; memory is sampled meanwhile. `settle`: a full collection, then memory. */
export type Ask =
  | { readonly kind: 'load'; readonly perSecond: number }
  | { readonly kind: 'end' }
  | { readonly kind: 'settle' }
export interface Memory {
  readonly rss: number
  readonly heap: number
  readonly external: number
}
export interface Loaded {
  readonly kind: 'loaded'
  /** Moments of this process's clock: when sets were answered. */
  readonly answered: readonly number[]
  readonly begun: number
  readonly errors: number
  /** The most while it lasted. */
  readonly rssMax: number
  /** Of the event loop: the longest it was held up, milliseconds. */
  readonly blockedMax: number
}
export type Told =
  | { readonly kind: 'status'; readonly role: string; readonly serving: boolean; readonly cpuMs: number }
  | ({ readonly kind: 'settled' } & Memory)
  | Loaded

const { id, dataDir, ports } = JSON.parse(process.argv[2]!) as MillionConfig
// Whoever started this process may have left meanwhile.
const tell = (told: Told) => process.connected && process.send!(told, undefined, undefined, () => {})
const peer = await Peer.open({
  id,
  dataDir,
  ensemble: ENSEMBLE,
  // So often that the measured seconds have several of them.
  checkpointLogBytes: 1024 * 1024,
  transport: tcp({ port: ports[id - 1]! }),
  members: Object.fromEntries(ports.map((port, index) => [index + 1, `tcp://127.0.0.1:${port}`])),
})
peer.status$.subscribe(({ role, serving }) => {
  const { user, system } = process.cpuUsage()
  tell({ kind: 'status', role, serving, cpuMs: (user + system) / 1000 })
})
let end = () => {}
process.on('disconnect', () => void peer.close())
process.on('message', async (ask: Ask) => {
  if (ask.kind === 'load') tell(await load(ask.perSecond))
  else if (ask.kind === 'end') end()
  else tell({ kind: 'settled', ...(await settled()) })
})

async function settled(): Promise<Memory> {
  for (let n = 0; n < 3; n++) {
    globalThis.gc?.()
    await new Promise(resolve => setTimeout(resolve, 300))
  }
  const { rss, heapUsed, external } = process.memoryUsage()
  return { rss, heap: heapUsed, external }
}

async function load(perSecond: number): Promise<Loaded> {
  await using zk = await peer.client()
  const data = new Uint8Array(100).fill(1)
  const answered: number[] = []
  let rssMax = 0
  let errors = 0
  let begun = 0
  const pending = new Set<Promise<void>>()
  const start = performance.now()
  const set = () => {
    const call = zk.set(pathOf((begun++ * 7919) % 1000), data).then(
      () => void answered.push(performance.now()),
      () => void errors++,
    )
    pending.add(call)
    void call.finally(() => pending.delete(call))
  }
  const delays = monitorEventLoopDelay({ resolution: 1 })
  delays.enable()
  await new Promise<void>(resolve => {
    let ticks = 0
    const timer = setInterval(() => {
      while (begun < ((performance.now() - start) * perSecond) / 1000) set()
      if (ticks++ % 20 === 0) rssMax = Math.max(rssMax, process.memoryUsage.rss())
    }, 2)
    end = () => {
      clearInterval(timer)
      resolve()
    }
  })
  delays.disable()
  await Promise.all(pending)
  return { kind: 'loaded', answered, begun, errors, rssMax, blockedMax: delays.max / 1e6 }
}
