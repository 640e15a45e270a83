/**
 * The calls of the applications of a run: one of every kind that a client has, on a few paths, with values that are written once each, through the
 * client itself, a view with another root, or a handle. Some are aborted, some have little time; what the application has to say in the middle
 * of one may throw, or never come.
 * Before: host-workload.ts. After: the client; session-history.ts hears what was asked and what came of it.
 */
import type { Client } from '../../../lib/client/client.js'
import type { CallOptions } from '../../../lib/client/client-options.js'
import { type MultiOp, op } from '../../../lib/client/transaction.js'
import { type Identity, Permission } from '../../../lib/model/acl.js'
import { parentOf } from '../../../lib/model/path.js'
import type { SeededRandom } from '../../../lib/testing/seeded-random.js'
import type { Need } from './access-history.js'
import type { HostCall } from './host-call.js'
import type { Proof } from './proved.js'

export const PATHS = ['/a', '/b', '/a/x', '/a/y', '/b/z', '/a/x/deep']
/** What is made together with its parents, and goes with all that is below. */
const DEEP = ['/a/t/u/v', '/c/d/e', '/c/d/f']
const TREES = ['/a/t', '/c', '/c/d']

/** What a call is, as far as its checkers need it. */
export type Asked = Pick<HostCall, 'kind' | 'path'> &
  Partial<Pick<HostCall, 'tokens' | 'version' | 'composite' | 'root' | 'needs' | 'ownAcl' | 'proof' | 'steps'>>

export interface CallPorts {
  readonly random: SeededRandom
  readonly client: Client<string>
  /** A value that nobody has written. */
  readonly token: () => string
  /** Aborts so much later, by the clock of the application. */
  readonly abortLater: () => AbortSignal
  /** @param asked without `needs`: needs nothing; of several requests, whatever each of them needs */
  readonly ask: (asked: Asked, work: Promise<unknown>) => void
  /** The application is about to prove, or to say in vain, that it is somebody. */
  readonly proves: (identity: Identity) => Proof
  readonly lies: () => void
}

const { READ, WRITE, CREATE, DELETE } = Permission

type Kind = 'create' | 'set' | 'delete' | 'multi' | 'update' | 'whole' | 'get' | 'exists' | 'children' | 'many' | 'sync'

/** Of a hundred calls, so many of each kind. */
const SHARES: Readonly<Record<Kind, number>> = {
  create: 20,
  set: 13,
  delete: 9,
  multi: 9,
  update: 5,
  whole: 5,
  get: 10,
  exists: 8,
  children: 9,
  many: 4,
  sync: 8,
}

export function makeCall(ports: CallPorts): void {
  const { random } = ports
  let roll = random.below(100)
  for (const kind of Object.keys(SHARES) as Kind[]) {
    roll -= SHARES[kind]
    if (roll < 0) return calls[kind](ports, random.pick(PATHS), bounds(ports))
  }
}

function bounds({ random, abortLater }: CallPorts): CallOptions {
  if (random.chance(0.05)) return { signal: abortLater() }
  return random.chance(0.03) ? { timeout: random.between(1, 200) } : {}
}

/** The client, and the path as that knows it: sometimes below another root. */
function view({ random, client }: CallPorts, path: string): { zk: Client<string>; at: string; root: string } {
  if (!path.startsWith('/a/') || !random.chance(0.2)) return { zk: client, at: path, root: '' }
  return { zk: client.chroot('/a'), at: path.slice(2), root: '/a' }
}

