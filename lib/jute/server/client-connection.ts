/**
 * One connection of a ZooKeeper client: bytes in, requests to the channel; answers and events out, in the order in which the channel tells them.
 *
 *   greeting → attaching → attached → ending
 *
 * Always holds: until there is a session only a ConnectRequest is understood (or a four-letter word, in place of everything); answers leave in
 * the order of the requests, each under the number that its request had (C2); an event leaves before any answer that reflects its change
 * (W1: both come from one FIFO). Whatever cannot be read ends this connection and nothing else. Who does not read his answers is not
 * read from, and in the end not kept.
 * Before: client-port.ts. After: client/channel.ts; wire-request.ts reads, answer-frames.ts writes, asked-requests.ts remembers. Semantics §5, §18.
 */
import type { Socket } from 'node:net'
import type { ChannelAttachment, ChannelReceiver } from '../../client/channel.js'
import { type ErrorCode, hasCode, type Outcome, type ReplyCode } from '../../model/errors.js'
import type { SessionId } from '../../model/ids.js'
import type { ClientRequest } from '../../model/request.js'
import type { Response } from '../../model/response.js'
import type { WatchEvent } from '../../model/watch-event.js'
import { ZERO, type Zxid } from '../../model/zxid.js'
import { FrameDecoder } from '../../transport/frame.js'
import { isOurLimit, replyCodeOf } from '../error-codes.js'
import type { JuteWriter } from '../writer.js'
import type { Refusal, Stranger } from './admission.js'
import { writeAnswer, writeEvent, writeRefusal, writeSession } from './answer-frames.js'
import { type Asked, AskedRequests, type Asker } from './asked-requests.js'
import { FIRST_FRAME_BYTES_MAX } from './client-port-limits.js'
import type { ConnectionPorts } from './connection-ports.js'
import { WORD_BYTES } from './four-letter-words.js'
import { OutQueue } from './out-queue.js'
import type { Waiting } from './shared-limits.js'
import { Traffic } from './traffic.js'
import { readRequest, readSessionRequest } from './wire-request.js'

export class ClientConnection implements ChannelReceiver, Waiting, Asker, Stranger {
  readonly traffic = new Traffic()
  readonly address: string
  /** For those who ask how it goes: when it began, and the last answer. */
  readonly openedAt: number
  last: { readonly opCode: number; readonly xid: number; readonly at: number; readonly latencyMs: number } | undefined
  session: SessionId | undefined
  timeoutMs = 0
  lastZxid: Zxid = ZERO
  readonly #socket: Socket
  readonly #ports: ConnectionPorts
  readonly #decoder: FrameDecoder
  readonly #out: OutQueue
  #stage: 'greeting' | 'attaching' | 'attached' | 'ending' = 'greeting'
  /** The first bytes, while they could still become a word. */
  #greeting: Buffer | undefined = Buffer.alloc(0)
  #attachment: ChannelAttachment | undefined
  /** Reads of a peer without a leader will do for it, and are to be had. */
  #readOnly = false
  /** The client knows of read-only servers. */
  #knowsReadOnly = false
  readonly #asked: AskedRequests
  /** A request that ends the connection was taken: nothing behind it is. */
  #lastTaken = false
  #frameSince: number | undefined
  #endingSince = 0

