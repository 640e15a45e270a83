/**
 * What the clients of a run do: calls of every kind on a few paths, several at a time, watches, moves to other peers, sessions closed and begun.
 * Every write's data is unique, so that a write that took effect twice can be told.
 */
import { OPEN_ACL_UNSAFE, TRUSTED } from '../../lib/model/acl.js'
import { EPHEMERAL, EPHEMERAL_SEQUENTIAL, PERSISTENT, PERSISTENT_SEQUENTIAL } from '../../lib/model/create-mode.js'
import type { ErrorCode } from '../../lib/model/errors.js'
import { ANY_VERSION, type CreateRequest, type MultiStep, type Request } from '../../lib/model/request.js'
import { SeededRandom } from '../../lib/testing/seeded-random.js'
import type { Call, ClientOwner, SimulatedClient } from '../../lib/testing/simulated-client.js'
import type { SimulatedPeer } from '../../lib/testing/simulated-peer.js'
import type { World } from '../../lib/testing/world.js'
import { AclRequests, somebody } from './acl-workload.js'
import { LifetimeRequests, QuotaRequests, type Requests } from './requests.js'
import type { Scenario } from './scenario.js'

const PATHS = ['/a', '/b', '/a/x', '/a/y', '/b/z', '/a/x/deep']
const encoder = new TextEncoder()

export class Workload {
  readonly #actors: Actor[] = []
  calls = 0
  answered = 0

  constructor(world: World, scenario: Scenario) {
    const random = new SeededRandom(scenario.world.seed, 'workload')
    for (let index = 0; index < scenario.clients; index++) {
      // One of them can always work: it is bound to no peer.
      const embedded = random.chance(0.4) && index > 0
      const timeoutMs = random.pick([400, 1000, 2500])
      // With identities, one number must be one request: two of them could differ in nothing but who asked.
      const keepsCounting = random.chance(0.5) || scenario.acl || scenario.localSessions !== undefined
      const acl = scenario.acl ? new SeededRandom(scenario.world.seed, `acl of actor ${index}`) : undefined
      const identities = acl === undefined || index === 0 ? TRUSTED : acl.pick(somebody)
      const readOnly = scenario.localSessions !== undefined && index % 2 === 0
      const client = world.client({ embedded, timeoutMs, keepsCounting, identities, readOnly })
      const home = random.pick([...world.peers.values()])
      this.#actors.push(
        new Actor(client, home, world, new SeededRandom(scenario.world.seed, `actor ${index}`), scenario, this, acl),
      )
    }
    if (scenario.lifetimes) this.#addOne(world, scenario, 'lifetimes', LifetimeRequests)
    if (scenario.quotas) this.#addOne(world, scenario, 'quotas', QuotaRequests)
  }

  /** Bound to no peer, and with chance of its own. */
  #addOne(
    world: World,
    scenario: Scenario,
    what: string,
    Kind: new (random: SeededRandom, name: string) => Requests,
  ): void {
    const client = world.client({ embedded: false, timeoutMs: 2500, keepsCounting: true })
    const random = new SeededRandom(scenario.world.seed, `actor for ${what}`)
    const home = world.peers.values().next().value!
    this.#actors.push(new Actor(client, home, world, random, scenario, this, undefined, new Kind(random, client.name)))
  }

  /** Writes answered since then: progress. */
  get progress(): number {
    return this.answered
  }

  stop(): void {
    for (const actor of this.#actors) actor.stop()
  }

  get idle(): boolean {
    return this.#actors.every(actor => actor.idle)
  }

  /** Who is not, and why. */
  toString(): string {
    return this.#actors.filter(actor => !actor.idle).join('; ')
  }
}

class Actor implements ClientOwner {
  readonly #client: SimulatedClient
  readonly #home: SimulatedPeer
  readonly #world: World
  readonly #random: SeededRandom
  readonly #pipelining: number
  readonly #turnMs: number
  readonly #workload: Workload
  readonly #acl: AclRequests | undefined
  /** What it asks for instead of ordinary things. */
  readonly #requests: Requests | undefined
  #stopping = false
  #done = false
  #serial = 0
  #lastHeard = 0
  #closing = false

