/**
 * What the clients ask for that a run with containers and TTL znodes, or with quotas, has beside the others: one each, with chance of its own,
 * so that the others are what they are without it. Used by workload.ts.
 */
import { OPEN_ACL_UNSAFE } from '../../lib/model/acl.js'
import {
  CONTAINER,
  type CreateMode,
  EPHEMERAL,
  type Lifetime,
  PERSISTENT,
  PERSISTENT_SEQUENTIAL_WITH_TTL,
  PERSISTENT_WITH_TTL,
} from '../../lib/model/create-mode.js'
import { ANY_VERSION, type CreateRequest, type MultiStep, type Request } from '../../lib/model/request.js'
import type { SeededRandom } from '../../lib/testing/seeded-random.js'

const encoder = new TextEncoder()

export abstract class Requests {
  protected readonly random: SeededRandom
  readonly #name: string
  #serial = 0

  /** @param name of the client: every write's data is unique. */
  constructor(random: SeededRandom, name: string) {
    this.random = random
    this.#name = name
  }

  abstract next(): Request

  protected data(): Uint8Array {
    this.#serial += 1
    return encoder.encode(`${this.#name}.${this.#serial}`)
  }

  protected create(path: string, mode: CreateMode, lifetime?: Lifetime): CreateRequest {
    const data = this.data()
    const request = { kind: 'create', path: mode.sequential ? `${path}/s-` : path, data, acl: OPEN_ACL_UNSAFE } as const
    return lifetime === undefined ? { ...request, mode } : { ...request, mode, lifetime }
  }
}

/** Containers and TTL znodes, and children that come and go below them; also where others work. */
export class LifetimeRequests extends Requests {
  next(): Request {
    const { random } = this
    const path = random.pick(['/c', '/t', '/c/c', '/a/t', '/t/t'])
    const child = random.pick(['/c/k', '/t/k', '/c/c/k'])
    const roll = random.below(100)
    if (roll < 30) return this.#mortal(path)
    if (roll < 45) return this.create(child, random.pick([PERSISTENT, EPHEMERAL]))
    if (roll < 65) return { kind: 'delete', path: child, version: ANY_VERSION }
    if (roll < 72) return { kind: 'setData', path, data: this.data(), version: ANY_VERSION }
    if (roll < 77) return { kind: 'multi', steps: [this.#mortal(path), this.create(child, PERSISTENT)] }
    if (roll < 82) return { kind: 'multi', steps: [this.create(child, PERSISTENT), this.#delete(child)] }
    if (roll < 90) return { kind: 'exists', path, watch: random.chance(0.5) }
    return { kind: 'getChildren', path: random.pick(['/', '/c', '/t']), watch: random.chance(0.5) }
  }

  #mortal(path: string): CreateRequest {
    const { random } = this
    if (random.chance(0.4)) return this.create(path, CONTAINER, { kind: 'container' })
    const mode = random.pick([PERSISTENT_WITH_TTL, PERSISTENT_WITH_TTL, PERSISTENT_SEQUENTIAL_WITH_TTL])
    return this.create(path, mode, { kind: 'ttl', ttlMs: random.pick([1, 300, 1500]) })
  }

  #delete(path: string): MultiStep {
    return { kind: 'delete', path, version: ANY_VERSION }
  }
}

/** Quotas on what others write, one within another, that come, change and go; and statistics that somebody writes himself. */
export class QuotaRequests extends Requests {
  next(): Request {
    const { random } = this
    const quota = `/zookeeper/quota${random.pick(['/a', '/a', '/a/x', '/b'])}`
    const roll = random.below(100)
    if (roll < 15) return this.#plain(quota)
    if (roll < 40) return { ...this.#plain(`${quota}/zookeeper_limits`), data: this.#text() }
    if (roll < 55) return this.#plain(`${quota}/zookeeper_stats`)
    if (roll < 65)
      return { kind: 'setData', path: `${quota}/zookeeper_limits`, data: this.#text(), version: ANY_VERSION }
    if (roll < 68)
      return { kind: 'setData', path: `${quota}/zookeeper_stats`, data: this.#text(), version: ANY_VERSION }
    if (roll < 74) return this.#delete(quota, random.pick(['zookeeper_limits', 'zookeeper_stats']))
    if (roll < 80) {
      const limits = { ...this.#plain(`${quota}/zookeeper_limits`), data: this.#text() }
      return { kind: 'multi', steps: [limits, this.#plain(`${quota}/zookeeper_stats`)] }
    }
    return { kind: 'getData', path: `${quota}/zookeeper_stats`, watch: random.chance(0.3) }
  }

  #plain(path: string): CreateRequest {
    return { ...this.create(path, PERSISTENT), data: null }
  }

  #delete(quota: string, name: string): Request {
    return { kind: 'delete', path: `${quota}/${name}`, version: ANY_VERSION }
  }

  /** Unique, as all data: the number behind it is of no consequence. */
  #text(): Uint8Array {
    const { random } = this
    const hard = random.chance(0.7) ? `;countHardLimit=${3 + random.below(7)}` : ''
    const text = `count=${random.below(10) - 1},bytes=${random.below(60) - 1}=${hard};serial=`
    return encoder.encode(text + new TextDecoder().decode(this.data()).replace(/\D/g, ''))
  }
}
