/**
 * One of the two servers as a sequence meets it: its sessions, and what each of them hears, step by step, in order. Both sides are driven by the same
 * steps; nothing here knows which one it is.
 *
 * After each step every session asks for a sync, so whatever the step caused has been heard before the next one begins.
 */
import { OpCode, Xid } from '../../lib/jute/op-codes.js'
import { JuteReader } from '../../lib/jute/reader.js'
import * as records from '../../lib/jute/records.js'
import type { SessionId } from '../../lib/model/ids.js'
import { isAfter, ZERO, type Zxid, zxid } from '../../lib/model/zxid.js'
import { WireClient, type WireFrame } from '../helpers/wire-client.js'
import { type Asked, opCodeOf, readBody, type Value, writeBody } from './asked.js'
import { SESSIONS, type Step } from './sequence.js'

/** What a session hears. */
export type Heard =
  | { readonly kind: 'answer'; readonly asked: Asked; readonly zxid: Zxid; readonly err: number; readonly body: Value }
  | {
      readonly kind: 'event'
      readonly type: number
      readonly state: number
      readonly path: string
      readonly zxid: Zxid
    }
  | { readonly kind: 'session'; readonly session: SessionId; readonly timeOut: number; readonly bytes: number }
  | { readonly kind: 'refused'; readonly timeOut: number; readonly bytes: number }
  | { readonly kind: 'closed' }

const BARRIER: Asked = { op: 'sync', path: 'barrier' }
const FUTURE = zxid(0x7fffffff, 0xffffffff)
const TIMEOUT_MS = 30_000
/** How often a server that is not yet so far is asked again. */
const ATTEMPTS = 200

class Session {
  client: WireClient | undefined
  credentials: { readonly session: SessionId; readonly passwd: Uint8Array } | undefined
  /** Different ones, in order. */
  readonly seen: Zxid[] = []
  readonly auths: Asked[] = []
  readonly asked = new Map<number, Asked>()
  port = 0
  heard: Heard[] = []
  #taken = 0
  /** The next xid of this session. */
  #xid = 0

  get lastZxid(): Zxid {
    return this.seen.at(-1) ?? ZERO
  }

  send(asked: Asked): number {
    const xid = asked.op === 'ping' ? Xid.ping : asked.op === 'auth' ? Xid.auth : ++this.#xid
    this.asked.set(xid, asked)
    this.client!.frame(writer => {
      records.requestHeader.write(writer, { xid, type: opCodeOf(asked) })
      writeBody(writer, asked, this.seen)
    })
    return xid
  }

  /** Takes what has come since the last time into `heard`. */
  take(): void {
    const { client } = this
    if (client === undefined) return
    for (; this.#taken < client.frames.length; this.#taken++) this.#hear(client.frames[this.#taken]!)
    if (!client.ended) return
    this.heard.push({ kind: 'closed' })
    this.client = undefined
  }

  connected(client: WireClient): void {
    this.client = client
    this.#taken = 0
    const { sessionId, timeOut } = client.response
    this.credentials = client.session
    this.heard.push({ kind: 'session', session: sessionId, timeOut, bytes: client.responseBytes?.length ?? 0 })
  }

  #hear({ xid, zxid, err, body }: WireFrame): void {
    const reader = new JuteReader(body)
    if (xid === Xid.notification) {
      const { type, state, path } = records.watcherEvent.read(reader)
      this.heard.push({ kind: 'event', type, state, path, zxid })
      return
    }
    const asked = this.asked.get(xid)
    if (asked === undefined) throw new Error(`an answer to ${xid}, which nobody has asked`)
    if (zxid.epoch <= 0x7fffffff && isAfter(zxid, this.lastZxid)) this.seen.push(zxid)
    if (asked.op === 'auth' && err === 0) this.auths.push(asked)
    this.heard.push({ kind: 'answer', asked, zxid, err, body: err === 0 ? readBody(reader, asked) : body.length })
  }
}

export class Side {
  readonly #ports: readonly number[]
  readonly #sessions = Array.from({ length: SESSIONS }, () => new Session())

