/** C1, C3–C11, C15, S1, S4, S10: what clients were answered, against the committed sequence, the model tree, and real time. */
import { Permission } from '../../../lib/model/acl.js'
import type { SessionId } from '../../../lib/model/ids.js'
import { sessionOf } from '../../../lib/model/owner.js'
import type { MultiStep, Request, WriteRequest } from '../../../lib/model/request.js'
import type { Response, StepResponse } from '../../../lib/model/response.js'
import type { StepTxn, Txn } from '../../../lib/model/txn.js'
import { bytesOfData, type ZnodeData } from '../../../lib/model/znode-data.js'
import { formatZxid, isAfter, later, sameZxid, ZERO, type Zxid } from '../../../lib/model/zxid.js'
import type { Call, ClientEvent } from '../../../lib/testing/simulated-client.js'
import type { WorldObserver } from '../../../lib/testing/world.js'
import { isRefusedEagerly, judgeEagerRefusal } from './eager-refusals.js'
import { type Committed, type Ledger, type LedgerListener, zxidKey } from './ledger.js'
import { LifetimeChecker, NO_SESSION } from './lifetimes.js'
import { mayDo, shown } from './model-access.js'
import { isMortal, type ModelOutcome, ModelTree } from './model-tree.js'
import { Violation } from './violation.js'

const decoder = new TextDecoder()

export class CallChecker implements WorldObserver, LedgerListener {
  readonly model = new ModelTree()
  readonly lifetimes: LifetimeChecker
  readonly #ledger: Ledger
  /** Calls by session and cxid: several, when a client counts from 1 again. */
  readonly #calls = new Map<string, Call[]>()
  readonly #outcomes = new Map<number, { readonly call: Call; readonly outcomes: readonly ModelOutcome[] }>()
  readonly #tokens = new Map<string, Zxid>()
  readonly #sessions = new Set<SessionId>()
  readonly #closed = new Map<SessionId, Zxid>()
  readonly #lastReply = new Map<SessionId, Zxid>()
  readonly #floors = new Map<Call, Zxid>()
  readonly #refused: Call[] = []
  readonly #expired = new Set<SessionId>()
  /** The newest write that any client knows to be done. */
  #returned: Zxid = ZERO

  constructor(ledger: Ledger) {
    this.#ledger = ledger
    this.lifetimes = new LifetimeChecker(ledger, this.model)
    ledger.world.observe(this)
    ledger.listen(this)
  }

  // --- what is committed

