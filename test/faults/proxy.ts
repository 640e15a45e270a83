/**
 * A network through a proxy: every member is dialled at an address of this process, which passes the bytes on and can hold them, delay
 * them, slow them down, or break the connection in the middle of what it carries. Who dials it reads in the hello (the first frame);
 * the bytes themselves it never touches.
 *
 * A direction that is cut holds its bytes, and the news that a side has closed; healed, a connection goes on or breaks, by chance: a
 * network does both. Only loopback addresses.
 */
import { connect, createServer, type Server, type Socket } from 'node:net'
import { decodeHello } from '../../lib/transport/handshake.js'
import type { Chance } from '../crash/chance.js'
import type { Direction, Network } from '../crash/network.js'
import { freePorts } from '../helpers/free-ports.js'

/** What a direction does to its bytes. */
export interface Weather {
  readonly delayMs?: number
  /** @default no limit */
  readonly bytesPerSecond?: number
  /** Nothing passes, but the sender is kept waiting: its buffers fill. */
  readonly clogged?: boolean
  /** After so many bytes more the connection is reset, whatever is half said. */
  readonly resetAfterBytes?: number
}

export interface ProxyNetwork extends Network {
  /** Replaces what was said before; directions that are not named are clear. */
  weather(of: (from: number, to: number) => Weather | undefined): void
  /** Connections broken in the middle of something. */
  readonly resets: number
}

/** What one direction may hold before the sender has to wait. */
const HELD_BYTES_MAX = 256 * 1024
const SLICE_MS = 20

export async function proxied(members: number, chance: Chance): Promise<ProxyNetwork> {
  const ports = await freePorts(members * 2)
  const real = ports.slice(0, members)
  const shown = ports.slice(members)
  const pipes = new Set<Pipe>()
  const conditions: Conditions = { cut: [], weather: () => undefined, resets: 0 }
  const servers: Server[] = []
  for (const [index, port] of shown.entries()) {
    const server = createServer({ allowHalfOpen: true }, socket => {
      meet(socket, real[index]!, index + 1, conditions, pipes).catch(() => socket.destroy())
    })
    await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))
    servers.push(server)
  }
  return {
    addresses: shown.map(port => `tcp://127.0.0.1:${port}`),
    listen: member => ({ port: real[member - 1]!, advertise: `tcp://127.0.0.1:${shown[member - 1]}` }),
    prefix: () => [],
    cut: async (directions: readonly Direction[]) => {
      const freed = [...pipes].filter(pipe => pipe.cut)
      conditions.cut = directions
      for (const pipe of freed) if (!pipe.cut && chance.next() < 0.5) pipe.break()
      for (const pipe of pipes) pipe.move()
    },
    weather: of => {
      conditions.weather = of
      for (const pipe of pipes) pipe.turn()
    },
    get resets() {
      return conditions.resets
    },
    close: async () => {
      for (const pipe of pipes) pipe.break()
      await Promise.all(servers.map(server => new Promise(resolve => server.close(resolve))))
    },
  }
}

interface Conditions {
  cut: readonly Direction[]
  weather: (from: number, to: number) => Weather | undefined
  resets: number
}

/** Reads who dials, then joins both sides. */
async function meet(inner: Socket, port: number, to: number, conditions: Conditions, pipes: Set<Pipe>): Promise<void> {
  const hello: Buffer[] = []
  let from: number | undefined
  inner.on('error', () => inner.destroy())
  for await (const chunk of inner.iterator({ destroyOnReturn: false })) {
    hello.push(chunk as Buffer)
    const bytes = Buffer.concat(hello)
    if (bytes.length < 4 || bytes.length < 4 + bytes.readInt32BE(0)) continue
    from = decodeHello(bytes.subarray(4, 4 + bytes.readInt32BE(0))).peer
    break
  }
  if (from === undefined) {
    inner.destroy()
    return
  }
  const outer = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  outer.on('error', () => outer.destroy())
  const both = [
    new Pipe(inner, outer, from, to, conditions, Buffer.concat(hello)),
    new Pipe(outer, inner, to, from, conditions),
  ]
  for (const pipe of both) {
    pipes.add(pipe)
    pipe.ended = () => pipes.delete(pipe)
  }
}

