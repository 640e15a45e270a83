/**
 * A minimal client of ZooKeeper's protocol over a socket: sends what it is told to, right or wrong, and keeps everything that comes back in the order
 * in which it came. No reconnecting, no pinging by itself.
 */
import { connect as dial, type Socket } from 'node:net'
import { OpCode, Xid } from '../../lib/jute/op-codes.js'
import { JuteReader } from '../../lib/jute/reader.js'
import * as records from '../../lib/jute/records.js'
import type { Jute } from '../../lib/jute/schema.js'
import { JuteWriter } from '../../lib/jute/writer.js'
import type { SessionId } from '../../lib/model/ids.js'
import { ZERO, type Zxid } from '../../lib/model/zxid.js'
import { FrameDecoder } from '../../lib/transport/frame.js'

/** A frame behind the ConnectResponse. */
export interface WireFrame {
  readonly xid: number
  readonly zxid: Zxid
  readonly err: number
  /** Behind the header. */
  readonly body: Uint8Array
}

export interface ConnectOptions {
  readonly timeOut?: number
  readonly session?: SessionId
  readonly passwd?: Uint8Array
  readonly lastZxidSeen?: Zxid
  /** Undefined leaves the field out, as clients before 3.4 do. */
  readonly readOnly?: boolean | undefined
}

export class WireClient {
  readonly socket: Socket
  readonly #decoder = new FrameDecoder({ firstFrameBytesMax: 4 * 1024 * 1024, frameBytesMax: 4 * 1024 * 1024 })
  readonly frames: WireFrame[] = []
  #response: records.ConnectResponse | undefined
  /** As it came. */
  responseBytes: Uint8Array | undefined
  ended = false
  #listeners: (() => void)[] = []
  #lastXid = 0

  private constructor(socket: Socket) {
    this.socket = socket
    socket.setNoDelay(true)
    socket.on('data', chunk => this.#receive(chunk as Buffer))
    socket.on('error', () => {})
    socket.on('close', () => {
      this.ended = true
      this.#told()
    })
  }

  /** A connection on which nothing was said. */
  static async open(port: number): Promise<WireClient> {
    const socket = dial(port, '127.0.0.1')
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject))
    return new WireClient(socket)
  }

  /** With a session, or refused: then `response.timeOut` is 0, or the connection has ended without an answer. */
  static async connect(port: number, options: ConnectOptions = {}): Promise<WireClient> {
    const client = await WireClient.open(port)
    client.hello(options)
    await client.until(() => client.#response !== undefined || client.ended)
    return client
  }

  hello({ timeOut = 10_000, session, passwd, lastZxidSeen = ZERO, ...rest }: ConnectOptions = {}): void {
    this.frame(writer =>
      records.connectRequest.write(writer, {
        protocolVersion: 0,
        lastZxidSeen,
        timeOut,
        sessionId: session ?? records.NO_SESSION,
        passwd: passwd ?? new Uint8Array(records.PASSWORD_BYTES),
        readOnly: 'readOnly' in rest ? rest.readOnly : false,
      }),
    )
  }

  get response(): records.ConnectResponse {
    if (this.#response === undefined) throw new Error('no ConnectResponse has come')
    return this.#response
  }

  get session(): { readonly session: SessionId; readonly passwd: Uint8Array } {
    const { sessionId, passwd } = this.response
    return { session: sessionId, passwd: passwd ?? new Uint8Array(0) }
  }

  /** One frame with this content. */
  frame(write: (writer: JuteWriter) => void): void {
    const writer = new JuteWriter()
    writer.begin()
    write(writer)
    writer.end()
    this.socket.write(writer.take())
  }

  /** Sends a request; returns its xid. */
  send<B>(type: number, body: Jute<B>, value: B, xid?: number): number
  send(type: number, body?: undefined, value?: undefined, xid?: number): number
  send<B>(type: number, body?: Jute<B>, value?: B, xid = this.nextXid()): number {
    this.frame(writer => {
      records.requestHeader.write(writer, { xid, type })
      body?.write(writer, value as B)
    })
    return xid
  }

  nextXid(): number {
    this.#lastXid += 1
    return this.#lastXid
  }

  /** Sends a request and waits for its answer. */
  async ask<B>(type: number, body?: Jute<B>, value?: B): Promise<WireFrame> {
    return this.answer(this.send(type, body as Jute<B>, value as B))
  }

  async ping(): Promise<WireFrame> {
    const before = this.frames.filter(({ xid }) => xid === Xid.ping).length
    this.send(OpCode.ping, undefined, undefined, Xid.ping)
    await this.until(() => this.frames.filter(({ xid }) => xid === Xid.ping).length > before)
    return this.frames.filter(({ xid }) => xid === Xid.ping).at(-1)!
  }

  async answer(xid: number): Promise<WireFrame> {
    await this.until(() => this.frames.some(frame => frame.xid === xid) || this.ended)
    const found = this.frames.find(frame => frame.xid === xid)
    if (found === undefined) throw new Error(`the connection has ended without an answer to ${xid}`)
    return found
  }

  /** Events so far, with their place among the frames. */
  get events(): { readonly type: number; readonly path: string; readonly zxid: Zxid }[] {
    return this.frames
      .filter(({ xid }) => xid === Xid.notification)
      .map(({ body, zxid }) => {
        const { type, path } = records.watcherEvent.read(new JuteReader(body))
        return { type, path, zxid }
      })
  }

  async until(condition: () => boolean, withinMs = 15_000): Promise<void> {
    const deadline = Date.now() + withinMs
    while (!condition()) {
      if (Date.now() > deadline) throw new Error(`not so within ${withinMs} ms: ${condition}`)
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, Math.max(1, deadline - Date.now()))
        this.#listeners.push(() => {
          clearTimeout(timer)
          resolve()
        })
      })
    }
  }

  async close(): Promise<void> {
    this.socket.destroy()
    await this.until(() => this.ended)
  }

  #receive(chunk: Buffer): void {
    this.#decoder.push(chunk)
    for (let frame = this.#decoder.next(); frame !== undefined; frame = this.#decoder.next()) this.#take(frame)
    this.#told()
  }

  #take(frame: Uint8Array): void {
    const reader = new JuteReader(frame)
    if (this.#response === undefined) {
      this.responseBytes = frame.slice()
      this.#response = records.connectResponse.read(reader)
      return
    }
    const { xid, zxid, err } = records.replyHeader.read(reader)
    this.frames.push({ xid, zxid, err, body: frame.slice(16) })
  }

  #told(): void {
    const listeners = this.#listeners
    this.#listeners = []
    for (const listener of listeners) listener()
  }
}

/** What comes back for four raw bytes, if it comes in time: a server that is just beginning may never answer. */
export async function word(port: number, text: string, withinMs = 5000): Promise<string> {
  const socket = dial(port, '127.0.0.1')
  socket.setTimeout(withinMs, () => socket.destroy())
  const parts: Buffer[] = []
  socket.on('data', part => parts.push(part as Buffer))
  socket.on('error', () => {})
  socket.write(text)
  await new Promise(resolve => socket.once('close', resolve))
  return Buffer.concat(parts).toString()
}

/** The body of an answer, read as this record. */
export function bodyOf<T>({ body }: WireFrame, record: Jute<T>): T {
  return record.read(new JuteReader(body))
}
