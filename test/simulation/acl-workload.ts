/**
 * What clients do that are somebody: ACLs set and asked for, znodes with an ACL of their own, more identities on the way, and right behind that what
 * depends on it, so that a judgement by a state that is too old shows. All of it from a stream of its own (scenario.ts: `acl`).
 */
import { type Acl, type AclEntry, type Identities, OPEN_ACL_UNSAFE, TRUSTED } from '../../lib/model/acl.js'
import { PERSISTENT, PERSISTENT_SEQUENTIAL } from '../../lib/model/create-mode.js'
import { ANY_VERSION, type CreateRequest, type MultiStep, type Request } from '../../lib/model/request.js'
import type { SeededRandom } from '../../lib/testing/seeded-random.js'

const ALICE = { scheme: 'digest', id: 'alice:a' }
const BOB = { scheme: 'digest', id: 'bob:b' }
const NEAR = { scheme: 'ip', id: '10.0.0.7' }
const FAR = { scheme: 'ip', id: '10.128.0.7' }

/** Whom a client begins as. */
export const somebody: readonly Identities[] = [TRUSTED, [], [ALICE], [BOB], [NEAR], [FAR], [FAR, BOB]]

export class AclRequests {
  readonly #random: SeededRandom
  readonly #paths: readonly string[]
  readonly #data: () => Uint8Array

  constructor(random: SeededRandom, paths: readonly string[], data: () => Uint8Array) {
    this.#random = random
    this.#paths = paths
    this.#data = data
  }

  /** What comes in the place of an ordinary request, in one go; nothing most of the time. */
  next(): readonly Request[] {
    const random = this.#random
    if (!random.chance(0.3)) return []
    const path = random.pick(this.#paths)
    const version = random.chance(0.8) ? ANY_VERSION : random.below(3)
    const roll = random.below(100)
    if (roll < 25) return [{ kind: 'setAcl', path, acl: this.#acl(), version }, ...this.#behind(path)]
    if (roll < 45) return [this.#create(path), ...this.#behind(path)]
    if (roll < 55) return [{ kind: 'multi', steps: [this.#create(path), this.#step(path)] }]
    if (roll < 65) return [{ kind: 'multi', steps: [this.#step(path), this.#step(path)] }]
    if (roll < 75) return [{ kind: 'getAcl', path }]
    if (roll < 85)
      return [{ kind: 'authenticated', identities: [random.pick([ALICE, BOB, NEAR])] }, ...this.#behind(path)]
    // Or nobody could do anything after a while.
    return [{ kind: 'setAcl', path, acl: OPEN_ACL_UNSAFE, version: ANY_VERSION }]
  }

  /** Whether a client that was let go does not say any more who it is. */
  forgets(): boolean {
    return this.#random.chance(0.5)
  }

  #behind(path: string): readonly Request[] {
    const random = this.#random
    return Array.from({ length: random.below(3) }, (): Request => {
      switch (random.below(4)) {
        case 0:
          return { kind: 'setData', path, data: this.#data(), version: ANY_VERSION }
        case 1:
          return { kind: 'getData', path, watch: random.chance(0.5) }
        case 2:
          return this.#create(path)
        default:
          return { kind: 'delete', path, version: ANY_VERSION }
      }
    })
  }

  #step(path: string): MultiStep {
    const random = this.#random
    switch (random.below(3)) {
      case 0:
        return { kind: 'setData', path, data: this.#data(), version: ANY_VERSION }
      case 1:
        return { kind: 'check', path, version: ANY_VERSION }
      default:
        return { kind: 'delete', path, version: ANY_VERSION }
    }
  }

  #create(path: string): CreateRequest {
    const mode = this.#random.pick([PERSISTENT, PERSISTENT, PERSISTENT_SEQUENTIAL])
    return {
      kind: 'create',
      path: mode.sequential ? `${path}/s-` : path,
      data: this.#data(),
      acl: this.#acl(),
      mode,
    }
  }

  #acl(): Acl {
    const random = this.#random
    return Array.from({ length: random.chance(0.03) ? 0 : 1 + random.below(2) }, () => this.#entry())
  }

  #entry(): AclEntry {
    const random = this.#random
    const perms = random.pick([31, 31, 1, 3, 5, 13, 30, 16, 0])
    const world = { scheme: 'world', id: 'anyone' }
    const near = { scheme: 'ip', id: '10.0.0.0/9' }
    const ids = [world, world, ALICE, BOB, near, { scheme: 'ip', id: FAR.id }, { scheme: 'auth', id: '' }]
    const { scheme, id } = random.chance(0.02) ? { scheme: 'unknown', id: 'x' } : random.pick(ids)
    return { perms, scheme, id }
  }
}
