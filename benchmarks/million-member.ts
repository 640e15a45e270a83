/** One member of the ensemble of million.ts: a peer, and what it is asked about itself. Run by million.ts. */
import { Peer } from '../lib/index.js'
import { tcp } from '../transports/tcp/index.js'
import { ENSEMBLE, pathOf } from './million-data.js'

export interface MillionConfig {
  readonly id: number
  readonly dataDir: string
  readonly ports: readonly number[]
}
/** Sets are begun at this rate, answered or not; `rss` samples this process meanwhile. */
export type Ask = { readonly kind: 'load'; readonly perSecond: number; readonly ms: number }
export type Told =
  | { readonly kind: 'status'; readonly role: string; readonly serving: boolean; readonly cpuMs: number }
  /** Moments of this process's clock: when sets were answered, and samples of its resident memory. */
  | {
      readonly kind: 'loaded'
      readonly answered: readonly number[]
      readonly errors: number
      readonly rss: readonly number[]
    }

const { id, dataDir, ports } = JSON.parse(process.argv[2]!) as MillionConfig
const tell = (told: Told) => process.connected && process.send!(told)
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
process.on('disconnect', () => void peer.close())
process.on('message', async (ask: Ask) => tell(await load(ask)))

async function load({ perSecond, ms }: Ask): Promise<Told> {
  await using zk = await peer.client()
  const data = new Uint8Array(100).fill(1)
  const answered: number[] = []
  const rss: number[] = []
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
  await new Promise<void>(resolve => {
    const timer = setInterval(() => {
      const elapsed = performance.now() - start
      while (begun < (Math.min(elapsed, ms) * perSecond) / 1000) set()
      if (begun % 50 < 5) rss.push(process.memoryUsage.rss())
      if (elapsed < ms) return
      clearInterval(timer)
      resolve()
    }, 2)
  })
  await Promise.all(pending)
  return { kind: 'loaded', answered, errors, rss }
}