  /** @param ports of the servers; all sessions begin at the one that `first` names. */
  constructor(ports: readonly number[], first: number) {
    this.#ports = ports
    for (const session of this.#sessions) session.port = first % ports.length
  }

  /** What each session has heard of this step. */
  async play(step: Step): Promise<readonly (readonly Heard[])[]> {
    switch (step.kind) {
      case 'batch':
        await this.#batch(this.#sessions[step.session]!, step.asked)
        break
      case 'reconnect':
        await this.#reconnect(this.#sessions[step.session]!, step.hop)
        break
      case 'intruder':
        await this.#intruder(this.#sessions[step.session]!)
        break
      case 'twice':
        await this.#ensure(this.#sessions[step.session]!)
        await this.#twice(this.#sessions[step.session]!)
        break
      case 'broken':
        await this.#broken(this.#sessions[step.session]!, step.hex)
        break
      case 'prophet':
        await this.#refusal(this.#sessions[0]!, { lastZxidSeen: FUTURE })
        break
    }
    await Promise.all(this.#sessions.map(session => this.#barrier(session)))
    return this.#sessions.map(session => {
      const { heard } = session
      session.heard = []
      return heard
    })
  }

  /** Closes every session, those without a connection too: one that expired later would take a zxid in the middle of somebody else's sequence. */
  async close(): Promise<void> {
    for (const session of this.#sessions) {
      if (session.credentials === undefined) continue
      await this.#ensure(session)
      const { client } = session
      client?.send(OpCode.closeSession)
      await client?.until(() => client.ended)
    }
  }

  async #batch(session: Session, all: readonly Asked[]): Promise<void> {
    await this.#ensure(session)
    const client = session.client!
    const before = client.frames.filter(({ xid }) => xid !== Xid.notification).length
    for (const asked of all) session.send(asked)
    const answers = () => client.frames.filter(({ xid }) => xid !== Xid.notification).length - before
    await client.until(() => answers() >= all.length || client.ended)
    if (endsConnection(all.at(-1)!, client.frames.at(-1)?.err ?? 0)) await client.until(() => client.ended)
    session.take()
    if (all.at(-1)?.op === 'closeSession') this.#forget(session)
  }

  async #barrier(session: Session): Promise<void> {
    const { client } = session
    if (client !== undefined && !client.ended) {
      const xid = session.send(BARRIER)
      await client.until(() => client.frames.some(frame => frame.xid === xid) || client.ended)
    }
    session.take()
  }

  async #ensure(session: Session): Promise<void> {
    if (session.client === undefined) await this.#connect(session)
  }

  /** A client comes back with what it knows: its session, what it has seen, who it is. */
  async #connect(session: Session): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const client = await WireClient.connect(this.#ports[session.port]!, {
        timeOut: TIMEOUT_MS,
        readOnly: session.port === 1 ? undefined : false,
        lastZxidSeen: session.lastZxid,
        ...session.credentials,
      })
      if (client.responseBytes === undefined && attempt < ATTEMPTS) {
        await new Promise(resolve => setTimeout(resolve, 10))
        continue
      }
      session.connected(client)
      break
    }
    const auths = session.auths.splice(0)
    for (const asked of auths) await this.#batch(session, [asked])
  }

  async #reconnect(session: Session, hop: boolean): Promise<void> {
    await this.#ensure(session)
    await this.#lose(session)
    if (hop) session.port = (session.port + 1) % this.#ports.length
    await this.#connect(session)
  }

  async #intruder(session: Session): Promise<void> {
    await this.#ensure(session)
    await this.#lose(session)
    const { session: id } = session.credentials!
    await this.#refusal(session, { session: id, passwd: new Uint8Array(16).fill(1) })
  }

  async #twice(session: Session): Promise<void> {
    const former = session.client!
    session.client = undefined
    await this.#connect(session)
    await former.until(() => former.ended)
  }

  async #broken(session: Session, hex: string): Promise<void> {
    await this.#ensure(session)
    const client = session.client!
    client.socket.write(Buffer.from(hex, 'hex'))
    await client.until(() => client.ended)
    session.take()
  }

  async #refusal(session: Session, options: Parameters<typeof WireClient.connect>[1]): Promise<void> {
    const client = await WireClient.connect(this.#ports[session.port]!, options)
    const bytes = client.responseBytes?.length ?? 0
    session.heard.push({ kind: 'refused', bytes, timeOut: bytes === 0 ? 0 : client.response.timeOut })
    await client.until(() => client.ended)
  }

  async #lose(session: Session): Promise<void> {
    await session.client?.close()
    session.take()
  }

  #forget(session: Session): void {
    session.credentials = undefined
    session.seen.length = 0
    session.auths.length = 0
  }
}

function endsConnection(asked: Asked, err: number): boolean {
  if (asked.op === 'closeSession') return true
  if (asked.op === 'auth') return err !== 0
  return asked.op === 'raw' && err === -6
}
