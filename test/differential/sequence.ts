/**
 * A random sequence from one seed: sessions that ask in batches, come and go. Each seed has a mood, so that what two versions of ZooKeeper see
 * differently by intention does not stand in the way of the rest: some have ACLs of every kind and no watches, some watches and open ACLs.
 */
import { digestOf } from '../../lib/auth/digest.js'
import { SeededRandom } from '../../lib/testing/seeded-random.js'
import type { Acl, AclEntry, Asked, CreateAsked, ReadStepAsked, StepAsked, WatchLists } from './asked.js'

export const SESSIONS = 3

export type Step =
  /** All at once, on one connection; then everybody hears of what happened. */
  | { readonly kind: 'batch'; readonly session: number; readonly asked: readonly Asked[] }
  /** The connection is lost and taken up again, by the next server where there are several. */
  | { readonly kind: 'reconnect'; readonly session: number; readonly hop: boolean }
  /** Somebody tries to take the session over with another password. */
  | { readonly kind: 'intruder'; readonly session: number }
  /** The client comes back while its former connection is still open. */
  | { readonly kind: 'twice'; readonly session: number }
  /** Bytes that are no frame. */
  | { readonly kind: 'broken'; readonly session: number; readonly hex: string }
  /** Somebody connects who has seen the future. */
  | { readonly kind: 'prophet' }

/** Who may do everything, on both servers. */
export const SUPER = 'super:everything'

const OPEN: Acl = [[31, 'world', 'anyone']]
const ALICE: AclEntry = [31, 'digest', digestOf('alice:secret')]
const BOB: AclEntry = [1, 'digest', digestOf('bob:secret')]

type Mood = 'watches' | 'permissions' | 'both' | 'quotas'

export function sequenceOf(seed: number, asks: number, root: string): Step[] {
  return new Author(seed, root).write(asks)
}

class Author {
  readonly #random: SeededRandom
  readonly #root: string
  readonly #mood: Mood
  readonly #names: readonly string[]
  /** Which paths have which watches is another matter in each sequence. */
  readonly #salt: number

  constructor(seed: number, root: string) {
    this.#random = new SeededRandom(seed, 'differential')
    this.#root = root
    this.#salt = this.#random.below(1009)
    this.#mood = this.#random.pick(['watches', 'watches', 'permissions', 'both', 'quotas'] as const)
    this.#names = ['a', 'b', 'c'].slice(0, 2 + this.#random.below(2))
  }