const calls: Readonly<Record<Kind, (ports: CallPorts, path: string, options: CallOptions) => void>> = {
  create(ports, path, options) {
    const { random, ask } = ports
    const token = ports.token()
    const sequential = random.chance(0.3)
    const { zk, at, root } = view(ports, path)
    const made = { ...options, ephemeral: random.chance(0.35), sequential }
    const needs = [{ path: sequential ? path : parentOf(path), wanted: CREATE }]
    ask({ kind: 'create', path, tokens: [token], root, needs }, zk.create(sequential ? `${at}/s-` : at, token, made))
  },

  set(ports, path, options) {
    const { random, ask } = ports
    const token = ports.token()
    const version = random.chance(0.4) ? random.below(4) : undefined
    const { zk, at } = view(ports, path)
    const set = random.chance(0.2)
      ? zk.at(at).set(token, { ...options, version })
      : zk.set(at, token, { ...options, version })
    ask({ kind: 'set', path, tokens: [token], version, needs: [{ path, wanted: WRITE }] }, set)
  },

  delete(ports, path, options) {
    const { zk, at } = view(ports, path)
    ports.ask({ kind: 'delete', path, needs: [{ path: parentOf(path), wanted: DELETE }] }, zk.delete(at, options))
  },

  multi(ports, path, options) {
    const { random, client, ask } = ports
    const tokens = [ports.token(), ports.token()] as const
    const other = random.pick(PATHS)
    const steps = [
      op.set(path, tokens[0]),
      op.create(`${other}/m-`, tokens[1], { sequential: true, ephemeral: random.chance(0.2) }),
      ...(random.chance(0.2) ? [op.check(other, { version: random.below(3) })] : []),
      ...(random.chance(0.1) ? [op.delete(random.pick(PATHS))] : []),
    ]
    ask({ kind: 'multi', path, tokens, needs: steps.map(needOf) }, client.multi(steps, options))
  },

  update(ports, path, options) {
    const { random, ask } = ports
    const token = ports.token()
    const { zk, at } = view(ports, path)
    const change = (): string | Promise<string> => {
      if (random.chance(0.2)) throw new Error('of the application')
      if (random.chance(0.1)) return new Promise(() => undefined)
      return random.chance(0.3) ? Promise.resolve(token) : token
    }
    // Tries again with the same value: it takes effect once at most.
    ask({ kind: 'update', path, tokens: [token], composite: true }, zk.update(at, change, options))
  },

  /** What takes several requests, and is not atomic. */
  whole(ports, path, options) {
    const { random, client, ask } = ports
    const token = ports.token()
    const roll = random.below(5)
    if (roll === 0) {
      const deep = random.pick(DEEP)
      const made = client.create(deep, token, { ...options, parents: true })
      ask({ kind: 'create', path: deep, tokens: [token], composite: true }, made)
    } else if (roll === 1) {
      const set = client.set(path, token, { ...options, upsert: true })
      ask({ kind: 'set', path, tokens: [token], composite: true }, set)
    } else if (roll === 2) {
      const made = client.create(path, token, { ...options, ifMissing: true })
      ask({ kind: 'createMissing', path, tokens: [token], needs: [{ path: parentOf(path), wanted: CREATE }] }, made)
    } else {
      const tree = random.pick(TREES)
      const gone = client.delete(tree, { ...options, recursive: true, ifExists: true })
      ask({ kind: 'deleteTree', path: tree, composite: true }, gone)
    }
  },

  get(ports, path, options) {
    const { zk, at } = view(ports, path)
    const got = ports.random.chance(0.2) ? zk.at(at).get(options) : zk.get(at, options)
    ports.ask({ kind: 'get', path, needs: [{ path, wanted: READ }] }, got)
  },

  exists(ports, path, options) {
    const { zk, at } = view(ports, path)
    ports.ask({ kind: 'exists', path, needs: [{ path, wanted: READ }] }, zk.exists(at, options))
  },

  children(ports, path, options) {
    const of = ports.random.chance(0.1) ? '/' : path
    const { zk, at } = view(ports, of)
    ports.ask({ kind: 'getChildren', path: of, needs: [{ path: of, wanted: READ }] }, zk.getChildren(at, options))
  },

  /** Many znodes by one call. */
  many(ports, _, options) {
    const { random, client, ask } = ports
    const root = random.pick(['/a', '/b', '/c'])
    const kind = random.pick(['walk', 'walk', 'countDescendants', 'getEphemerals'] as const)
    if (kind === 'walk') ask({ kind, path: root, composite: true }, gathered(client.walk(root, options)))
    else {
      const needs = kind === 'getEphemerals' ? [] : [{ path: root, wanted: READ }]
      ask({ kind, path: root, needs }, client[kind](root, options))
    }
  },

  sync(ports, path, options) {
    ports.ask({ kind: 'sync', path }, ports.client.sync('/', options))
  },
}

/** Of one step, as if it stood alone. */
function needOf({ kind, path }: MultiOp<string>): Need {
  const wanted = { create: CREATE, set: WRITE, delete: DELETE, check: READ }[kind]
  return { path: kind === 'create' || kind === 'delete' ? parentOf(path) : path, wanted }
}

async function gathered<T>(found: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const each of found) all.push(each)
  return all
}
