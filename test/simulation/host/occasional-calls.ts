/**
 * Calls that only the applications of some seeds make, now and then in the place of ordinary ones: of those who are somebody, and prove to be more on the
 * way (scenario: `access`), of what the leader takes away (`lifetimes`), and several reads of one moment (`multiReads`). From a stream of their own, so that
 * all other seeds are what they are without.
 * Before: host-workload.ts. After: the client; session-history.ts judges.
 */
import { digestOf } from '../../../lib/auth/digest.js'
import { op } from '../../../lib/client/transaction.js'
import {
  type Acl,
  type AclEntry,
  type Identities,
  OPEN_ACL_UNSAFE,
  Permission,
  TRUSTED,
} from '../../../lib/model/acl.js'
import { parentOf } from '../../../lib/model/path.js'
import type { SeededRandom } from '../../../lib/testing/seeded-random.js'
import { type CallPorts, PATHS } from './host-calls.js'
import type { HostScenario } from './host-scenario.js'

const PEOPLE = ['alice:a', 'bob:b'] as const
const [ALICE, BOB] = PEOPLE.map(each => ({ scheme: 'digest', id: digestOf(each) })) as [AclIdentity, AclIdentity]
type AclIdentity = Pick<AclEntry, 'scheme' | 'id'>

/** Whom an application begins as. */
export const somebody: readonly Identities[] = [TRUSTED, TRUSTED, [], [], [ALICE], [BOB]]

export class OccasionalCalls {
  readonly #random: SeededRandom
  readonly #access: boolean
  readonly #lifetimes: boolean
  readonly #multiReads: boolean

  constructor(random: SeededRandom, { access, lifetimes, multiReads }: HostScenario) {
    this.#random = random
    this.#access = access
    this.#lifetimes = lifetimes
    this.#multiReads = multiReads
  }

  /** Whether it has made one. */
  make(ports: CallPorts): boolean {
    const random = this.#random
    if (this.#access && random.chance(0.25)) {
      this.#accessCall(ports, random.pick(PATHS))
      return true
    }
    if (this.#lifetimes && random.chance(0.15)) {
      this.#mortal(ports, random.pick(PATHS))
      return true
    }
    if (!this.#multiReads || !random.chance(0.08)) return false
    this.#multiRead(ports)
    return true
  }

  #accessCall(ports: CallPorts, path: string): void {
    const { client, ask } = ports
    const roll = this.#random.below(100)
    if (roll < 25) this.#setAcl(ports, path, this.#acl())
    // Or nobody could do anything after a while.
    else if (roll < 40) this.#setAcl(ports, path, OPEN_ACL_UNSAFE)
    else if (roll < 65) this.#create(ports, path)
    else if (roll < 75)
      ask({ kind: 'getAcl', path, needs: [{ path, wanted: Permission.READ | Permission.ADMIN }] }, client.getAcl(path))
    else if (roll < 85) ask({ kind: 'whoAmI', path: '/' }, client.whoAmI())
    else if (roll < 98) this.#prove(ports)
    else {
      ports.lies()
      ask({ kind: 'addAuth', path: '/', composite: true, needs: [] }, client.addAuth('kerberos', 'of nobody'))
    }
    if (this.#random.chance(0.5)) this.#behind(ports, path)
  }

  #setAcl({ client, ask }: CallPorts, path: string, acl: Acl): void {
    const needs = [{ path, wanted: Permission.ADMIN }]
    ask({ kind: 'setAcl', path, needs, ownAcl: isOwn(acl) }, client.setAcl(path, acl))
  }

  #create({ client, ask, token }: CallPorts, path: string): void {
    const acl = this.#acl()
    const value = token()
    const sequential = this.#random.chance(0.5)
    const needs = [{ path: sequential ? path : parentOf(path), wanted: Permission.CREATE }]
    const made = client.create(sequential ? `${path}/s-` : path, value, { sequential, acl })
    ask({ kind: 'create', path, tokens: [value], needs, ownAcl: isOwn(acl) }, made)
  }

  /** It counts for what comes right behind it. */
  #prove(ports: CallPorts): void {
    const { client, ask } = ports
    const name = this.#random.pick(PEOPLE)
    const proof = ports.proves({ scheme: 'digest', id: digestOf(name) })
    // Said again on the next attachment, and so out of turn, if this one is lost.
    ask({ kind: 'addAuth', path: '/', composite: true, needs: [], proof }, client.addAuth('digest', name))
  }

  #behind({ client, ask, token }: CallPorts, path: string): void {
    const value = token()
    if (this.#random.chance(0.5))
      ask({ kind: 'get', path, needs: [{ path, wanted: Permission.READ }] }, client.get(path))
    else {
      const needs = [{ path, wanted: Permission.WRITE }]
      ask({ kind: 'set', path, tokens: [value], needs }, client.set(path, value))
    }
  }

  /** A container, something in it, or a znode that has some time to live. */
  #mortal({ client, ask, token }: CallPorts, path: string): void {
    const random = this.#random
    const value = token()
    const box = `${path}/box`
    const roll = random.below(100)
    const make = (parent: string, made: Promise<string>, at: string): void =>
      ask({ kind: 'create', path: at, tokens: [value], needs: [{ path: parent, wanted: Permission.CREATE }] }, made)
    if (roll < 30) make(path, client.create(box, value, { container: true }), box)
    else if (roll < 60) make(box, client.create(`${box}/s-`, value, { sequential: true }), box)
    else if (roll < 85) {
      const ttl = 100 + random.below(1500)
      make(path, client.create(`${path}/s-`, value, { sequential: true, ttl }), path)
    } else {
      const gone = client.delete(box, { recursive: true, ifExists: true })
      ask({ kind: 'deleteTree', path: box, composite: true }, gone)
    }
  }

  #multiRead({ client, ask }: CallPorts): void {
    const random = this.#random
    const steps = Array.from({ length: 1 + random.below(4) }, () => {
      const path = random.pick(['/', ...PATHS])
      return random.chance(0.6) ? op.get(path) : op.getChildren(path)
    })
    ask({ kind: 'multiRead', path: steps[0]!.path, steps }, client.multiRead(steps))
  }

  #acl(): Acl {
    const random = this.#random
    return Array.from({ length: 1 + random.below(2) }, (): AclEntry => {
      const world = { scheme: 'world', id: 'anyone' }
      return {
        perms: random.pick([31, 31, 1, 3, 5, 13, 30]),
        ...random.pick([world, ALICE, BOB, { scheme: 'auth', id: '' }]),
      }
    })
  }
}

function isOwn(acl: Acl): boolean {
  return acl.some(({ scheme }) => scheme === 'auth')
}
