/**
 * One connection of a ZooKeeper client: bytes in, requests to the channel; answers and events out, in the order in which the channel tells them.
 *
 *   greeting → attaching → attached → ending
 *
 * Always holds: until there is a session only a ConnectRequest is understood (or a four-letter word, in place of everything); answers leave in
 * the order of the requests, each under the number that its request had (C2); an event leaves before any answer that reflects its change
 * (W1: both come from one FIFO). Whatever cannot be read ends this connection and nothing else. Who does not read his answers is not
 * read from, and in the end not kept.
 * Before: client-port.ts. After: client/channel.ts; translate.ts has the opcodes. Semantics §5, §18.
 */
import type { Socket } from 'node:net'
import type { Channel, ChannelAttachment, ChannelReceiver, ClientClock } from '../../client/channel.js'
import { type ErrorCode, hasCode, type Outcome, type ReplyCode } from '../../model/errors.js'
import type { SessionId } from '../../model/ids.js'
import { invariant } from '../../model/invariant.js'
import { requestRefusal } from '../../model/request-check.js'
import type { Response } from '../../model/response.js'
import type { WatchEvent } from '../../model/watch-event.js'
import { ZERO, type Zxid } from '../../model/zxid.js'
import { FrameDecoder } from '../../transport/frame.js'
import { numberOfCode, replyCodeOf } from '../error-codes.js'
import { asSeen } from '../model-values.js'
import { NO_ZXID, OpCode, Xid } from '../op-codes.js'
import { JuteReader } from '../reader.js'
import * as records from '../records.js'
import { type Translated, translate } from '../translate.js'
import { STATE_CONNECTED, typeOfEvent } from '../watch-events.js'
import type { JuteWriter } from '../writer.js'
import { type ClientPortLimits, FIRST_FRAME_BYTES_MAX } from './client-port-limits.js'
import { OutQueue } from './out-queue.js'
import type { SharedLimits, Waiting } from './shared-limits.js'
import { Traffic } from './traffic.js'

const NO_PASSWORD = new Uint8Array(records.PASSWORD_BYTES)
const WORD_BYTES = 4

interface Pending {
  readonly cxid: number
  readonly xid: number
  readonly opCode: number
  readonly translated: Translated
  /** Monotonic milliseconds. */
  readonly since: number
}

export interface ConnectionPorts {
  readonly limits: ClientPortLimits
  readonly shared: SharedLimits
  readonly clock: ClientClock
  /** Of the whole port. */
  readonly traffic: Traffic
  readonly channel: Channel
  /** Whether the peer has no leader, and gives reads to those who ask for that. */
  readOnly(): boolean
  /** The answer to a four-letter word; undefined if these are no word. */
  word(word: string): string | undefined
  /** Nothing of it is left. */
  closed(connection: ClientConnection): void
}

export class ClientConnection implements ChannelReceiver, Waiting {
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
  #lastCxid = 0
  #pending: Pending[] = []
  /** A request that ends the connection was taken: nothing behind it is. */
  #lastTaken = false
  #frameSince: number | undefined
  #endingSince = 0

