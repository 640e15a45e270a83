/**
 * The process whose disk fails: one peer with its data on disk, and three writers that say, line by line and at once, what was
 * acknowledged. When the peer fails it says why, tries one more write, and lets go: nothing here ends the process by force, so it ends
 * only if the peer has left nothing behind.
 *
 * Run by disk-error-run.ts: victim.ts <VictimConfig as JSON>. With `verify`, it looks at what an earlier run acknowledged instead.
 */
import { readFileSync, writeSync } from 'node:fs'
import { Peer } from '../../lib/compose.js'
import { LevelStorage } from '../../lib/storage/level/level-storage.js'
import { type Acknowledged, bytesOf, linesOf, type VictimConfig, type VictimLine, verify } from './evidence.js'

const config = JSON.parse(process.argv[2]!) as VictimConfig
const say = (line: VictimLine): unknown => writeSync(1, `${JSON.stringify(line)}\n`)

if (config.verify !== undefined) {
  const acknowledged = linesOf(readFileSync(config.verify, 'utf8')).filter(line => line.kind === 'ok') as Acknowledged[]
  say({ kind: 'verified', violations: await verify(config.dataDir, acknowledged) })
} else await run()

async function run(): Promise<void> {
  const { dataDir, writes, valueBytes, checkpointLogBytes } = config
  // Little history is kept, so that the purge of the log is among the writes that fail.
  const store = new LevelStorage({ dataDir, ensemble: 'disk errors', peer: 1 as never, logBytesKept: 256 * 1024 })
  if (config.plant) {
    const append = store.append.bind(store)
    store.append = proposals => append(proposals).catch(() => {})
  }
  let peer: Peer
  try {
    peer = await Peer.open({
      id: 1,
      ensemble: 'disk errors',
      storage: store,
      checkpointLogBytes,
      diskFreeBytesMin: 0,
      tickMs: 100,
    })
  } catch (error) {
    say({ kind: 'refused', message: (error as Error).message })
    return
  }
  let failed = false
  peer.status$.subscribe(({ state, error }) => {
    if (state !== 'failed' || failed) return
    failed = true
    say({ kind: 'failed', message: String(error?.message) })
  })
  /** An answer that was given before the failure may be heard right behind it; one to a call of after it must not be. */
  const asked = async (call: Promise<unknown>): Promise<void> => {
    const late = failed
    await call
    if (late) say({ kind: 'wentOn' })
  }
  try {
    const client = await peer.client({ sessionTimeoutMs: 2000 })
    await Promise.all(
      [0, 1, 2].map(async writer => {
        const counter = `/count-${config.run}-${writer}`
        await client.create(counter)
        say({ kind: 'ok', path: counter, token: undefined, count: 0 })
        for (let count = 1; count <= writes; count++) {
          const token = `${config.run}-${writer}-${count}`
          const path = `/node-${token}`
          await asked(client.create(path, bytesOf(token, valueBytes)))
          say({ kind: 'ok', path, token, count: undefined })
          await asked(client.set(counter, Buffer.from(String(count))))
          say({ kind: 'ok', path: counter, token: undefined, count })
        }
      }),
    )
    await peer.close()
    say({ kind: 'closed' })
  } catch (error) {
    say({ kind: 'stopped', message: (error as Error).message })
    if (peer.status.state === 'running') throw error
    await oneMore(peer)
  }
}

/** What is asked for after the failure. */
async function oneMore(peer: Peer): Promise<void> {
  try {
    const client = await peer.client({ sessionTimeoutMs: 2000 })
    await client.create('/after-the-failure')
    say({ kind: 'wentOn' })
  } catch (error) {
    say({ kind: 'refusedAfterwards', message: (error as Error).message })
  }
}
