/**
 * What one session of a real client asked and was told, held against the chain: C1–C12, C15, C16, L2, W1 as an application meets them. Who may do what is
 * access-history.ts. Knows promises and observables only; nothing of cxids, attachments or peers, but whether a peer without a leader serves it.
 */
import type { WalkedZnode } from '../../../lib/client/client.js'
import type { SessionInfo } from '../../../lib/client/session.js'
import type { Stat } from '../../../lib/client/stat.js'
import { type Acl, Permission } from '../../../lib/model/acl.js'
import { hasCode } from '../../../lib/model/errors.js'
import type { ClientIdentity } from '../../../lib/model/response.js'
import { Violation } from '../checkers/violation.js'
import { AccessHistory } from './access-history.js'
import type { Chain, ZnodeState } from './chain.js'
import { differing, differs, impossible } from './differences.js'
import {
  EXPECTED,
  type HostCall,
  type Knowledge,
  READS,
  type ReadResults,
  type Standing,
  trustedStanding,
} from './host-call.js'

export class SessionHistory {
  readonly name: string
  readonly id: bigint
  readonly timeoutMs: number
  readonly beganAt: number
  readonly calls: HostCall[] = []
  /** SESSION_EXPIRED or CLOSED was told. */
  expired = false
  readonly standing: Standing
  readonly #chain: Chain
  readonly #knowledge: Knowledge
  readonly #access: AccessHistory
  readonly #claimed = new Set<bigint>()
  readonly #open = new Set<HostCall>()
  #lastSeen = 0n
  #lastWrite = 0n

  constructor(
    name: string,
    { id, timeoutMs }: SessionInfo,
    beganAt: number,
    chain: Chain,
    knowledge: Knowledge,
    standing: Standing = trustedStanding(),
  ) {
    this.name = name
    this.standing = standing
    this.#access = new AccessHistory(chain, standing.proved)
    this.id = id
    this.timeoutMs = timeoutMs
    this.beganAt = beganAt
    this.#chain = chain
    this.#knowledge = knowledge
  }

  get lastSeen(): bigint {
    return this.#lastSeen
  }
  /** Not settled. */
  get open(): ReadonlySet<HostCall> {
    return this.#open
  }

  called(call: Omit<HostCall, 'number' | 'floor' | 'outcome'>): HostCall {
    const made: HostCall = {
      ...call,
      number: this.calls.length,
      floor: this.#knowledge.returned,
      outcome: undefined,
    }
    this.#knowledge.calls += 1
    this.calls.push(made)
    this.#open.add(made)
    return made
  }

  failed(
    call: HostCall,
    error: { readonly code?: string; readonly outcome?: string; readonly message?: string },
  ): void {
    this.#open.delete(call)
    const { code = 'none', outcome = 'unknown' } = error
    call.outcome = { code, outcome }
    this.#knowledge.failed.set(code, (this.#knowledge.failed.get(code) ?? 0) + 1)
    if (code === 'SESSION_EXPIRED' || code === 'AUTH_FAILED') this.expired = true
    if (code === 'NO_AUTH')
      return this.#access.refused(this.#what(call), READS.has(call.kind) ? 'C5' : 'C1', call.needs, this.#lastSeen)
    if (code === 'NOT_READ_ONLY' && !this.standing.readOnly)
      throw new Violation('C15', `${this.#what(call)} is refused: ${code}, though a peer with a leader serves it`)
    const own = code === 'none' && error.message === 'of the application'
    if (!EXPECTED.has(code) && !own && !this.#isToBeExpected(code, call))
      throw new Violation('R1', `${this.#what(call)} fails with ${code}: ${error.message}`)
  }

  #isToBeExpected(code: string, { kind, ownAcl }: HostCall): boolean {
    const { proved, lied, local } = this.standing
    if (code === 'AUTH_FAILED') return lied
    if (code === 'INVALID_ACL') return ownAcl && proved.certain().every(({ scheme }) => scheme !== 'digest')
    if (code === 'EPHEMERAL_ON_LOCAL_SESSION') return local === 'never upgraded'
    return code === 'NOT_READ_ONLY' && !READS.has(kind)
  }

