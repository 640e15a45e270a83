/**
 * What the applications of a run do: one per client, in the process of its peer, by its clocks. Calls of every kind on a few paths, several
 * at a time; streams that come and go; some calls aborted, some callbacks that throw; sessions closed and begun again.
 * Every value is unique, so that a write that took effect twice can be told.
 */
import { Subscription } from 'rxjs'
import type { Client } from '../../../lib/client/client.js'
import { makeCodec } from '../../../lib/client/codec.js'
import { TRUSTED } from '../../../lib/model/acl.js'
import { sessionIdFromBigint } from '../../../lib/model/ids.js'
import { SeededRandom } from '../../../lib/testing/seeded-random.js'
import type { VirtualEnsemble } from '../../../lib/testing/virtual/virtual-ensemble.js'
import type { VirtualPeer } from '../../../lib/testing/virtual/virtual-peer.js'
import type { VirtualProcess } from '../../../lib/testing/virtual/virtual-process.js'
import type { Chain } from './chain.js'
import { EventHistory } from './event-history.js'
import type { HostCall, Knowledge, Standing } from './host-call.js'
import { type Asked, type CallPorts, makeCall } from './host-calls.js'
import type { Place } from './host-places.js'
import type { HostScenario } from './host-scenario.js'
import { OccasionalCalls, somebody } from './occasional-calls.js'
import { Proved } from './proved.js'
import { SessionHistory } from './session-history.js'
import { StreamHistory } from './stream-history.js'
import type { Verdict } from './verdict.js'

const WATCHED = ['/', '/a', '/b', '/a/x']
/** Of every call, on the clock of its process. */
export const CALL_MS = 1500
/** A client closes within its calls' time limit; what is above it is the lateness of timers. */
const CLOSE_MS = 1.5 * CALL_MS + 200
/** Requests of all its clients under way, of a peer that comes to refuse some. */
const REFUSING_MAX = 100

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
  /** Of what only some seeds have. */
  readonly #other: SeededRandom
  readonly #occasional: OccasionalCalls
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
    this.#other = new SeededRandom(scenario.seed, `host actor ${name} otherwise`)
    this.#occasional = new OccasionalCalls(this.#other, scenario)
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
    const { inFlightMax, access, localSessions } = this.#scenario
    const sessionTimeoutMs = this.#random.pick(timeouts)
    const standing = this.#standing()
    const service = {
      contentWithReads: localSessions !== undefined && this.#other.chance(0.8),
      served: (readOnly: boolean): void => {
        standing.readOnly = readOnly
      },
    }
    const identities = access ? standing.proved.certain() : undefined
    this.place.open({ codec: plain, sessionTimeoutMs, timeout: CALL_MS, inFlightMax, identities }, service).then(
      client => {
        if (process !== this.#process) return
        this.#opening = false
        this.#begin(client, standing)
      },
      (error: { code: string; message: string }) => {
        if (process !== this.#process) return
        this.#opening = false
        if (!['CONNECTION_LOSS', 'CLOSED', 'SESSION_EXPIRED', 'STORAGE_LOW', 'OVERLOADED'].includes(error.code))
          this.#ports.verdict.report('R1', `${this.name} cannot open: ${error.message}`)
      },
    )
  }

  /** Of an application that begins anew: who it is then. */
  #standing(): Standing {
    const { access, localSessions } = this.#scenario
    const began = access ? this.#other.pick(somebody) : TRUSTED
    return { proved: new Proved(began), lied: false, readOnly: false, local: localSessions }
  }

  #begin(client: Client<string>, standing: Standing): void {
    const { chain, knowledge, verdict, now } = this.#ports
    const session = new SessionHistory(
      `${this.name}.${this.sessions.length + 1}`,
      client.session,
      now(),
      chain,
      knowledge,
      standing,
    )
    this.#client = client
    this.#session = session
    this.sessions.push(session)
    this.#ports.ensemble.note(`${session.name} is ${sessionIdFromBigint(session.id)} at ${this.place.name}`)
    client.state$.subscribe(state => {
      if (state === 'expired') session.expired = true
      if ((state === 'expired' || state === 'closed') && this.#client === client) this.#ended()
    })
    const refusable = this.#scenario.outstandingMax <= REFUSING_MAX
    for (const observed of [
      { path: '/a', recursive: true, root: '' },
      { path: this.#random.pick(['/a', '/a/x']), recursive: this.#random.chance(0.5), root: '/a' },
    ] as const)
      this.events.push(new EventHistory({ ...observed, refusable }, client, session, chain, verdict))
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
    const session = this.#session!
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
          const { lied, proved } = session.standing
          const expected = ['CODEC_ERROR', 'SESSION_EXPIRED', lied && 'AUTH_FAILED', !proved.trusted && 'NO_AUTH']
          if (!expected.includes(code))
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
    const { standing } = this.#session!
    const ports: CallPorts = {
      random: this.#random,
      client: this.#client!,
      token: () => this.#token(),
      abortLater: () => this.#abortLater(),
      ask: (asked, work) => this.#ask(asked, work),
      proves: identity => standing.proved.asked(identity),
      lies: () => {
        standing.lied = true
      },
    }
    if (!this.#occasional.make(ports)) makeCall(ports)
  }

  #ask(asked: Asked, work: Promise<unknown>): void {
    const session = this.#session!
    const { verdict, now } = this.#ports
    const call = session.called({
      tokens: [],
      version: undefined,
      composite: false,
      root: '',
      needs: asked.composite === true ? undefined : [],
      ownAcl: false,
      proof: undefined,
      steps: [],
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