  constructor(socket: Socket, ports: ConnectionPorts) {
    this.#socket = socket
    this.#ports = ports
    this.#out = new OutQueue(socket)
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
    socket.once('close', () => this.#closed())
  }

  /** Requests without an answer. */
  get outstanding(): number {
    return this.#pending.length
  }

  /** Gives up the connection, whatever it was about to say; its session lives on. */
  giveUp(): void {
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
    if (this.#greeting === undefined) this.#decoder.push(chunk)
    else if (!this.#greet(chunk)) return
    this.#read()
    if (this.#decoder.completed !== completed || !this.#decoder.midFrame) this.#frameSince = undefined
    if (this.#decoder.midFrame) this.#frameSince ??= this.#ports.clock.now()
  }

  /** True when the first bytes are none of a word, and have gone to the decoder. */
  #greet(chunk: Buffer): boolean {
    const bytes = Buffer.concat([this.#greeting!, chunk])
    this.#greeting = bytes
    if (bytes.length < WORD_BYTES) return false
    this.#greeting = undefined
    const answer = this.#ports.word(bytes.toString('latin1', 0, WORD_BYTES))
    if (answer === undefined) {
      this.#decoder.push(bytes)
      return true
    }
    this.#end(answer)
    return false
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
    this.#ports.shared.partial(this, this.#decoder.partialBytes)
    if (this.#blocked()) this.#socket.pause()
    else this.#socket.resume()
  }

  /** There may be room again. */
  goOn(): void {
    if (this.#stage !== 'ending' && this.#socket.isPaused()) this.#read()
  }

  #blocked(): boolean {
    if (this.#stage === 'attaching' || this.#stage === 'ending' || this.#lastTaken) return true
    const { limits, shared } = this.#ports
    const own = this.#pending.length
    if (own >= limits.connectionOutstandingMax || this.#out.bytes > limits.outQueueBytesPause) return true
    if (own === 0 || !shared.crowded) return false
    shared.wait(this)
    return true
  }

  #take(frame: Uint8Array): void {
    this.traffic.received += 1
    this.#ports.traffic.received += 1
    if (this.#stage === 'greeting') this.#attach(new JuteReader(frame))
    else this.#request(frame)
  }

  #attach(reader: JuteReader): void {
    const { timeOut, lastZxidSeen, sessionId, passwd, readOnly } = records.connectRequest.read(reader)
    this.#stage = 'attaching'
    this.#knowsReadOnly = readOnly !== undefined
    this.#decoder.established()
    const resume =
      sessionId === records.NO_SESSION ? undefined : { session: sessionId, password: passwd ?? new Uint8Array(0) }
    this.#readOnly = readOnly === true && this.#ports.readOnly()
    const options = { timeoutMs: timeOut, resume, lastZxidSeen: asSeen(lastZxidSeen), readOnly: this.#readOnly }
    this.#attachment = this.#ports.channel.attach(options, this)
  }

  #request(frame: Uint8Array): void {
    const reader = new JuteReader(frame)
    const { xid, type } = records.requestHeader.read(reader)
    const translated = this.#judged(translate(type, reader))
    // A secret, of which the channel overwrites its copy.
    if (type === OpCode.auth) frame.fill(0)
    this.#lastTaken = translated.last === true
    this.#lastCxid += 1
    const cxid = this.#lastCxid
    this.#pending.push({ cxid, xid, opCode: type, translated, since: this.#ports.clock.now() })
    this.#ports.shared.asked()
    this.#attachment!.send(cxid, translated.request)
  }

  /** What the channel would refuse at its door, out of turn, is refused in its turn. */
  #judged(translated: Translated): Translated {
    const { request } = translated
    if (request.kind === 'auth') return translated
    const refusal = requestRefusal(request, this.#ports.channel.dataBytesMax)
    if (refusal === undefined) return translated
    return { ...translated, request: { kind: 'invalid', code: replyCodeOf(refusal) ?? 'BAD_ARGUMENTS' } }
  }

  // --- what the channel tells

  attached({ session, password, timeoutMs, readOnly }: Parameters<ChannelReceiver['attached']>[0]): void {
    this.#stage = 'attached'
    this.#readOnly = readOnly === true
    this.session = session
    this.timeoutMs = timeoutMs
    this.#write(writer => this.#connectResponse(writer, timeoutMs, session, password))
    this.goOn()
  }

  reply(cxid: number, zxid: Zxid, response: Response): void {
    const pending = this.#answered(cxid)
    const code = pending.translated.refusal ?? (response.kind === 'error' ? response.code : undefined)
    this.#answer(pending, zxid, code, response)
  }

  failed(cxid: number, code: ErrorCode, outcome: Outcome): void {
    if (code === 'AUTH_FAILED' || code === 'SESSION_CLOSED_REQUIRE_SASL_AUTH') return this.#turnedAway(cxid, code)
    const replyCode = outcome === 'not-applied' && isOurLimit(code) ? replyCodeOf(code) : undefined
    // Nothing can be said of it: the client will see its connection lost.
    if (replyCode === undefined || this.#pending[0]?.cxid !== cxid) return this.#end()
    this.#answer(this.#answered(cxid), this.lastZxid, replyCode, undefined)
  }

  /** Said at once, ahead of what was asked before; the end follows. */
  #turnedAway(cxid: number, code: ReplyCode): void {
    const xid = this.#pending.find(each => each.cxid === cxid)?.xid
    if (xid !== undefined) {
      this.#write(writer => records.replyHeader.write(writer, { xid, zxid: ZERO, err: numberOfCode(code) }))
    }
    this.#end()
  }

  event({ type, path, zxid }: WatchEvent): void {
    this.#write(writer => {
      records.replyHeader.write(writer, { xid: Xid.notification, zxid: zxid ?? NO_ZXID, err: 0 })
      records.watcherEvent.write(writer, { type: typeOfEvent(type), state: STATE_CONNECTED, path })
    })
  }

  /** Outside a working ensemble nobody is served, unless reads will do: the client looks for another server. */
  serving(serving: boolean): void {
    if (!serving && !this.#readOnly) this.#end()
  }

  detached(code: ErrorCode): void {
    if (this.#stage === 'attaching' && code === 'SESSION_EXPIRED') {
      this.#write(writer => this.#connectResponse(writer, 0, records.NO_SESSION, NO_PASSWORD))
    }
    this.#end()
  }

  // --- what the client is sent

  #connectResponse(writer: JuteWriter, timeOut: number, sessionId: SessionId, passwd: Uint8Array): void {
    const readOnly = this.#knowsReadOnly ? this.#readOnly : undefined
    records.connectResponse.write(writer, { protocolVersion: 0, timeOut, sessionId, passwd, readOnly })
  }

  #answered(cxid: number): Pending {
    const pending = this.#pending.shift()
    invariant(pending?.cxid === cxid, 'answers come in the order of the requests')
    return pending
  }

  #answer(pending: Pending, zxid: Zxid, code: ReplyCode | undefined, response: Response | undefined): void {
    const { xid, opCode, translated, since } = pending
    const at = this.#ports.clock.now()
    const latencyMs = at - since
    this.last = { opCode, xid, at, latencyMs }
    this.lastZxid = zxid
    for (const traffic of [this.traffic, this.#ports.traffic]) traffic.answered(latencyMs)
    this.#write(writer => {
      records.replyHeader.write(writer, {
        xid,
        zxid: translated.zxid ?? zxid,
        err: code === undefined ? 0 : numberOfCode(code),
      })
      if (code === undefined && response !== undefined) translated.answer(writer, response)
    })
    if (translated.last) this.#end()
    this.#ports.shared.answered()
    this.goOn()
  }

  #write(frame: (writer: JuteWriter) => void): void {
    if (this.#stage === 'ending') return
    this.traffic.sent += 1
    this.#ports.traffic.sent += 1
    this.#out.frame(frame)
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
    this.#attachment?.detach()
    this.#ports.shared.forget(this)
    if (this.#pending.length > 0) this.#ports.shared.answered(this.#pending.length)
    this.#pending = []
  }

  #closed(): void {
    this.#leave()
    this.#ports.closed(this)
  }
}

/** Refusals that leave the session as it is: said to whoever asked, and to nobody else. */
function isOurLimit(code: ErrorCode): boolean {
  return code === 'STORAGE_LOW' || code === 'DATA_TOO_LARGE'
}
