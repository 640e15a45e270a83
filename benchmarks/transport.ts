/**
 * How many frames a second go over a loopback connection and back, and what a frame costs, with 512 in flight? Answers the
 * question whether the transport is ever what limits a peer (target: 300,000 frames a second; a round trip is two).
 * Run: npx tsx benchmarks/transport.ts [seconds]. Both ends live in this one process, so the CPU time is that of both ends.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Connection, Transport } from '../lib/transport/transport.js'
import { ipc } from '../transports/ipc/index.js'
import { memory, memoryNetwork } from '../transports/memory/index.js'
import { tcp } from '../transports/tcp/index.js'

const IN_FLIGHT = 512
const SECRET = 'not a secret: a benchmark'
const seconds = Number(process.argv[2] ?? 2)
const directory = mkdtempSync(join(tmpdir(), 'viv-'))
const network = memoryNetwork()

const kinds: readonly [string, () => [Transport, Transport]][] = [
  ['memory', () => [memory({ network, name: 'a' }), memory({ network, name: 'b' })]],
  ['tcp', () => [tcp({ port: 0 }), tcp({ port: 0 })]],
  ['secret', () => [tcp({ port: 0, secret: SECRET }), tcp({ port: 0, secret: SECRET })]],
  ['ipc', () => [ipc({ path: join(directory, 'a.sock') }), ipc({ path: join(directory, 'b.sock') })]],
]

for (const [name, make] of kinds) {
  for (const size of [32, 256, 1024]) await measure(name, make, size)
}
rmSync(directory, { recursive: true })

async function measure(name: string, make: () => [Transport, Transport], size: number): Promise<void> {
  const [one, two] = make()
  await one.listen(echo)
  const connection = await two.dial(one.address, { signal: new AbortController().signal })
  let roundTrips = 0
  let onEnd: (() => void) | undefined
  const frame = [new Uint8Array(size)]
  connection.start({
    frame: () => {
      roundTrips++
      if (onEnd === undefined) connection.send(frame)
    },
    closed: () => onEnd?.(),
    drained: () => undefined,
  })
  for (let i = 0; i < IN_FLIGHT; i++) connection.send(frame)
  await sleep(500) // warm
  const begun = performance.now()
  const cpu = process.cpuUsage()
  const before = roundTrips
  await sleep(seconds * 1000)
  const elapsed = (performance.now() - begun) / 1000
  const { user, system } = process.cpuUsage(cpu)
  const frames = (roundTrips - before) * 2
  const perSecond = Math.round(frames / elapsed).toLocaleString('en')
  const cost = ((user + system) / frames).toFixed(2)
  console.log(
    `${name.padEnd(6)} ${String(size).padStart(5)} B  ${perSecond.padStart(10)} frames/s  ${cost} µs CPU per frame`,
  )
  await new Promise<void>(resolve => {
    onEnd = resolve
    connection.close()
  })
  await Promise.all([one.close(), two.close()])
}

function echo(connection: Connection): void {
  connection.start({
    frame: bytes => connection.send([bytes]),
    closed: () => undefined,
    drained: () => undefined,
  })
}

function sleep(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}
