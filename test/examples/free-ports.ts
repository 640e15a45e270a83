/** A base port such that base + 1 … base + count are free on loopback at this moment. */
import { createServer } from 'node:net'

export async function freeBasePort(count: number): Promise<number> {
  for (;;) {
    const base = 20_000 + Math.floor(Math.random() * 12_000)
    const taken = await Promise.all(Array.from({ length: count }, (_, index) => isTaken(base + 1 + index)))
    if (!taken.includes(true)) return base
  }
}

function isTaken(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(true))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(false)))
  })
}