  write(asks: number): Step[] {
    const steps: Step[] = [this.#alone(0, this.#persistent('/a')), this.#alone(1, this.#persistent('/b'))]
    if (this.#mood === 'quotas') steps.push(...this.#quotas())
    for (let asked = 0; asked < asks; ) {
      const step = this.#step()
      steps.push(step)
      asked += step.kind === 'batch' ? step.asked.length : 1
    }
    return steps
  }

  #step(): Step {
    const random = this.#random
    const session = random.below(SESSIONS)
    const draw = random.below(250)
    if (draw < 5) return { kind: 'reconnect', session, hop: random.chance(0.5) }
    if (draw < 6) return { kind: 'intruder', session }
    if (draw < 7) return { kind: 'prophet' }
    if (draw < 8) return { kind: 'twice', session }
    // What ends a connection, or is answered out of turn, stands alone.
    if (draw < 10) return this.#alone(session, { op: 'closeSession' })
    if (draw < 11)
      return { kind: 'broken', session, hex: random.pick(['ffffffff', '7fffffff', '00100000', '80000000']) }
    if (draw < 12) return this.#alone(session, { op: 'raw', code: random.pick([0, 10, 77, -2, 108]), hex: '' })
    if (draw < 15 && this.#mood !== 'watches') return this.#alone(session, this.#auth())
    if (draw < 75 && this.#mood === 'quotas') return this.#alone(session, this.#quota())
    // A quota is held against what is applied, and how much that is while others wait depends on luck.
    const length = this.#mood === 'quotas' || random.chance(0.5) ? 1 : 1 + random.below(6)
    const asked = Array.from({ length }, () => this.#asked())
    // What follows a setACL is judged by the reference with the ACL of before until it is applied, by us with the one to be: it ends its batch.
    const last = asked.findIndex(({ op }) => op === 'setAcl')
    return { kind: 'batch', session, asked: last < 0 ? asked : asked.slice(0, last + 1) }
  }

  #alone(session: number, asked: Asked): Step {
    return { kind: 'batch', session, asked: [asked] }
  }

  #asked(): Asked {
    const random = this.#random
    if (this.#mood === 'watches' && random.chance(0.2)) return this.#watching()
    const draw = random.below(100)
    if (draw < 24) return this.#create()
    if (draw < 31) return this.#delete()
    if (draw < 42) return this.#setData()
    if (draw < 48) return { op: 'exists', ...this.#watched() }
    if (draw < 54) return this.#read()
    if (draw < 57) return { op: 'getChildren2', ...this.#watched() }
    if (draw < 62) return { op: 'setAcl', path: this.#pathOfOurs(), acl: this.#acl(), version: this.#version() }
    if (draw < 65) return { op: 'getAcl', path: this.#path() }
    if (draw < 67) return { op: 'sync', path: random.pick([this.#path(), 'anything', '']) }
    if (draw < 69) return { op: 'getAllChildrenNumber', path: random.pick([this.#path(), this.#root]) }
    if (draw < 71) return { op: 'getEphemerals', path: random.pick([this.#root, `${this.#root}/a`, '/']) }
    if (draw < 82) return { op: 'multi', steps: this.#steps() }
    if (draw < 84) {
      const steps = Array.from({ length: random.below(4) }, () => this.#read())
      return { op: 'multiRead', steps: steps.map(step => ({ ...step, watch: false })) }
    }
    if (draw < 85) return { op: 'whoAmI' }
    if (draw < 86) return { op: 'ping' }
    if (draw < 87) return { op: 'reconfig' }
    if (draw < 89) return this.#cut()
    if (this.#mood === 'permissions' || this.#mood === 'quotas') return { op: 'getAcl', path: this.#path() }
    return this.#watching()
  }

  #create(): CreateAsked {
    const random = this.#random
    const data = this.#data()
    const acl = this.#acl()
    const path = this.#pathOfOurs()
    const kind = random.below(20)
    if (kind === 0) return { op: 'create', code: 1, path, data, acl, flags: random.pick([7, -1, 4, 5, 6, 100]) }
    if (kind === 1) return { op: 'create', code: 19, path, data, acl, flags: random.pick([4, 4, 0, 9]) }
    if (kind <= 3) {
      // A negative TTL with an ordinary flag would end the reference.
      const flags = random.pick([5, 5, 6, 6, 0])
      const ttl = flags < 5 ? random.pick([0, 1000]) : random.pick([100_000, 100_000, 1, 0, -1, 2 ** 40 - 1, 2 ** 40])
      return { op: 'create', code: 21, path, data, acl, flags, ttl: ttl === 1 ? 100_000_000 : ttl }
    }
    const flags = random.pick([0, 0, 0, 0, 1, 1, 2, 3])
    return { op: 'create', code: random.pick([1, 15]), path, data, acl, flags }
  }

  /** A TTL flag without a TTL leaves changes pending in the reference that never come. */
  #createStep(): CreateAsked {
    const create = this.#create()
    return create.code !== 21 && [5, 6].includes(create.flags) ? { ...create, flags: 0 } : create
  }

  #delete(): StepAsked & { op: 'delete' } {
    return { op: 'delete', path: this.#path(), version: this.#version() }
  }

  #setData(): StepAsked & { op: 'setData' } {
    return { op: 'setData', path: this.#pathOfOurs(), data: this.#data(), version: this.#version() }
  }

  #steps(): StepAsked[] {
    return Array.from({ length: this.#random.below(5) }, () => {
      const draw = this.#random.below(10)
      if (draw < 4) return this.#createStep()
      if (draw < 6) return this.#delete()
      if (draw < 8) return this.#setData()
      return { op: 'check', path: this.#path(), version: this.#version() }
    })
  }

  #read(): ReadStepAsked {
    return { op: this.#random.pick(['getData', 'getChildren']), ...this.#watched() }
  }

  #persistent(name: string): CreateAsked {
    return { op: 'create', code: 15, path: this.#root + name, data: '', acl: OPEN, flags: 0 }
  }

  /** One on the root of the sequence, sometimes one further below as well. */
  #quotas(): Step[] {
    const create = (path: string, data: string | null = null): Step =>
      this.#alone(0, { op: 'create', code: 1, path, data, acl: OPEN, flags: 0 })
    const steps: Step[] = []
    for (const name of this.#random.chance(0.5) ? ['', '/a'] : ['']) {
      const path = `/zookeeper/quota${this.#root}${name}`
      const hard = `=;byteHardLimit=${this.#random.pick([-1, 1500])};countHardLimit=${this.#random.pick([5, 8])}`
      steps.push(
        create(path),
        create(`${path}/zookeeper_limits`, `count=3,bytes=100${hard}`),
        create(`${path}/zookeeper_stats`, 'count=0,bytes=0'),
      )
    }
    return steps
  }

  #quota(): Asked {
    const random = this.#random
    const path = `/zookeeper/quota${this.#root}${random.pick(['', '/a', '/b', '/a/b'])}`
    const node = `${path}/${random.pick(['zookeeper_limits', 'zookeeper_limits', 'zookeeper_stats'])}`
    const [count, bytes] = [random.pick([-1, 1, 3, 5]), random.pick([-1, 5, 700, 2000])]
    const hard = `=;byteHardLimit=${random.pick([-1, 700])};countHardLimit=${random.pick([-1, 2, 4])}`
    const data = `count=${count},bytes=${bytes}${random.chance(0.5) ? hard : ''}`
    switch (random.below(6)) {
      case 0:
        return { op: 'create', code: 1, path, data: null, acl: OPEN, flags: 0 }
      case 1:
      case 2:
        return { op: 'create', code: 1, path: node, data, acl: OPEN, flags: 0 }
      case 3:
        return { op: 'setData', path: node, data, version: -1 }
      case 4:
        return random.chance(0.3) ? { op: 'delete', path: node, version: -1 } : this.#stats(path)
      default:
        return this.#stats(path)
    }
  }

  #stats(path: string): Asked {
    return { op: 'getData', path: `${path}/zookeeper_stats`, watch: false }
  }

  #auth(): Asked {
    const random = this.#random
    return {
      op: 'auth',
      scheme: random.pick(['digest', 'digest', 'digest', 'digest', 'ip', 'nobody', 'world']),
      auth: random.pick(['alice:secret', 'bob:secret', 'bob', 'with:more:colons', SUPER]),
    }
  }

  /** A body that ends too early: of a write or of a read. */
  #cut(): Asked {
    const code = this.#random.pick([1, 2, 4, 5, 7, 12, 14, 15, 18, 22, 103, 104, 106])
    return { op: 'raw', code, hex: this.#random.pick(['', '0000', '00000005', '7fffffff2f61']) }
  }

  // --- watches: a path has watches of one sort only, since 3.8 lets the later sort take the place of the earlier

  #watching(): Asked {
    const random = this.#random
    const path = random.chance(0.15) ? this.#root : this.#plainPath()
    const sort = this.#sortOf(path)
    const draw = random.below(10)
    if (draw < 4 && sort !== 'standard') return { op: 'addWatch', path, mode: sort === 'persistent' ? 0 : 1 }
    if (draw < 5) return { op: 'addWatch', path: `${this.#root}/never`, mode: random.pick([2, -1, 7]) }
    // Type 3 is any; 1 and 2 meet persistent ones in 3.8.
    const type = sort === 'standard' ? random.pick([1, 2, 3]) : 3
    if (draw < 6) return { op: 'removeWatches', path, type }
    if (draw < 7) return { op: 'checkWatches', path, type }
    if (draw < 8)
      return { op: 'setWatches', lists: this.#lists(), since: random.pick(['start', 0, 1, 2, 5, 10] as const) }
    return { op: random.pick(['exists', 'getData', 'getChildren'] as const), path, watch: sort === 'standard' }
  }

  #lists(): WatchLists {
    const paths = Array.from({ length: this.#random.below(5) }, () => this.#plainPath())
    const of = (sort: string) => [...new Set(paths.filter(path => this.#sortOf(path) === sort))]
    const standard = of('standard')
    const some = () => standard.filter(() => this.#random.chance(0.5))
    return { data: some(), exist: some(), child: some(), persistent: of('persistent'), recursive: of('recursive') }
  }

  #watched(): { path: string; watch: boolean } {
    const path = this.#path()
    return { path, watch: this.#sortOf(path) === 'standard' && this.#watch() }
  }

  #watch(): boolean {
    return ['watches', 'both'].includes(this.#mood) && this.#random.chance(0.6)
  }

  #sortOf(path: string): 'standard' | 'persistent' | 'recursive' {
    let sum = this.#salt
    for (const unit of path.slice(this.#root.length)) sum = (sum * 31 + unit.charCodeAt(0)) % 1009
    sum %= 7
    return sum < 4 ? 'standard' : sum < 5 ? 'persistent' : 'recursive'
  }

  // --- values

  #path(): string {
    if (this.#random.chance(0.02)) return this.#random.pick(['/zookeeper', '/zookeeper/quota', '/'])
    return this.#pathOfOurs()
  }

  /** Nothing beside the root of this sequence: the others have it to themselves. */
  #pathOfOurs(): string {
    return this.#random.chance(0.06) ? this.#strangePath() : this.#plainPath()
  }

  #plainPath(): string {
    const random = this.#random
    const depth = random.pick([1, 1, 1, 1, 2, 2, 2, 3])
    return this.#root + Array.from({ length: depth }, () => `/${random.pick(this.#names)}`).join('')
  }

  #strangePath(): string {
    const root = this.#root
    const strange = [
      `${root}/a//b`,
      `${root}/a/`,
      `${root}/none/b`,
      `${root}/.`,
      `${root}/./x`,
      `${root}/..`,
      `${root}/...`,
      `${root}/é`,
      `${root}/\u0001`,
      `${root}/\u0000`,
      `${root}/x\u007f`,
      `${root}/\ufff0`,
      '',
      'a',
    ]
    return this.#random.pick(strange)
  }

  #data(): string | null {
    return this.#random.pick(['', 'x', 'some data', 'y'.repeat(600), null])
  }

  #version(): number {
    return this.#random.pick([-1, -1, -1, -1, 0, 0, 1, 2, -2])
  }

  #acl(): Acl {
    const random = this.#random
    if (this.#mood === 'watches' || this.#mood === 'quotas' || random.chance(0.6))
      return random.chance(0.96) ? OPEN : this.#wrongAcl()
    // With watches about, what cannot be read would be told by 3.8 and not by 3.9.
    const readable: AclEntry[] = this.#mood === 'both' ? [[1, 'world', 'anyone']] : []
    const entries: AclEntry[] = [
      ALICE,
      [random.pick([1, 2, 4, 8, 16, 15, 0, 255]), 'world', 'anyone'],
      [random.pick([31, 7]), 'auth', ''],
      [31, 'ip', random.pick(['127.0.0.1', '10.0.0.1', '127.0.0.0/8'])],
      BOB,
    ]
    return [...readable, ...Array.from({ length: 1 + random.below(2) }, () => random.pick(entries))]
  }

  #wrongAcl(): Acl {
    return this.#random.pick<Acl>([
      [],
      [[31, 'world', 'everyone']],
      [[31, 'nobody', 'x']],
      [[31, 'digest', 'without a colon']],
      [[31, 'digest', 'a:b:c']],
      [[31, 'ip', '1.2.3']],
      [[31, 'ip', '1.2.3.4/33']],
      [[31, 'auth', '']],
      [[31, null, null]],
      [
        [31, 'world', 'anyone'],
        [31, 'world', 'anyone'],
      ],
    ])
  }
}