  committed(entry: Committed): void {
    const { zxid, session, cxid, txn } = entry.proposal
    this.#countTokens(txn, zxid)
    if (txn.kind === 'createSession') {
      if (this.#sessions.has(txn.session))
        throw new Violation('S1', `session ${txn.session} is created again at ${formatZxid(zxid)}`)
      this.#sessions.add(txn.session)
      this.model.sessions.add(txn.session)
      this.model.local.delete(txn.session)
      return
    }
    if (session === NO_SESSION) {
      this.lifetimes.reaped(entry)
      this.#compareTrees(entry)
      return
    }
    const closedAt = this.#closed.get(session)
    if (closedAt !== undefined && changes(txn) && txn.kind !== 'closeSession') {
      throw new Violation(
        'C16',
        `session ${session}, closed at ${formatZxid(closedAt)}, changes the tree at ${formatZxid(zxid)}`,
      )
    }
    if (txn.kind === 'closeSession') {
      this.#closed.set(session, zxid)
      this.model.close(session, zxidKey(zxid))
    } else this.#judge(entry, session, cxid)
    this.#compareTrees(entry)
  }

  /** C1, C9–C11: the leader's decision is the model's. */
  #judge({ proposal }: Committed, session: SessionId, cxid: number): void {
    const { zxid, txn } = proposal
    const candidates = (this.#calls.get(`${session} ${cxid}`) ?? []).filter(call => fits(call.request, txn))
    const call = candidates.find(each => this.#versionsMatch(each.request)) ?? candidates[0]
    if (call === undefined)
      throw new Violation('C1', `${formatZxid(zxid)} is ${txn.kind} by ${session}/${cxid}, which nobody asked for`)
    // A client that counts from 1 again may have asked for several of these: a failed one cannot be told from the others.
    if (candidates.length > 1 && !changes(txn)) return
    const decided = txn.kind === 'multi' ? txn.steps : [txn]
    if (this.#isOverQuota(call.request, decided)) return
    const outcomes = this.model.execute(call.request as WriteRequest, session, call.identities, zxidKey(zxid))
    this.#outcomes.set(zxidKey(zxid), { call, outcomes })
    for (const [index, step] of decided.entries()) {
      const outcome = outcomes[index]!
      const code = step.kind === 'error' ? step.code : 'OK'
      if (code !== outcome.code || (step.kind === 'create' && step.path !== outcome.path)) {
        const path = step.kind === 'create' ? step.path : ''
        const denied = [code, outcome.code].some(each => each === 'NO_AUTH' || each === 'INVALID_ACL')
        const upgrade = [code, outcome.code].includes('EPHEMERAL_ON_LOCAL_SESSION')
        const row = upgrade
          ? 'S10'
          : denied
            ? 'C1'
            : txn.kind === 'multi'
              ? 'C9'
              : step.kind === 'create'
                ? 'C11'
                : 'C10'
        throw new Violation(
          row,
          `${formatZxid(zxid)} is ${step.kind} ${code} ${path}, the model says ${outcome.code} ${outcome.path ?? ''}`,
        )
      }
    }
  }

  /** What is applied where the leader asked, nobody else knows: the model has it as long as it can be so, and nothing has changed then. */
  #isOverQuota(request: Request, decided: readonly Txn[]): boolean {
    const index = decided.findIndex(step => step.kind === 'error' && step.code === 'QUOTA_EXCEEDED')
    if (index < 0) return false
    const step = request.kind === 'multi' ? request.steps[index]! : (request as MultiStep)
    if (this.model.overQuota(step)) return true
    throw new Violation('C10', `${step.kind} ${step.path} is refused for a quota that does not forbid it`)
  }

  /** Tells two deletes of one path apart, of which only one can have succeeded. */
  #versionsMatch(request: Request): boolean {
    if (request.kind === 'multi') return request.steps.every(step => this.#versionsMatch(step))
    return (
      !('version' in request) || request.version === -1 || request.version === this.model.get(request.path)?.version
    )
  }

  #compareTrees({ proposal, index }: Committed): void {
    const { tree, sessions } = this.#ledger.ref
    const { session, txn, zxid } = proposal
    if (txn.kind === 'closeSession') {
      for (const path of tree.ephemerals.of(session))
        throw new Violation('S4', `${path} outlives session ${session}, closed at ${formatZxid(zxid)}`)
    } else if (index % 32 !== 0) return
    for (const [path, expected] of this.model.entries()) {
      const znode = tree.get(path)
      if (znode === undefined) throw new Violation('C13', `${path} is missing at ${formatZxid(zxid)}`)
      if (path.startsWith('/zookeeper') && !path.startsWith('/zookeeper/quota/')) continue
      const same =
        znode.version === expected.version &&
        znode.owner === expected.owner &&
        (znode.acl === expected.acl || JSON.stringify(znode.acl) === JSON.stringify(expected.acl)) &&
        sameData(znode.data, expected.data)
      if (!same)
        throw new Violation(
          'C10',
          `${path} at ${formatZxid(zxid)} is not what the model has: ${decoder.decode(bytesOfData(znode.data) ?? undefined)} instead of ${decoder.decode(expected.data ?? undefined)}, version ${znode.version} of ${expected.version}`,
        )
      const owner = sessionOf(znode.owner)
      if (owner !== undefined && !sessions.has(owner))
        throw new Violation('S4', `${path} belongs to session ${znode.owner}, which is gone`)
    }
    if (tree.size === this.model.size) return
    const extra = [...tree.entries()].map(([path]) => path).filter(path => this.model.get(path) === undefined)
    throw new Violation('S4', `${extra.join(', ')} should not be there at ${formatZxid(zxid)}`)
  }

  /** C1: a write takes effect once. Every created or set value is unique. */
  #countTokens(txn: Txn, zxid: Zxid): void {
    for (const step of txn.kind === 'multi' ? txn.steps : [txn]) {
      if ((step.kind !== 'create' && step.kind !== 'setData') || step.data === null) continue
      const token = decoder.decode(step.data)
      const before = this.#tokens.get(token)
      if (before !== undefined)
        throw new Violation(
          'C1',
          `the write of ${token} takes effect at ${formatZxid(before)} and at ${formatZxid(zxid)}`,
        )
      this.#tokens.set(token, zxid)
    }
  }

  // --- what clients see