/** One direction of one connection. */
class Pipe {
  ended = (): void => {}
  readonly #source: Socket
  readonly #target: Socket
  readonly #from: number
  readonly #to: number
  readonly #conditions: Conditions
  readonly #queue: { readonly bytes: Buffer | undefined; readonly dueAt: number }[] = []
  #held = 0
  #left: number | undefined
  #allowance = 0
  #timer: NodeJS.Timeout | undefined
  #over = false

  constructor(source: Socket, target: Socket, from: number, to: number, conditions: Conditions, first?: Buffer) {
    this.#source = source
    this.#target = target
    this.#from = from
    this.#to = to
    this.#conditions = conditions
    this.turn()
    if (first !== undefined) this.#take(first)
    source.on('data', chunk => this.#take(chunk as Buffer))
    source.on('end', () => this.#take(undefined))
    source.on('close', () => this.#take(undefined))
    target.on('drain', () => this.move())
    // What the source still says goes nowhere; that nobody is there it learns from the pipe of the other direction.
    target.on('close', () => this.#end())
    source.resume()
  }

  get cut(): boolean {
    return this.#conditions.cut.some(([from, to]) => from === this.#from && to === this.#to)
  }

  /** The weather has changed. */
  turn(): void {
    this.#left = this.#weather.resetAfterBytes
    this.move()
  }

  /** Resets both sides. */
  break(): void {
    this.#conditions.resets += 1
    this.#source.resetAndDestroy()
    this.#target.resetAndDestroy()
    this.#end()
  }

  get #weather(): Weather {
    return this.#conditions.weather(this.#from, this.#to) ?? {}
  }

  #take(bytes: Buffer | undefined): void {
    if (this.#over) return
    this.#queue.push({ bytes, dueAt: performance.now() + (this.#weather.delayMs ?? 0) })
    this.#held += bytes?.length ?? 0
    if (this.#held > HELD_BYTES_MAX) this.#source.pause()
    this.move()
  }

  /** Passes on what may pass now. */
  move(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#over) return
    const { bytesPerSecond, clogged } = this.#weather
    if (this.cut || clogged === true) return
    if (bytesPerSecond !== undefined) this.#allowance = (bytesPerSecond * SLICE_MS) / 1000
    while (this.#queue.length > 0) {
      const { bytes, dueAt } = this.#queue[0]!
      const wait = dueAt - performance.now()
      if (wait > 0) return this.#later(wait)
      if (bytes === undefined) {
        this.#queue.length = 0
        this.#target.end()
        return
      }
      if (bytesPerSecond !== undefined && this.#allowance <= 0) return this.#later(SLICE_MS)
      if (this.#target.writableNeedDrain) return
      this.#queue.shift()
      if (!this.#pass(bytes, bytesPerSecond === undefined ? undefined : this.#allowance)) return
    }
    if (this.#held <= HELD_BYTES_MAX) this.#source.resume()
  }

  /** False once the connection is broken. */
  #pass(bytes: Buffer, allowance: number | undefined): boolean {
    const length = Math.min(bytes.length, Math.ceil(allowance ?? bytes.length), this.#left ?? bytes.length)
    if (length < bytes.length) this.#queue.unshift({ bytes: bytes.subarray(length), dueAt: 0 })
    this.#held -= length
    this.#allowance -= length
    if (!this.#target.destroyed) this.#target.write(bytes.subarray(0, length))
    if (this.#left === undefined) return true
    this.#left -= length
    if (this.#left > 0) return true
    // What was written before is to arrive: half a frame.
    this.#target.end(() => this.break())
    return false
  }

  #later(ms: number): void {
    this.#timer = setTimeout(() => this.move(), ms)
  }

  #end(): void {
    clearTimeout(this.#timer)
    this.#over = true
    this.#queue.length = 0
    this.#source.resume()
    this.ended()
  }
}
