/**
 * What the applications of a run do: one per client, in the process of its peer, by its clocks. Calls of every kind on a few paths, several
 * at a time; streams that come and go; some calls aborted, some callbacks that throw; sessions closed and begun again.
 * Every value is unique, so that a write that took effect twice can be told.
 */
import { Subscription } from 'rxjs'
import type { Client } from '../../../lib/client/client.js'
import { makeCodec } from '../../../lib/client/codec.js'
import { sessionIdFromBigint } from '../../../lib/model/ids.js'
import { SeededRandom } from '../../../lib/testing/seeded-random.js'
import type { VirtualEnsemble } from '../../../lib/testing/virtual/virtual-ensemble.js'
import type { VirtualPeer } from '../../../lib/testing/virtual/virtual-peer.js'
import type { VirtualProcess } from '../../../lib/testing/virtual/virtual-process.js'
import type { Chain } from './chain.js'
import { EventHistory } from './event-history.js'
import { type Asked, makeCall } from './host-calls.js'
import type { Place } from './host-places.js'
import type { HostScenario } from './host-scenario.js'
import { type HostCall, type Knowledge, SessionHistory } from './session-history.js'
import { StreamHistory } from './stream-history.js'
import type { Verdict } from './verdict.js'

const WATCHED = ['/', '/a', '/b', '/a/x']
/** Of every call, on the clock of its process. */
export const CALL_MS = 1500
/** A client closes within its calls' time limit; what is above it is the lateness of timers. */
const CLOSE_MS = 1.5 * CALL_MS + 200

const decoder = new TextDecoder()
const plain = makeCodec(
  'text',
  (value: string) => new TextEncoder().encode(value),
  bytes => decoder.decode(bytes),
)

export interface WorkloadPorts {
  readonly ensemble: VirtualEnsemble
  readonly chain: Chain
  readonly knowledge: Knowledge
  readonly verdict: Verdict
  readonly now: () => number
  /** The process of this peer has not stood still for so long; one of no peer never does. */
  readonly wasUp: (peer: VirtualPeer | undefined, ms: number) => boolean
}

export class HostWorkload {
  readonly actors: readonly HostActor[]

  constructor(places: readonly Place[], scenario: HostScenario, ports: WorkloadPorts) {
    this.actors = places.map((place, index) => new HostActor(`c${index + 1}`, place, scenario, ports))
  }

  quiet(): void {
    for (const actor of this.actors) actor.quiet = true
  }
  stop(): void {
    for (const actor of this.actors) actor.stop()
  }
  get idle(): boolean {
    return this.actors.every(actor => actor.open.length === 0)
  }
  get stopped(): boolean {
    return this.actors.every(actor => actor.stopped)
  }
}

export class HostActor {
  readonly name: string
  readonly place: Place
  readonly sessions: SessionHistory[] = []
  streams: StreamHistory[] = []
  readonly events: EventHistory[] = []
  /** Subscribers that throw, by what they observe. */
  readonly throwers = new Map<Subscription, string>()
  /** Issues no further call. */
  quiet = false
  stopped = false
  readonly #scenario: HostScenario
  readonly #ports: WorkloadPorts
  readonly #random: SeededRandom
  #process: VirtualProcess | undefined
  /** Of earlier lives of its process. */
  #sessionsBefore = 0
  #client: Client<string> | undefined
  #session: SessionHistory | undefined
  #opening = false
  #closing = false
  #stopping = false
  #serial = 0

  constructor(name: string, place: Place, scenario: HostScenario, ports: WorkloadPorts) {
    this.name = name
    this.place = place
    this.#scenario = scenario
    this.#ports = ports
    this.#random = new SeededRandom(scenario.seed, `host actor ${name}`)
    this.#lookForWork()
  }