  constructor(
    client: SimulatedClient,
    home: SimulatedPeer,
    world: World,
    random: SeededRandom,
    { pipelining, turnMs = 25 }: Scenario,
    workload: Workload,
    acl: SeededRandom | undefined,
    requests?: Requests,
  ) {
    this.#client = client
    this.#home = home
    this.#world = world
    this.#random = random
    this.#pipelining = pipelining
    this.#turnMs = turnMs
    this.#workload = workload
    this.#requests = requests
    this.#acl = acl && new AclRequests(acl, PATHS, () => this.#data())
    client.owner = this
    world.after(random.between(0, 300), () => this.#turn())
  }

  get idle(): boolean {
    return this.#done
  }

  stop(): void {
    this.#stopping = true
  }

  toString(): string {
    const { name, embedded, peer, attached, session, outstanding } = this.#client
    const where = `${attached ? 'attached to' : 'attaching to'} ${peer?.id ?? 'nobody'}`
    return `${name}${embedded ? ' (embedded)' : ''} ${where}, session ${session?.id}, waits for ${outstanding.map(each => `${each.cxid} ${each.request.kind}`).join(', ')}`
  }

  attached(): void {
    this.#lastHeard = this.#world.now
  }

  returned(call: Call): void {
    this.#lastHeard = this.#world.now
    if (call.outcome?.kind === 'answered') this.#workload.answered += 1
  }

  detached(code: ErrorCode): void {
    this.#lastHeard = this.#world.now
    this.#closing = false
    if (this.#acl?.forgets()) this.#client.forgetIdentities()
    // The process of an embedded client is gone with its peer: what it knew is lost.
    const gone = this.#client.embedded && !this.#home.isUp
    if (gone || code === 'SESSION_EXPIRED' || code === 'CLOSED') {
      this.#client.forgetSession()
      if (this.#stopping) this.#done = true
    }
  }

  #turn(): void {
    if (this.#done) return
    this.#world.after(this.#random.waiting(this.#turnMs), () => this.#turn())
    const client = this.#client
    const random = this.#random
    const silentMs = this.#world.now - this.#lastHeard
    if (client.peer === undefined) {
      if (this.#stopping && client.session === undefined) this.#done = true
      else if (client.embedded) {
        if (this.#home.isUp && random.chance(0.5)) client.attach(this.#home)
      } else client.attach(this.#choosePeer())
      this.#lastHeard = this.#world.now
      return
    }
    if (!client.attached) {
      if (!client.embedded && silentMs > 300) client.disconnect(this.#halfOpen())
      return
    }
    if (!client.embedded && silentMs > client.timeoutMs * 0.6 && client.outstanding.length > 0) {
      client.disconnect(this.#halfOpen())
      return
    }
    if (this.#closing) return
    if (this.#stopping) {
      if (client.outstanding.length === 0) this.#close()
      return
    }
    if (random.chance(0.01)) client.disconnect(this.#halfOpen())
    else if (random.chance(0.008)) this.#close()
    if (!client.attached || this.#closing) return
    const count = 1 + random.below(this.#pipelining)
    for (let i = 0; i < count && client.outstanding.length < this.#pipelining; i++) {
      const special = this.#acl?.next() ?? []
      for (const request of special.length > 0 ? special : [this.#requests?.next() ?? this.#request()])
        this.#call(request)
    }
  }

  #close(): void {
    this.#closing = true
    this.#call({ kind: 'closeSession' })
  }

  #call(request: Request): void {
    if (this.#client.call(request) !== undefined) this.#workload.calls += 1
  }

  #choosePeer(): SimulatedPeer {
    return this.#random.pick([...this.#world.peers.values()])
  }

  #halfOpen(): number {
    return this.#random.chance(0.2) ? this.#random.between(0, 1000) : 0
  }

  #request(): Request {
    const random = this.#random
    const path = random.pick(PATHS)
    const watch = random.chance(0.3)
    const roll = random.below(100)
    if (roll < 22) return this.#create(path)
    if (roll < 36) return { kind: 'setData', path, data: this.#data(), version: this.#version() }
    if (roll < 46) return { kind: 'delete', path, version: this.#version() }
    if (roll < 56) return { kind: 'multi', steps: Array.from({ length: random.below(4) }, () => this.#step()) }
    if (roll < 68) return { kind: 'getData', path, watch }
    if (roll < 78) return { kind: 'exists', path, watch }
    if (roll < 88) return { kind: 'getChildren', path: random.pick(['/', '/a', '/b']), watch }
    if (roll < 94) return { kind: 'sync', path: '/' }
    return { kind: 'ping' }
  }

  #step(): MultiStep {
    const path = this.#random.pick(PATHS)
    switch (this.#random.below(4)) {
      case 0:
        return this.#create(path)
      case 1:
        return { kind: 'setData', path, data: this.#data(), version: this.#version() }
      case 2:
        return { kind: 'delete', path, version: this.#version() }
      default:
        return { kind: 'check', path, version: this.#version() }
    }
  }

  #create(path: string): CreateRequest {
    const mode = this.#random.pick([PERSISTENT, PERSISTENT, EPHEMERAL, PERSISTENT_SEQUENTIAL, EPHEMERAL_SEQUENTIAL])
    return {
      kind: 'create',
      path: mode.sequential ? `${path}/s-` : path,
      data: this.#data(),
      acl: OPEN_ACL_UNSAFE,
      mode,
    }
  }

  #version(): number {
    return this.#random.chance(0.6) ? ANY_VERSION : this.#random.below(4)
  }

  #data(): Uint8Array {
    this.#serial += 1
    return encoder.encode(`${this.#client.name}.${this.#serial}`)
  }
}