  client(event: ClientEvent): void {
    switch (event.kind) {
      case 'called':
        return this.#called(event.call)
      case 'returned':
        return this.#back(event.call)
      case 'attached':
        if (this.#expired.has(event.session))
          throw new Violation('C16', `session ${event.session} is attached after it expired`)
        // Nobody has heard of it but its peer.
        if (!this.#sessions.has(event.session)) this.model.local.add(event.session)
        return
      case 'detached':
        if (event.code !== 'SESSION_EXPIRED' || event.session === undefined) return
        this.#expired.add(event.session)
        if (!event.client.embedded && !this.#closed.has(event.session) && !this.model.local.has(event.session)) {
          throw new Violation('S2', `session ${event.session} is told to have expired, but it lives`)
        }
        return
      default:
        return
    }
  }

  #called(call: Call): void {
    const key = `${call.session} ${call.cxid}`
    const calls = this.#calls.get(key)
    if (calls === undefined) this.#calls.set(key, [call])
    else calls.push(call)
    this.#floors.set(call, this.#returned)
  }

  #back(call: Call): void {
    const floor = this.#floors.get(call)!
    this.#floors.delete(call)
    const { outcome, request, session } = call
    if (outcome?.kind === 'failed' && outcome.outcome === 'not-applied') this.#refused.push(call)
    if (outcome?.kind !== 'answered') return
    const { zxid, response } = outcome
    if (this.#expired.has(session)) throw new Violation('C16', `a call of ${session} succeeds after it expired`)
    if (isRefusedEagerly(this.#ledger, request, zxid, response)) {
      judgeEagerRefusal(call, response, this.#ledger, this.model)
      this.#refused.push(call)
      return
    }
    const last = this.#lastReply.get(session) ?? ZERO
    if (isAfter(last, zxid))
      throw new Violation('C3', `session ${session} is answered at ${formatZxid(zxid)} after ${formatZxid(last)}`)
    if (isAfter(call.seen, zxid))
      throw new Violation(
        'C3',
        `session ${session} has seen ${formatZxid(call.seen)} and is answered at ${formatZxid(zxid)}`,
      )
    this.#lastReply.set(session, zxid)
    if (call.client.readOnly) {
      const refused = response.kind === 'error' && response.code === 'NOT_READ_ONLY'
      const refusable = request.kind === 'sync' || (isWrite(request) && request.kind !== 'closeSession')
      if (refused !== refusable)
        throw new Violation('C15', `${request.kind} is answered ${response.kind} by a peer that gives reads only`)
      if (refused) this.#refused.push(call)
      if (refused || request.kind === 'closeSession') return
    }
    // A local session ends at its own peer.
    if (request.kind === 'closeSession' && this.model.local.has(session)) return
    if (isWrite(request)) this.#wrote(call, zxid, response, floor)
    else if (request.kind === 'sync') {
      if (isAfter(floor, zxid))
        throw new Violation(
          'C8',
          `sync is answered at ${formatZxid(zxid)}, ${formatZxid(floor)} had returned before it was asked`,
        )
    } else this.#read(call, zxid, response)
  }

  #wrote(call: Call, zxid: Zxid, response: Response, floor: Zxid): void {
    const entry = this.#ledger.at(zxid)
    if (entry === undefined)
      throw new Violation(
        'C6',
        `${call.session}/${call.cxid} is answered with ${formatZxid(zxid)}, which is not committed`,
      )
    const { session, cxid, txn } = entry.proposal
    if (session !== call.session || cxid !== call.cxid || !fits(call.request, txn)) {
      throw new Violation(
        'C1',
        `${call.session}/${call.cxid} ${call.request.kind} is answered with ${formatZxid(zxid)}, which is ${session}/${cxid} ${txn.kind}`,
      )
    }
    if (!sameValue(response, entry.response)) {
      throw new Violation(
        'C1',
        `${call.session}/${call.cxid} is answered ${JSON.stringify(response)}, the reference says ${JSON.stringify(entry.response)}`,
      )
    }
    if (!isAfter(zxid, floor)) {
      throw new Violation(
        'C1',
        `${call.session}/${call.cxid} takes place ${formatZxid(zxid)}, but ${formatZxid(floor)} had returned before it was asked`,
      )
    }
    if (response.kind === 'error' && changes(txn))
      throw new Violation('C7', `${formatZxid(zxid)} is answered ${response.code} and changes the tree`)
    this.#returned = later(this.#returned, zxid)
  }

  /** C4, C5: a read is the state behind the zxid it is answered with (and that is behind all the session has seen: C3). */
  #read({ request, identities }: Call, zxid: Zxid, response: Response): void {
    if (!['getData', 'exists', 'getChildren', 'getAcl'].includes(request.kind) || !('path' in request)) return
    if (!sameZxid(zxid, ZERO) && this.#ledger.at(zxid) === undefined)
      throw new Violation('C6', `a read sees ${formatZxid(zxid)}, which is not committed`)
    const expected = this.model.before(request.path, zxidKey(zxid))
    const wrong = (why: string): never => {
      throw new Violation('C5', `${request.kind} ${request.path} at ${formatZxid(zxid)}: ${why}`)
    }
    const needed = request.kind === 'getAcl' ? Permission.READ | Permission.ADMIN : Permission.READ
    const denied = expected !== undefined && !mayDo(expected.acl, identities, needed)
    if (denied !== (response.kind === 'error' && response.code === 'NO_AUTH'))
      wrong(`answered ${response.kind}, but ${denied ? 'he may not' : 'he may'}`)
    if (denied) return
    if (response.kind === 'error') {
      if (response.code !== 'NO_NODE' || expected !== undefined) wrong(`answered ${response.code}, the model has it`)
      return
    }
    if (expected === undefined) return wrong('answered, but the model has none')
    if (response.kind === 'acl') {
      if (JSON.stringify(response.acl) !== JSON.stringify(shown(expected.acl, identities)))
        wrong(`shows ${JSON.stringify(response.acl)}, the model has ${JSON.stringify(expected.acl)}`)
      return
    }
    if (response.kind === 'children') {
      if ([...response.children].sort().join() !== expected.children.join())
        wrong(`children ${response.children}, the model has ${expected.children}`)
      return
    }
    if (response.kind !== 'data' && response.kind !== 'stat') return wrong(`answered ${response.kind}`)
    const { stat } = response
    if (
      stat.version !== expected.version ||
      stat.aversion !== expected.aversion ||
      stat.ephemeralOwner !== (isMortal(expected) ? undefined : expected.owner) ||
      zxidKey(stat.mzxid) !== expected.modifiedAt
    ) {
      wrong(`version ${stat.version} at ${formatZxid(stat.mzxid)}, the model has ${expected.version}`)
    }
    if (response.kind === 'data' && !sameBytes(response.data, expected.data)) wrong('other data than the model has')
  }

  atEnd(): void {
    for (const { session, cxid, request } of this.#refused) {
      for (const token of tokensOf(request)) {
        const applied = this.#tokens.get(token)
        if (applied !== undefined)
          throw new Violation(
            'C7',
            `${session}/${cxid} failed as not applied, but took effect at ${formatZxid(applied)}`,
          )
      }
    }
  }
}

function isWrite(request: Request): boolean {
  return ['create', 'setData', 'setAcl', 'delete', 'multi', 'closeSession'].includes(request.kind)
}

/** Whether the txn can come of the request. */
function fits(request: Request, txn: Txn): boolean {
  if (txn.kind === 'error') return isWrite(request) && request.kind !== 'multi'
  if (txn.kind === 'multi')
    return (
      request.kind === 'multi' &&
      request.steps.length === txn.steps.length &&
      request.steps.every((step, index) => fitsStep(step, txn.steps[index]!))
    )
  if (txn.kind === 'closeSession') return request.kind === 'closeSession'
  if (txn.kind === 'setAcl') return request.kind === 'setAcl' && request.path === txn.path
  return fitsStep(request, txn as StepTxn)
}

function fitsStep(request: Request, txn: StepTxn): boolean {
  if (txn.kind === 'error') return true
  if (request.kind !== txn.kind || !('path' in request)) return false
  const sequential = request.kind === 'create' && request.mode.sequential
  if (sequential ? !txn.path.startsWith(request.path) : txn.path !== request.path) return false
  return !('data' in request && 'data' in txn) || sameBytes(request.data, txn.data)
}

function changes(txn: Txn): boolean {
  if (txn.kind === 'multi')
    return txn.steps.length > 0 && txn.steps[0]!.kind !== 'error' && txn.steps.every(step => step.kind !== 'error')
  return txn.kind !== 'error' && txn.kind !== 'check'
}

function tokensOf(request: Request): string[] {
  const steps = request.kind === 'multi' ? request.steps : [request]
  return steps.flatMap(step => ('data' in step && step.data instanceof Uint8Array ? [decoder.decode(step.data)] : []))
}

/** Of plain data, as JSON would have it: what is undefined is not there. */
function sameValue(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return Object.is(a, b)
  if (a instanceof Uint8Array && b instanceof Uint8Array) return sameBytes(a, b)
  for (const name in a) if (!sameValue(a[name as keyof typeof a], b[name as keyof typeof b])) return false
  for (const name in b) if (b[name as keyof typeof b] !== undefined && !(name in a)) return false
  return Array.isArray(a) === Array.isArray(b)
}

function sameData(a: ZnodeData, b: Uint8Array | null): boolean {
  if (typeof a !== 'string') return sameBytes(a, b)
  if (b === null || a.length !== b.length) return false
  for (let index = 0; index < b.length; index++) if (a.charCodeAt(index) !== b[index]) return false
  return true
}

function sameBytes(a: Uint8Array | null, b: Uint8Array | null): boolean {
  if (a === b) return true
  if (a === null || b === null || a.length !== b.length) return false
  for (let index = 0; index < a.length; index++) if (a[index] !== b[index]) return false
  return true
}

export type { StepResponse }
