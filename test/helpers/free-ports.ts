/**
 * Ports of this machine that nobody listens on, for processes that are killed and started again. Below the range from which the
 * kernel takes ports for outgoing connections: a redial must not take the port of the peer that it waits for.
 */
import { createServer } from 'node:net'

const LOWEST = 12_000
const HIGHEST = 31_999

export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = []
  while (ports.length < count) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST + 1))
    if (!ports.includes(port) && (await isFree(port))) ports.push(port)
  }
  return ports
}

function isFree(port: number): Promise<boolean> {
  const server = createServer()
  return new Promise(resolve => {
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
