/**
 * What a tree should do, written down a second time and simply: plain mutable nodes, copied whole before each multi, every rule of
 * semantics §3 and §8 spelled out, nothing shared with lib/core. Identities are left out: the requester here is trusted.
 */
import type { Acl } from '../../../../lib/model/acl.js'
import type { CreateMode, Lifetime } from '../../../../lib/model/create-mode.js'
import type { Owner } from '../../../../lib/model/owner.js'
import type { MultiStep, WriteRequest } from '../../../../lib/model/request.js'

interface Node {
  data: number[] | null
  acl: Acl
  czxid: number
  mzxid: number
  pzxid: number
  ctime: number
  mtime: number
  version: number
  creations: number
  aversion: number
  owner: Owner | undefined
}

export class ReferenceTree {
  nodes = new Map<string, Node>()
  sessions = new Set<string>()

  /** The codes: one, or one per step of a multi. */
  run(request: WriteRequest, session: string, zxid: number, time: number): string[] {
    switch (request.kind) {
      case 'createSession':
        this.sessions.add(request.session)
        return ['OK']
      case 'closeSession':
        for (const [path, node] of [...this.nodes]) if (node.owner === session) this.#remove(path, zxid)
        this.sessions.delete(session)
        return ['OK']
      case 'multi': {
        const nodes = structuredClone(this.nodes)
        const codes: string[] = []
        for (const step of request.steps) {
          codes.push(
            codes.at(-1) === undefined || codes.at(-1) === 'OK'
              ? this.#step(step, session, zxid, time)
              : 'RUNTIME_INCONSISTENCY',
          )
        }
        if (codes.some(code => code !== 'OK')) this.nodes = nodes
        return codes
      }
      case 'reap': {
        const node = this.nodes.get(request.path)
        if (node === undefined) return ['NO_NODE']
        if (this.children(request.path).length > 0) return ['NOT_EMPTY']
        if (!isLifetime(node.owner) || node.mzxid !== request.mzxid.counter) return ['BAD_VERSION']
        this.#remove(request.path, zxid)
        return ['OK']
      }
      case 'reconfig':
        return ['RECONFIG_DISABLED']
      case 'check':
        return ['UNIMPLEMENTED']
      case 'invalid':
        return [request.code]
      default:
        return [this.#step(request, session, zxid, time)]
    }
  }

  children(path: string): string[] {
    const prefix = path === '/' ? '/' : `${path}/`
    return [...this.nodes.keys()].filter(
      other => other !== '/' && other.startsWith(prefix) && !other.slice(prefix.length).includes('/'),
    )
  }

  #step(
    step: MultiStep | Extract<WriteRequest, { kind: 'setAcl' }>,
    session: string,
    zxid: number,
    time: number,
  ): string {
    if (step.kind === 'create' && !fits(step.mode, step.lifetime)) return 'BAD_ARGUMENTS'
    if (!this.sessions.has(session)) return 'SESSION_EXPIRED'
    const node = this.nodes.get(step.path)
    if (step.kind === 'create') {
      const parent = this.nodes.get(above(step.path))
      if (parent === undefined) return 'NO_NODE'
      const path = step.mode.sequential ? step.path + String(parent.creations).padStart(10, '0') : step.path
      if (this.nodes.has(path)) return 'NODE_EXISTS'
      if (parent.owner !== undefined && !isLifetime(parent.owner)) return 'NO_CHILDREN_FOR_EPHEMERALS'
      parent.creations += 1
      parent.pzxid = zxid
      this.nodes.set(path, {
        data: step.data && [...step.data],
        acl: step.acl,
        czxid: zxid,
        mzxid: zxid,
        pzxid: zxid,
        ctime: time,
        mtime: time,
        version: 0,
        creations: 0,
        aversion: 0,
        owner: ownerOf(step.mode, step.lifetime, session),
      })
      return 'OK'
    }
    if (node === undefined) return 'NO_NODE'
    const actual = step.kind === 'setAcl' ? node.aversion : node.version
    if (step.version !== -1 && step.version !== actual) return 'BAD_VERSION'
    if (step.kind === 'delete') {
      if (this.children(step.path).length > 0) return 'NOT_EMPTY'
      this.#remove(step.path, zxid)
    } else if (step.kind === 'setData') {
      Object.assign(node, { data: step.data && [...step.data], version: node.version + 1, mzxid: zxid, mtime: time })
    } else if (step.kind === 'setAcl') {
      Object.assign(node, { acl: step.acl, aversion: node.aversion + 1 })
    }
    return 'OK'
  }

  #remove(path: string, zxid: number): void {
    this.nodes.delete(path)
    this.nodes.get(above(path))!.pzxid = zxid
  }

  constructor() {
    for (const path of ['/', '/zookeeper', '/zookeeper/quota', '/zookeeper/config']) {
      const version = path === '/zookeeper/config' ? -1 : 0
      const acl = [{ perms: path === '/zookeeper/config' ? 1 : 31, scheme: 'world', id: 'anyone' }]
      const times = { czxid: 0, mzxid: 0, pzxid: 0, ctime: 0, mtime: 0 }
      this.nodes.set(path, { data: [], acl, ...times, version, creations: 0, aversion: version, owner: undefined })
    }
  }
}

/** A TTL mode comes with a TTL of 1 … 2⁴⁰ − 1, and no other mode with any. */
function fits(mode: CreateMode, lifetime: Lifetime | undefined): boolean {
  if (mode.unknown) return false
  if (mode.ttl) return lifetime?.kind === 'ttl' && lifetime.ttlMs > 0 && lifetime.ttlMs < 2 ** 40
  return lifetime?.kind !== 'ttl'
}

/** ZooKeeper's numbers, computed as such. */
function ownerOf(mode: CreateMode, lifetime: Lifetime | undefined, session: string): Owner | undefined {
  if (lifetime === undefined) return mode.ephemeral ? (session as Owner) : undefined
  const bits = lifetime.kind === 'container' ? 1n << 63n : (0xff00n << 48n) | BigInt(lifetime.ttlMs)
  return bits.toString(16) as Owner
}

function isLifetime(owner: Owner | undefined): boolean {
  return owner !== undefined && (owner === '8000000000000000' || BigInt(`0x${owner}`) >> 56n === 0xffn)
}

function above(path: string): string {
  return path.split('/').slice(0, -1).join('/') || '/'
}
