/**
 * The peer under attack, in a process of its own, so that its memory is its own. Started with how many connections a second it takes; told over IPC what
 * to measure; ends with its parent.
 */
import { Peer } from '../../lib/index.js'

/** After a collection of garbage, or as it is. */
export type Question = 'settled' | 'as it is'

export interface Memory {
  readonly rss: number
  readonly heapTotal: number
  readonly heapUsed: number
  /** Outside the heap, owned by objects on it. */
  readonly external: number
}

export interface Answer {
  readonly memory: Memory
  readonly clients: number
  /** Of the processor, since its start. */
  readonly cpuMs: number
}

const GIVEN_BACK_MS = 300

const peer = await Peer.open({
  id: 1,
  dataDir: ':memory:',
  tickMs: 500,
  sessionTimeoutMinMs: 1000,
  logBytesKept: 4 * 1024 * 1024,
  checkpointLogBytes: 1024 * 1024,
  clientPort: {
    port: 0,
    host: '0.0.0.0',
    connectionsPerSecondMax: Number(process.argv[2]),
    sessionlessTimeoutMs: 1000,
    frameTimeoutMs: 1000,
    fourLetterWords: ['srvr', 'mntr'],
  },
})
await peer.serving()

/** What the first collection ends, the next one frees; pages and buffers are given back by threads beside it, a moment later. */
async function settle(): Promise<void> {
  for (let round = 0; round < 3; round++) {
    globalThis.gc?.()
    await new Promise(resolve => setTimeout(resolve, GIVEN_BACK_MS))
  }
}

process.on('message', async (question: Question) => {
  const { user, system } = process.cpuUsage()
  if (question === 'settled') await settle()
  process.send?.({
    memory: process.memoryUsage(),
    clients: peer.status.clients,
    cpuMs: (user + system) / 1000,
  } satisfies Answer)
})
process.on('disconnect', () => process.exit())
process.send?.({ port: peer.clientPort!.port, pid: process.pid })