  answered(call: HostCall, result: unknown): void {
    call.outcome = { ok: result }
    this.#open.delete(call)
    this.#knowledge.answered += 1
    if (this.expired) throw new Violation('C16', `${this.#what(call)} succeeds after the session has expired`)
    if (this.standing.readOnly && !READS.has(call.kind))
      throw new Violation('C15', `${this.#what(call)} succeeds at a peer without a leader`)
    if (!call.composite)
      for (const earlier of this.#open)
        if (earlier.number < call.number && !earlier.composite)
          throw new Violation('C2', `${this.#what(call)} is answered before ${this.#what(earlier)}`)
    switch (call.kind) {
      case 'create':
        return this.#wrote(call, this.#took(call), `${call.root}${result}`)
      case 'createMissing': {
        if (this.#chain.tokens.has(call.tokens[0]!)) return this.#wrote(call, this.#took(call), `${result}`)
        if (!this.#chain.wasSince(call.path, this.#lastSeen, state => state !== undefined))
          throw new Violation('C5', `${this.#what(call)}: it was never there since ${this.#lastSeen}`)
        return
      }
      case 'deleteTree':
        if (!this.#chain.wasSince(call.path, call.floor, state => state === undefined))
          throw new Violation('C6', `${this.#what(call)} succeeds, but it was there since ${call.floor}`)
        return
      case 'set':
      case 'update': {
        const stat = (call.kind === 'update' ? (result as { stat: Stat }).stat : result) as Stat
        const zxid = call.kind === 'update' ? stat.mzxid : this.#took(call)
        if (stat.mzxid !== zxid)
          throw new Violation('C6', `${this.#what(call)} is told mzxid ${stat.mzxid}, not ${zxid}`)
        if (call.version !== undefined && stat.version !== call.version + 1)
          throw new Violation('C10', `${this.#what(call)} with version ${call.version} makes version ${stat.version}`)
        return this.#wrote(call, zxid, undefined)
      }
      case 'multi':
        if (call.tokens.length > 0) this.#wrote(call, this.#took(call), undefined)
        return
      case 'setAcl':
        return this.#changedAcl(call, result as Stat)
      case 'addAuth':
        if (call.proof === undefined) throw new Violation('C5', `${this.#what(call)} is believed`)
        this.standing.proved.accepted(call.proof, this.#chain.entries.at(-1)?.zxid ?? 0n)
        return
      case 'whoAmI':
        return this.#isKnownAs(call, result as readonly ClientIdentity[])
      case 'delete':
        return this.#deleted(call)
      case 'sync': {
        const zxid = result as bigint
        this.#saw(call, zxid)
        if (zxid < call.floor) throw new Violation('C8', `${this.#what(call)} at ${zxid} misses ${call.floor}`)
        return
      }
      case 'get': {
        const { zxid, value, stat } = result as { zxid: bigint; value: string | undefined; stat: Stat }
        this.#saw(call, zxid)
        const state = this.#chain.before(call.path, zxid)
        this.#matches(call, state, value, stat, zxid)
        return
      }
      case 'getAcl': {
        const { acl, stat } = result as { acl: Acl; stat: Stat }
        if (!this.#access.isShown(call.path, acl, stat.aversion, this.#lastSeen))
          throw new Violation('C5', `${this.#what(call)}: never so since ${this.#lastSeen}: ${JSON.stringify(acl)}`)
        return
      }
      case 'multiRead':
        if (!this.#chain.someSince(this.#lastSeen, at => this.#isMoment(call, result as ReadResults, at)))
          throw new Violation('C5', `${this.#what(call)}: no one moment since ${this.#lastSeen} was like that`)
        return
      case 'walk': {
        let last = 0n
        for (const { path, value, stat, zxid } of result as readonly WalkedZnode<string>[]) {
          if (zxid < last) throw new Violation('C3', `${this.#what(call)} comes to ${zxid} behind ${last}`)
          last = zxid
          this.#matches(call, this.#chain.before(path, zxid), value, stat, zxid)
        }
        return
      }
      case 'countDescendants':
        if (!this.#chain.someSince(this.#lastSeen, at => this.#counts(call.path, at) === result))
          throw new Violation('C5', `${this.#what(call)}: never ${result} since ${this.#lastSeen}`)
        return
      case 'getEphemerals': {
        const found = (result as readonly string[]).join()
        const own = (at: bigint): string =>
          [call.path, ...this.#chain.below(call.path, at)]
            .filter(path => this.#chain.before(path, at)?.owner === this.id)
            .sort()
            .join()
        if (!this.#chain.someSince(this.#lastSeen, at => own(at) === found))
          throw new Violation('S4', `${this.#what(call)}: never ${found} since ${this.#lastSeen}`)
        return
      }
      case 'exists': {
        const stat = result as Stat | undefined
        const like = (state: ZnodeState | undefined): boolean =>
          stat === undefined
            ? state === undefined
            : state !== undefined && differing(state.stat, stat) === undefined && this.#mayRead(state)
        if (!this.#chain.wasSince(call.path, this.#lastSeen, like))
          throw new Violation('C5', `${this.#what(call)}: never so since ${this.#lastSeen}: ${stat?.version}`)
        return
      }
      case 'getChildren': {
        const children = (result as string[]).join()
        const like = (state: ZnodeState | undefined): boolean =>
          state?.children.join() === children && this.#mayRead(state)
        if (!this.#chain.wasSince(call.path, this.#lastSeen, like))
          throw new Violation('C5', `${this.#what(call)}: never so since ${this.#lastSeen}: ${children}`)
        return
      }
    }
  }

  /** W1: a change is told before anything that shows it. */
  event(path: string, zxid: bigint): void {
    if (zxid <= this.#lastSeen)
      throw new Violation('W1', `${this.name} hears of ${path} at ${zxid} after an answer at ${this.#lastSeen}`)
  }

  /** Of a stream: it may lag behind the answers of calls, but not behind itself. */
  saw(zxid: bigint): void {
    this.#knowledge.states += 1
    if (zxid > (this.#chain.entries.at(-1)?.zxid ?? 0n))
      throw new Violation('C6', `${this.name} sees ${zxid}: not committed`)
  }

  /** C7: what failed for certain has not happened. */
  atEnd(): void {
    for (const call of this.calls) {
      const { outcome } = call
      if (outcome === undefined) throw new Violation('L2', `${this.#what(call)} never settles`)
      if ('ok' in outcome || outcome.outcome !== 'not-applied') continue
      for (const token of call.tokens) {
        const at = this.#chain.tokens.get(token)
        if (at !== undefined && !call.composite)
          throw new Violation('C7', `${this.#what(call)} failed with ${outcome.code} as not applied, but is at ${at}`)
      }
    }
  }

  /** Where the chain has what a call wrote. */
  #took(call: HostCall): bigint {
    const zxids = new Set(call.tokens.map(token => this.#chain.tokens.get(token)))
    const [zxid] = zxids
    if (zxid === undefined || zxids.size > 1) {
      const row = zxids.size > 1 ? 'C9' : 'C6'
      throw new Violation(row, `${this.#what(call)} succeeds, but the chain has it at ${[...zxids]}`)
    }
    return zxid
  }

  #wrote(call: HostCall, zxid: bigint, created: string | undefined): void {
    const entry = this.#chain.at(zxid)
    if (entry === undefined)
      throw new Violation('C6', `${this.#what(call)} succeeds at ${zxid}, which is not committed`)
    if (entry.session !== this.id)
      throw new Violation('C1', `${this.#what(call)} of ${this.id} is the write of ${entry.session} at ${zxid}`)
    if (created !== undefined && !entry.changes.some(({ type, path }) => type === 'created' && path === created))
      throw new Violation('C11', `${this.#what(call)} is told ${created}, which is not what ${zxid} creates`)
    if (call.needs?.length === 1) this.#access.given(this.#what(call), 'C1', call.needs, zxid - 1n)
    if (zxid <= call.floor)
      throw new Violation('C1', `${this.#what(call)} takes place ${zxid}, but ${call.floor} had returned before`)
    if (!call.composite) {
      if (zxid <= this.#lastWrite)
        throw new Violation('C2', `${this.#what(call)} takes place ${zxid}, behind ${this.#lastWrite}`)
      this.#lastWrite = zxid
    }
    this.#claimed.add(zxid)
    this.#knowledge.returned = max(this.#knowledge.returned, zxid)
    this.#lastSeen = max(this.#lastSeen, zxid)
  }

  /** The first that it can be: its own deletes take effect in order. */
  #deleted(call: HostCall): void {
    for (const { zxid, session, changes } of this.#chain.behind(max(call.floor, this.#lastWrite))) {
      if (session !== this.id || this.#claimed.has(zxid)) continue
      if (changes.some(({ type, path }) => type === 'deleted' && path === call.path))
        return this.#wrote(call, zxid, undefined)
    }
    throw new Violation('C6', `${this.#what(call)} succeeds, but the chain has none since ${call.floor}`)
  }

  /** The first that it can be, as of a delete: no value tells it. */
  #changedAcl(call: HostCall, { aversion }: Stat): void {
    for (const { zxid, session, proposal } of this.#chain.behind(max(call.floor, this.#lastWrite))) {
      const { txn } = proposal
      if (session !== this.id || this.#claimed.has(zxid) || txn.kind !== 'setAcl') continue
      if (txn.path === call.path && txn.version === aversion) return this.#wrote(call, zxid, undefined)
    }
    throw new Violation('C6', `${this.#what(call)} to version ${aversion} succeeds, but the chain has none`)
  }

  /** All that it has proved is known, and nothing else. */
  #isKnownAs(call: HostCall, known: readonly ClientIdentity[]): void {
    const { proved } = this.standing
    const names = (of: readonly { scheme: string; id: string }[]): string[] =>
      of.map(({ scheme, id }) => `${scheme} ${scheme === 'digest' ? id.split(':', 1)[0] : id}`)
    const found = known.map(({ scheme, user }) => `${scheme} ${user}`)
    const lacking = names(proved.certain()).filter(each => !found.includes(each))
    const invented = found.filter(each => !names(proved.possible).includes(each))
    if (lacking.length + invented.length > 0)
      throw new Violation('C5', `${this.#what(call)} says ${found}; it lacks ${lacking}, and invents ${invented}`)
  }

  #mayRead(state: ZnodeState | undefined): boolean {
    return this.#access.isGiven(state, Permission.READ)
  }

  #counts(path: string, at: bigint): number | undefined {
    const state = this.#chain.before(path, at)
    return state !== undefined && this.#mayRead(state) ? this.#chain.below(path, at).length : undefined
  }

  /** Whether all of it was so behind one zxid. */
  #isMoment({ steps }: HostCall, results: ReadResults, at: bigint): boolean {
    return steps.every(({ path }, index) => {
      const result = results[index]!
      const state = this.#chain.before(path, at)
      if (hasCode(result, 'NO_NODE')) return state === undefined
      if (state === undefined) return false
      if (hasCode(result, 'NO_AUTH')) return this.standing.proved.may(state.acl, Permission.READ) !== true
      if (result instanceof Error || !this.#mayRead(state)) return false
      if ('children' in result)
        return result.children.join() === state.children.join() && differing(state.stat, result.stat) === undefined
      return differs(state, result.value ?? '', result.stat) === undefined
    })
  }

  #saw(call: HostCall, zxid: bigint): void {
    if (zxid < this.#lastSeen)
      throw new Violation(
        zxid < this.#lastWrite ? 'C4' : 'C3',
        `${this.#what(call)} is answered at ${zxid}, after ${this.#lastSeen}; its last write is ${this.#lastWrite}`,
      )
    if (zxid !== 0n && this.#chain.at(zxid) === undefined)
      throw new Violation('C6', `${this.#what(call)} sees ${zxid}, which is not committed`)
    this.#lastSeen = zxid
  }

  #matches(call: HostCall, state: ZnodeState | undefined, value: string | undefined, stat: Stat, zxid: bigint): void {
    if (!this.#mayRead(state)) throw new Violation('C5', `${this.#what(call)} at ${zxid} is given what it may not read`)
    const cannotBe = impossible(stat, new TextEncoder().encode(value ?? '').length)
    if (cannotBe !== undefined) throw new Violation('C12', `${this.#what(call)} at ${zxid}: ${cannotBe}`)
    const wrong = differs(state, value ?? '', stat)
    if (wrong !== undefined) throw new Violation('C5', `${this.#what(call)} at ${zxid}: ${wrong}`)
  }

  #what({ kind, path, number }: HostCall): string {
    return `${this.name} #${number} ${kind} ${path}`
  }
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}