  constructor(socket: Socket, ports: ConnectionPorts) {
    this.#socket = socket
    this.#ports = ports
    this.#out = new OutQueue(socket)
    this.#asked = new AskedRequests(ports, this)
    this.address = `${socket.remoteAddress ?? ''}:${socket.remotePort ?? ''}`
    this.openedAt = ports.clock.now()
    this.#decoder = new FrameDecoder({
      firstFrameBytesMax: FIRST_FRAME_BYTES_MAX,
      frameBytesMax: ports.limits.frameBytesMax,
    })
    socket.setNoDelay(true)
    socket.on('data', chunk => this.#receive(chunk as Buffer))
    socket.on('drain', () => this.goOn())
    // What went wrong on the way is followed by 'close', which says it all.
    socket.on('error', () => {})
    socket.once('close', () => {
      this.#leave()
      ports.closed(this)
    })
  }

  /** Requests without an answer. */
  get outstanding(): number {
    return this.#asked.count
  }

  get waitsForUs(): boolean {
    return this.#stage === 'attaching'
  }

  /** Gives up the connection, whatever it was about to say; its session lives on. */
  giveUp(why?: Refusal): void {
    if (why !== undefined) this.#ports.refused(why)
    this.#leave()
    this.#socket.destroy()
  }

  /** Called now and then: what has taken too long ends. */
  sweep(now: number): void {
    const { sessionlessTimeoutMs, frameTimeoutMs } = this.#ports.limits
    const sessionless = this.#stage === 'greeting' || this.#stage === 'attaching'
    if (sessionless && now - this.openedAt > sessionlessTimeoutMs) this.giveUp()
    else if (this.#frameSince !== undefined && now - this.#frameSince > frameTimeoutMs) this.giveUp()
    else if (this.#stage === 'ending' && now - this.#endingSince > frameTimeoutMs) this.giveUp()
  }

  // --- what the client sends

  #receive(chunk: Buffer): void {
    if (this.#stage === 'ending') return
    const { completed } = this.#decoder
    const bytes = this.#greeting === undefined ? chunk : this.#greet(this.#greeting, chunk)
    if (bytes === undefined) return
    this.#decoder.push(bytes)
    this.#read()
    if (this.#decoder.completed !== completed || !this.#decoder.midFrame) this.#frameSince = undefined
    if (this.#decoder.midFrame) this.#frameSince ??= this.#ports.clock.now()
  }

  /** What belongs to frames. Undefined while the first bytes could still be a word, and when they are one. */
  #greet(before: Buffer, chunk: Buffer): Buffer | undefined {
    const bytes = Buffer.concat([before, chunk])
    this.#greeting = bytes.length < WORD_BYTES ? bytes : undefined
    if (bytes.length < WORD_BYTES) return undefined
    const answer = this.#ports.word(bytes.toString('latin1', 0, WORD_BYTES))
    if (answer === undefined) return bytes
    // Nothing more is read of it, nor is a word that takes its time lost to what follows.
    this.#socket.pause()
    void Promise.resolve(answer)
      .catch(() => '')
      .then(text => this.#end(text))
    return undefined
  }

  /** Takes frames as long as it may. */
  #read(): void {
    try {
      while (!this.#blocked()) {
        const frame = this.#decoder.next()
        if (frame === undefined) break
        this.#take(frame)
      }
    } catch (error) {
      if (!hasCode(error, 'PROTOCOL_ERROR')) throw error
      return this.giveUp()
    }
    if (this.#stage === 'ending') return
    if (!this.#ports.large.admits(this.#decoder.partialBytes)) return this.giveUp('large requests')
    this.#ports.shared.partial(this, this.#decoder.partialBytes)
    if (this.#blocked()) this.#socket.pause()
    else this.#socket.resume()
  }

  goOn(): void {
    if (this.#stage !== 'ending' && this.#socket.isPaused()) this.#read()
  }

  #blocked(): boolean {
    if (this.#stage === 'attaching' || this.#stage === 'ending' || this.#lastTaken) return true
    const { limits, shared } = this.#ports
    const own = this.#asked.count
    if (own >= limits.connectionOutstandingMax || this.#out.bytes > limits.outQueueBytesPause) return true
    if (own === 0 || !shared.crowded) return false
    shared.wait(this)
    return true
  }

  #take(frame: Uint8Array): void {
    for (const traffic of [this.traffic, this.#ports.traffic]) traffic.received += 1
    if (this.#stage === 'greeting') this.#attach(frame)
    else this.#request(frame)
  }

  #attach(frame: Uint8Array): void {
    const { readOnly, ...asked } = readSessionRequest(frame)
    const { tokens, channel, localSessions } = this.#ports
    if (!this.#ports.serves()) return this.giveUp()
    const isNew = asked.resume === undefined
    if (!tokens.take(isNew ? (localSessions ? 'local' : 'global') : 'renew')) return this.giveUp('sessions at once')
    this.#stage = 'attaching'
    this.#knowsReadOnly = readOnly !== undefined
    this.#decoder.established()
    this.#readOnly = readOnly === true && this.#ports.readOnly()
    const attach = (): void => {
      this.#attachment = channel.attach({ ...asked, readOnly: this.#readOnly }, this)
    }
    if (isNew) this.#asked.open(attach)
    else attach()
  }

  #request(frame: Uint8Array): void {
    if (!this.#ports.large.admits(frame.length)) return this.giveUp('large requests')
    const request = readRequest(frame, this.#ports.channel.dataBytesMax)
    this.#lastTaken = request.translated.last === true
    this.#asked.add(request, frame.length)
  }

  /** A request has its turn. Of a connection that has gone it is the last one, for its session's end. */
  send(cxid: number, request: ClientRequest): void {
    this.#attachment?.send(cxid, request)
    if (this.#stage === 'ending') this.#attachment?.detach()
  }

  // --- what the channel tells

  attached(granted: Parameters<ChannelReceiver['attached']>[0]): void {
    this.#asked.opened()
    this.#stage = 'attached'
    this.#ports.welcomed(this)
    this.#readOnly = granted.readOnly === true
    this.session = granted.session
    this.timeoutMs = granted.timeoutMs
    this.#write(writer => writeSession(writer, granted, this.#readOnlyAsTold))
    this.goOn()
  }

  reply(cxid: number, zxid: Zxid, response: Response): void {
    if (this.#stage === 'ending') return
    const asked = this.#asked.take(cxid)
    const code = asked.translated.refusal ?? (response.kind === 'error' ? response.code : undefined)
    this.#answer(asked, zxid, code, response)
  }

  failed(cxid: number, code: ErrorCode, outcome: Outcome): void {
    if (code === 'AUTH_FAILED' || code === 'SESSION_CLOSED_REQUIRE_SASL_AUTH') return this.#turnedAway(cxid, code)
    const replyCode = outcome === 'not-applied' && isOurLimit(code) ? replyCodeOf(code) : undefined
    // Nothing can be said of it: the client will see its connection lost.
    if (replyCode === undefined || this.#asked.first?.cxid !== cxid) return this.#end()
    this.#answer(this.#asked.take(cxid), this.lastZxid, replyCode, undefined)
  }

  /** Said at once, ahead of what was asked before; the end follows. */
  #turnedAway(cxid: number, code: ReplyCode): void {
    const xid = this.#asked.xidOf(cxid)
    if (xid !== undefined) this.#write(writer => writeRefusal(writer, xid, code))
    this.#end()
  }

  event(event: WatchEvent): void {
    this.#write(writer => writeEvent(writer, event))
  }

  /** Outside a working ensemble nobody is served, unless reads will do: the client looks for another server. */
  serving(serving: boolean): void {
    if (!serving && !this.#readOnly) this.#end()
  }

  detached(code: ErrorCode): void {
    if (this.#stage === 'attaching' && code === 'SESSION_EXPIRED')
      this.#write(writer => writeSession(writer, undefined, this.#readOnlyAsTold))
    this.#end()
  }

  // --- what the client is sent

  /** Only clients that know of it are told. */
  get #readOnlyAsTold(): boolean | undefined {
    return this.#knowsReadOnly ? this.#readOnly : undefined
  }

  #answer(asked: Asked, zxid: Zxid, code: ReplyCode | undefined, response: Response | undefined): void {
    const { xid, opCode, translated, since } = asked
    const at = this.#ports.clock.now()
    const latencyMs = at - since
    this.last = { opCode, xid, at, latencyMs }
    this.lastZxid = zxid
    for (const traffic of [this.traffic, this.#ports.traffic]) traffic.answered(latencyMs)
    this.#write(writer => writeAnswer(writer, asked, zxid, code, response))
    if (translated.last) this.#end()
    this.#asked.over(asked)
    this.goOn()
  }

  #write(frame: (writer: JuteWriter) => void): void {
    if (this.#stage === 'ending') return
    const bytes = this.#out.frame(frame)
    for (const traffic of [this.traffic, this.#ports.traffic]) traffic.said(bytes)
    if (this.#out.bytes > this.#ports.limits.outQueueBytesMax) this.giveUp()
  }

  // --- the end

  /** What is written reaches the client, if it reads; then the connection is closed. */
  #end(text?: string): void {
    if (this.#stage === 'ending') return
    this.#leave()
    this.#out.end(text)
  }

  /** Its session, if it has one, goes on without it. */
  #leave(): void {
    if (this.#stage === 'ending') return
    this.#stage = 'ending'
    this.#endingSince = this.#ports.clock.now()
    this.#frameSince = undefined
    if (!this.#asked.clear()) this.#attachment?.detach()
    this.#ports.shared.forget(this)
  }
}
