/** The peer under attack, in a process of its own, so that its memory is its own. Told over IPC what to measure; ends with its parent. */
import { Peer } from '../../lib/index.js'

export type Question = 'memory'
export interface Answer {
  /** Where it listens; then, for each question, what it takes after a collection of garbage. */
  readonly port?: number
  readonly rssBytes?: number
  readonly heapBytes?: number
  readonly clients?: number
  /** Of the processor, since its start. */
  readonly cpuMs?: number
}

const peer = await Peer.open({
  id: 1,
  dataDir: ':memory:',
  tickMs: 500,
  sessionTimeoutMinMs: 1000,
  logBytesKept: 4 * 1024 * 1024,
  checkpointLogBytes: 1024 * 1024,
  clientPort: { port: 0, host: '0.0.0.0', sessionlessTimeoutMs: 1000, frameTimeoutMs: 1000 },
})
await peer.serving()

const tell = (answer: Answer): void => {
  process.send?.(answer)
}

process.on('message', () => {
  const { user, system } = process.cpuUsage()
  // Twice: what the first one ends, the second one frees.
  for (let round = 0; round < 2; round++) globalThis.gc?.()
  const { rss, heapUsed } = process.memoryUsage()
  tell({ rssBytes: rss, heapBytes: heapUsed, clients: peer.status.clients, cpuMs: (user + system) / 1000 })
})
process.on('disconnect', () => process.exit())
tell({ port: peer.clientPort!.port })