  /** Calls without an answer. Those of a process that has gone are over: nobody is left to hear it. */
  get open(): HostCall[] {
    if (this.place.process !== this.#process) return []
    return this.sessions.slice(this.#sessionsBefore).flatMap(({ open }) => [...open])
  }
  /** Of its session: each path and mode that something observes is one. */
  get watches(): number {
    const { streams, events, throwers } = this
    return new Set([
      ...streams.filter(({ end }) => end === undefined).map(({ kind, path }) => `${kind === 'subtree$'} ${path}`),
      ...events.filter(({ ended }) => !ended).map(({ observed }) => `${observed.recursive} ${observed.path}`),
      ...[...throwers.values()].map(path => `false ${path}`),
    ]).size
  }
  /** While it is not being closed. */
  get session(): SessionHistory | undefined {
    return this.attached ? this.#session : undefined
  }
  /** Has a session now. */
  get attached(): boolean {
    return this.#client !== undefined && !this.#closing
  }

  stop(): void {
    this.#stopping = true
    if (this.#client === undefined && !this.#opening) this.stopped = true
  }

  /** Begins anew with each life of its process. */
  #lookForWork(): void {
    const { timeline } = this.#ports.ensemble
    timeline.after(this.#random.between(5, 60), () => {
      if (this.stopped) return
      const { process, ready } = this.place
      if (process !== this.#process && process !== undefined && ready) {
        this.#process = process
        this.#sessionsBefore = this.sessions.length
        this.#opening = false
        this.#ended()
        this.#turn(process)
      }
      if (this.#stopping && this.#client === undefined && !this.#opening) this.stopped = true
      this.#lookForWork()
    })
  }

  #turn(process: VirtualProcess): void {
    process.after(this.#random.waiting(20), () => {
      if (process !== this.#process || this.stopped) return
      this.#ports.verdict.guard(() => this.#work())
      this.#turn(process)
    })
  }

  #work(): void {
    const random = this.#random
    if (this.#client === undefined) {
      if (!this.#opening && !this.#stopping) this.#open()
      return
    }
    if (this.#closing) return
    if (this.#stopping || (!this.quiet && random.chance(0.004))) return this.#close()
    if (this.quiet) return
    if (random.chance(0.05)) this.#streams()
    const count = 1 + random.below(this.#scenario.pipelining)
    for (let i = 0; i < count && this.#session!.open.size < this.#scenario.pipelining; i++) this.#call()
  }

  #open(): void {
    if (!this.place.ready) return
    this.#opening = true
    const process = this.#process
    const timeouts = [400, 1000, 2500, 4000]
    const { inFlightMax } = this.#scenario
    const sessionTimeoutMs = this.#random.pick(timeouts)
    this.place.open({ codec: plain, sessionTimeoutMs, timeout: CALL_MS, inFlightMax }).then(
      client => {
        if (process !== this.#process) return
        this.#opening = false
        this.#begin(client)
      },
      (error: { code: string; message: string }) => {
        if (process !== this.#process) return
        this.#opening = false
        if (!['CONNECTION_LOSS', 'CLOSED', 'SESSION_EXPIRED', 'STORAGE_LOW', 'OVERLOADED'].includes(error.code))
          this.#ports.verdict.report('R1', `${this.name} cannot open: ${error.message}`)
      },
    )
  }

  #begin(client: Client<string>): void {
    const { chain, knowledge, verdict, now } = this.#ports
    const session = new SessionHistory(
      `${this.name}.${this.sessions.length + 1}`,
      client.session,
      now(),
      chain,
      knowledge,
    )
    this.#client = client
    this.#session = session
    this.sessions.push(session)
    this.#ports.ensemble.note(`${session.name} is ${sessionIdFromBigint(session.id)} at ${this.place.name}`)
    client.state$.subscribe(state => {
      if (state === 'expired') session.expired = true
      if ((state === 'expired' || state === 'closed') && this.#client === client) this.#ended()
    })
    for (const observed of [
      { path: '/a', recursive: true, root: '' },
      { path: this.#random.pick(['/a', '/a/x']), recursive: this.#random.chance(0.5), root: '/a' },
    ] as const)
      this.events.push(new EventHistory(observed, client, session, chain, verdict))
    for (let count = 0; count < 3; count++) this.#streams()
  }

  /** The session is over, or its process is. */
  #ended(): void {
    this.#client = undefined
    this.#session = undefined
    this.#closing = false
    for (const stream of this.streams.splice(0)) stream.stop()
    for (const events of this.events.splice(0)) events.stop()
    this.#stopThrowers()
    if (this.#stopping && !this.#opening) this.stopped = true
  }

  #close(): void {
    const client = this.#client!
    const process = this.#process
    this.#closing = true
    const began = this.#ports.now()
    client.close().then(
      () => {
        if (this.#client === client) this.#ended()
        const ms = this.#ports.now() - began
        if (ms > CLOSE_MS && process?.alive && this.#ports.wasUp(this.place.home, ms))
          this.#ports.verdict.report('L2', `${this.name} takes ${ms} ms to close`)
      },
      error => this.#ports.verdict.report('R1', `${this.name}: close rejects with ${error}`),
    )
  }

  #streams(): void {
    const random = this.#random
    const { chain, verdict } = this.#ports
    this.streams = this.streams.filter(stream => stream.end === undefined)
    if (this.streams.length > 5) {
      this.streams[random.below(this.streams.length)]!.stop()
      return
    }
    const kind = random.pick(['data$', 'data$', 'children$', 'exists$', 'subtree$'] as const)
    const path = kind === 'subtree$' ? '/a' : random.pick(WATCHED)
    if (this.streams.some(stream => stream.kind === kind && stream.path === path)) return
    const root = path.startsWith('/a') && random.chance(0.2) ? '/a' : ''
    this.streams.push(new StreamHistory(kind, path, root, this.#client!, this.#session!, chain, verdict))
    if (random.chance(0.1)) this.#throwAt(path)
  }

  /** Its subscriber throws, or what decodes its values does: that is to harm nobody else who observes the same path. */
  #throwAt(path: string): void {
    const broken = (): never => {
      throw new Error('of the application')
    }
    const client = this.#client!
    const observed = this.#random.chance(0.5)
      ? client.data$(path)
      : client.at(path, makeCodec('broken', broken, broken)).data$
    const thrower = new Subscription()
    thrower.add(
      observed.subscribe({
        next: broken,
        error: ({ code }) => {
          thrower.unsubscribe()
          this.throwers.delete(thrower)
          if (code !== 'CODEC_ERROR' && code !== 'SESSION_EXPIRED')
            this.#ports.verdict.report('W10', `${this.name}: a stream of ${path} ends with ${code}`)
        },
      }),
    )
    if (!thrower.closed) this.throwers.set(thrower, path)
    if (this.throwers.size > 2) this.#stopThrowers()
  }

  #stopThrowers(): void {
    for (const thrower of this.throwers.keys()) thrower.unsubscribe()
    this.throwers.clear()
  }

  #call(): void {
    makeCall({
      random: this.#random,
      client: this.#client!,
      token: () => this.#token(),
      abortLater: () => this.#abortLater(),
      ask: (asked, work) => this.#ask(asked, work),
    })
  }

  #ask(asked: Asked, work: Promise<unknown>): void {
    const session = this.#session!
    const { verdict, now } = this.#ports
    const call = session.called({
      tokens: [],
      version: undefined,
      composite: false,
      root: '',
      ...asked,
      invokedAt: now(),
    })
    work.then(
      result => verdict.guard(() => session.answered(call, result)),
      error => verdict.guard(() => session.failed(call, error)),
    )
  }

  #abortLater(): AbortSignal {
    const controller = new AbortController()
    this.#process!.clock.schedule(this.#random.between(0, 100), () => controller.abort())
    return controller.signal
  }

  #token(): string {
    this.#serial += 1
    const token = `${this.name}.${this.#serial}`
    const { valueBytesMax } = this.#scenario
    if (valueBytesMax === 0 || !this.#random.chance(0.1)) return token
    return token.padEnd(this.#random.below(valueBytesMax), '.')
  }
}
