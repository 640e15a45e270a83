/**
 * What the applications of a run do: one per client, in the process of its peer, by its clocks. Calls of every kind on a few paths, several
 * at a time; streams that come and go; some calls aborted, some callbacks that throw; sessions closed and begun again.
 * Every value is unique, so that a write that took effect twice can be told.
 */
import type { Client } from '../../../lib/client/client.js'
import { makeCodec } from '../../../lib/client/codec.js'
import { op } from '../../../lib/client/transaction.js'
import { sessionIdFromBigint } from '../../../lib/model/ids.js'
import { SeededRandom } from '../../../lib/testing/seeded-random.js'
import type { VirtualEnsemble } from '../../../lib/testing/virtual/virtual-ensemble.js'
import type { VirtualPeer } from '../../../lib/testing/virtual/virtual-peer.js'
import type { VirtualProcess } from '../../../lib/testing/virtual/virtual-process.js'
import type { Chain } from './chain.js'
import type { Place } from './host-places.js'
import type { HostScenario } from './host-scenario.js'
import { type HostCall, type Knowledge, SessionHistory } from './session-history.js'
import { StreamHistory } from './stream-history.js'
import type { Verdict } from './verdict.js'

const PATHS = ['/a', '/b', '/a/x', '/a/y', '/b/z', '/a/x/deep']
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
    return this.actors.every(actor => actor.openCalls === 0)
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
  /** Issues no further call. */
  quiet = false
  stopped = false
  readonly #scenario: HostScenario
  readonly #ports: WorkloadPorts
  readonly #random: SeededRandom
  #process: VirtualProcess | undefined
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

  get openCalls(): number {
    return this.sessions.reduce((sum, session) => sum + session.open.size, 0)
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
    const { chain, knowledge, verdict } = this.#ports
    const session = new SessionHistory(`${this.name}.${this.sessions.length + 1}`, client.session.id, chain, knowledge)
    this.#client = client
    this.#session = session
    this.sessions.push(session)
    this.#ports.ensemble.note(`${session.name} is ${sessionIdFromBigint(session.id)} at ${this.place.name}`)
    client.state$.subscribe(state => {
      if (state === 'expired') session.expired = true
      if ((state === 'expired' || state === 'closed') && this.#client === client) this.#ended()
    })
    client.events$('/a', { recursive: true }).subscribe({
      next: ({ path, zxid }) => {
        if (zxid !== undefined) verdict.guard(() => session.event(path, zxid))
      },
      error: () => undefined,
    })
    for (let count = 0; count < 3; count++) this.#streams()
  }

  /** The session is over, or its process is. */
  #ended(): void {
    this.#client = undefined
    this.#session = undefined
    this.#closing = false
    for (const stream of this.streams.splice(0)) stream.stop()
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
    this.streams.push(new StreamHistory(kind, path, this.#client!, this.#session!, chain, verdict))
    // One that throws is to harm nobody else who observes the same path.
    if (random.chance(0.1)) {
      let left = 2
      const thrower = this.#client!.data$(path).subscribe({
        next: () => {
          if (left-- === 0) thrower.unsubscribe()
          throw new Error('of the application')
        },
        error: () => undefined,
      })
    }
  }

  #call(): void {
    const random = this.#random
    const client = this.#client!
    const path = random.pick(PATHS)
    const signal = random.chance(0.05) ? this.#abortLater() : undefined
    const options = signal === undefined ? {} : { signal }
    const roll = random.below(100)
    if (roll < 22) {
      const token = this.#token()
      const sequential = random.chance(0.3)
      const made = { ...options, ephemeral: random.chance(0.35), sequential }
      this.#ask('create', path, [token], undefined, client.create(sequential ? `${path}/s-` : path, token, made))
    } else if (roll < 36) {
      const token = this.#token()
      const version = random.chance(0.4) ? random.below(4) : undefined
      this.#ask('set', path, [token], version, client.set(path, token, { ...options, version }))
    } else if (roll < 46) this.#ask('delete', path, [], undefined, client.delete(path, options))
    else if (roll < 55) {
      const tokens = [this.#token(), this.#token()] as const
      const steps = [op.set(path, tokens[0]), op.create(`${random.pick(PATHS)}/m-`, tokens[1], { sequential: true })]
      this.#ask('multi', path, tokens, undefined, client.multi(steps, options))
    } else if (roll < 60) {
      const token = this.#token()
      const change = (): string => {
        if (random.chance(0.2)) throw new Error('of the application')
        return token
      }
      // Tries again with the same value: it takes effect once at most.
      this.#ask('update', path, [token], undefined, client.update(path, change, options), true)
    } else if (roll < 68 && random.chance(0.3))
      this.#ask('getChildren', '/', [], undefined, client.getChildren('/', options))
    else if (roll < 75) this.#ask('get', path, [], undefined, client.get(path, options))
    else if (roll < 83) this.#ask('exists', path, [], undefined, client.exists(path, options))
    else if (roll < 92) this.#ask('getChildren', path, [], undefined, client.getChildren(path, options))
    else this.#ask('sync', path, [], undefined, client.sync('/', options))
  }

  #ask(
    kind: HostCall['kind'],
    path: string,
    tokens: readonly string[],
    version: number | undefined,
    work: Promise<unknown>,
    composite = false,
  ): void {
    const session = this.#session!
    const { verdict, now } = this.#ports
    const call = session.called({ kind, path, tokens, version, invokedAt: now(), composite })
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
