/**
 * The one sequence of committed txns, as the cores of a world of real peers deliver it, a reference replica that applies it alone, and what
 * every path was behind each of its zxids. The other checkers ask it what clients should have seen.
 *
 * Reads only what crosses the boundary of a core. Checks itself: Z6, Z7, Z8, Z9, Z17 (against the disk), C1 (a write takes effect once), and by chain-rules.ts.
 */
import { type Stat, toStat } from '../../../lib/client/stat.js'
import type { Effect } from '../../../lib/core/effect.js'
import type { Input, Now } from '../../../lib/core/input.js'
import { applyTxn } from '../../../lib/core/operations/apply-txn.js'
import { Replica } from '../../../lib/core/replica.js'
import type { CoreInitial } from '../../../lib/host/open-peer.js'
import type { SteppedCore } from '../../../lib/host/peer-host.js'
import type { Acl } from '../../../lib/model/acl.js'
import { type PeerId, type SessionId, sessionIdToBigint } from '../../../lib/model/ids.js'
import { isMark, type LifetimeMark, sessionOf } from '../../../lib/model/owner.js'
import { joinPath, parentOf } from '../../../lib/model/path.js'
import type { Proposal } from '../../../lib/model/proposal.js'
import type { TreeChange } from '../../../lib/model/tree-change.js'
import type { Txn } from '../../../lib/model/txn.js'
import { bytesOfData } from '../../../lib/model/znode-data.js'
import { formatZxid, isAfter, isAtMost, sameZxid, ZERO, type Zxid, zxidToBigint } from '../../../lib/model/zxid.js'
import type { PeerObserver } from '../../../lib/testing/virtual/virtual-peer.js'
import { Violation } from '../checkers/violation.js'
import { ChainRules } from './chain-rules.js'

export interface Committed {
  readonly proposal: Proposal
  readonly zxid: bigint
  readonly session: bigint
  readonly changes: readonly TreeChange[]
  /** When anybody first delivered it. */
  readonly atMs: number
}

/** What a reader sees of a path; undefined where there is no znode. */
export interface ZnodeState {
  readonly value: string
  readonly version: number
  readonly mzxid: bigint
  readonly owner: bigint
  readonly children: readonly string[]
  readonly stat: Stat
  readonly acl: Acl
  /** Of what belongs to nobody's session: how it ends. */
  readonly mark: LifetimeMark | undefined
}

export interface ChainPorts {
  /** The end of what a peer's disk has for good. */
  readonly durable: (peer: PeerId) => Zxid
  /** A value takes effect. */
  readonly wrote?: (value: string, zxid: bigint) => void
  readonly committed?: (entry: Committed) => void
  readonly now?: () => number
}

interface PeerRecord {
  /** Asked to be held by its disk, and not applied. */
  log: Proposal[]
  applied: Zxid
  installing: Proposal[] | undefined
}

const decoder = new TextDecoder()

export class Chain implements PeerObserver {
  readonly entries: Committed[] = []
  readonly ref = Replica.empty()
  readonly rules = new ChainRules()
  /** Where each written value took effect. */
  readonly tokens = new Map<string, bigint>()
  /** The last that anybody has proposed, committed or not. */
  proposed = 0n
  readonly closedSessions = new Map<bigint, bigint>()
  readonly #ports: ChainPorts
  readonly #index = new Map<bigint, number>()
  readonly #records = new Map<PeerId, PeerRecord>()
  readonly #past = new Map<string, { readonly at: bigint; readonly state: ZnodeState | undefined }[]>()

  constructor(ports: ChainPorts) {
    this.#ports = ports
    for (const [path] of this.ref.tree.entries()) this.#remember(path, 0n)
  }

  get last(): Zxid {
    return this.entries.at(-1)?.proposal.zxid ?? ZERO
  }

  at(zxid: bigint): Committed | undefined {
    const index = this.#index.get(zxid)
    return index === undefined ? undefined : this.entries[index]
  }

  /** All that was committed behind a zxid, in order. */
  behind(zxid: bigint): readonly Committed[] {
    let first = this.entries.length
    while (first > 0 && this.entries[first - 1]!.zxid > zxid) first -= 1
    return this.entries.slice(first)
  }

  /** What a path was behind a zxid. */
  before(path: string, zxid: bigint): ZnodeState | undefined {
    const past = this.#past.get(path) ?? []
    for (let index = past.length - 1; index >= 0; index--) if (past[index]!.at <= zxid) return past[index]!.state
    return undefined
  }

  /** Whether a path was ever like that from behind one zxid on until now. */
  wasSince(path: string, zxid: bigint, like: (state: ZnodeState | undefined) => boolean): boolean {
    const past = this.#past.get(path) ?? []
    return like(this.before(path, zxid)) || past.some(({ at, state }) => at > zxid && like(state))
  }

  /** Every path below one, itself not counted, behind a zxid. */
  below(path: string, zxid: bigint): string[] {
    const names = this.before(path, zxid)?.children ?? []
    return names.flatMap(name => [joinPath(path, name), ...this.below(joinPath(path, name), zxid)])
  }

  /** Whether something was so from behind one zxid on until now. */
  someSince(zxid: bigint, holds: (at: bigint) => boolean): boolean {
    return holds(zxid) || this.behind(zxid).some(entry => holds(entry.zxid))
  }

  now(path: string): ZnodeState | undefined {
    return this.#past.get(path)?.at(-1)?.state
  }

  started(peer: PeerId, { recovered }: CoreInitial): void {
    const { image, suffix } = recovered
    this.#records.set(peer, { log: [...suffix], applied: image.zxid, installing: undefined })
  }

  stepped(peer: PeerId, core: SteppedCore, input: Input, _now: Now, effects: readonly Effect[]): void {
    const record = this.#records.get(peer)!
    if (input.kind === 'logged' && isAfter(input.zxid, this.#ports.durable(peer))) {
      const where = `its disk ends at ${formatZxid(this.#ports.durable(peer))}`
      throw new Violation('Z17', `peer ${peer} counts ${formatZxid(input.zxid)} as durable, ${where}`)
    }
    if (input.kind === 'snapshotInstalled') {
      record.installing = undefined
      record.applied = input.image.zxid
    } else if (input.kind === 'snapshotAborted' && record.installing !== undefined) {
      record.log = record.installing
      record.installing = undefined
    }
    for (const effect of effects) {
      if (effect.kind === 'append') {
        record.log.push(...effect.proposals)
        const last = zxidToBigint(effect.proposals.at(-1)!.zxid)
        if (last > this.proposed) this.proposed = last
      } else if (effect.kind === 'truncate') record.log = record.log.filter(each => isAtMost(each.zxid, effect.after))
      else if (effect.kind === 'installSnapshot') {
        record.installing = record.log
        record.log = []
      }
    }
    if (record.installing === undefined) this.#deliver(peer, record, core.replica.zxid)
  }

  #deliver(peer: PeerId, record: PeerRecord, applied: Zxid): void {
    while (isAfter(applied, record.applied)) {
      const proposal = record.log.shift()
      if (proposal === undefined)
        throw new Violation('Z7', `peer ${peer} has applied ${formatZxid(applied)}, which is not in its log`)
      if (isAtMost(proposal.zxid, record.applied)) continue
      if (!sameZxid(proposal.previous, record.applied)) {
        const after = formatZxid(record.applied)
        throw new Violation('Z9', `peer ${peer} delivers ${formatZxid(proposal.zxid)} after ${after}`)
      }
      record.applied = proposal.zxid
      this.#commit(peer, proposal)
    }
  }

  #commit(peer: PeerId, proposal: Proposal): void {
    const zxid = zxidToBigint(proposal.zxid)
    const known = this.at(zxid)
    if (known !== undefined) {
      const { session, cxid } = known.proposal
      if (session !== proposal.session || cxid !== proposal.cxid)
        throw new Violation('Z6', `${formatZxid(proposal.zxid)} is one thing at peer ${peer} and another elsewhere`)
      return
    }
    if (!sameZxid(proposal.previous, this.last)) {
      const where = `everybody else's history ends at ${formatZxid(this.last)}`
      throw new Violation('Z8', `peer ${peer} delivers ${formatZxid(proposal.zxid)}, but ${where}`)
    }
    for (const token of tokensOf(proposal.txn)) {
      const before = this.tokens.get(token)
      if (before !== undefined)
        throw new Violation('C1', `the write of ${token} takes effect at ${before} and at ${zxid}`)
      this.tokens.set(token, zxid)
      this.#ports.wrote?.(token, zxid)
    }
    const { changes, closedSession } = applyTxn(this.ref, proposal)
    const session = sessionIdToBigint(proposal.session)
    if (closedSession !== undefined) this.closedSessions.set(sessionIdToBigint(closedSession), zxid)
    this.#index.set(zxid, this.entries.length)
    const entry = { proposal, zxid, session, changes, atMs: this.#ports.now?.() ?? 0 }
    this.entries.push(entry)
    const touched = new Set<string>()
    for (const { path, type } of changes) {
      touched.add(path)
      if (type !== 'dataChanged') touched.add(parentOf(path))
    }
    // No change of the tree to watches: it is told to nobody.
    if (proposal.txn.kind === 'setAcl') touched.add(proposal.txn.path)
    for (const path of touched) this.#remember(path, zxid)
    const closed = closedSession && sessionIdToBigint(closedSession)
    this.rules.committed({ zxid, session, cxid: proposal.cxid, changes, closed }, this.ref)
    this.#ports.committed?.(entry)
  }

  #remember(path: string, at: bigint): void {
    const { tree } = this.ref
    const znode = tree.get(path)
    const state = znode && {
      value: decoder.decode(bytesOfData(znode.data) ?? new Uint8Array(0)),
      version: znode.version,
      mzxid: zxidToBigint(znode.mzxid),
      owner: sessionIdToBigint(sessionOf(znode.owner) ?? ('0' as SessionId)),
      children: [...tree.childrenOf(path)].sort(),
      stat: toStat(tree.statOf(path, znode)),
      acl: znode.acl,
      mark: isMark(znode.owner) ? znode.owner : undefined,
    }
    const past = this.#past.get(path)
    if (past === undefined) this.#past.set(path, [{ at, state }])
    else past.push({ at, state })
  }
}

/** The values that it writes: each is written once in a run. */
function tokensOf(txn: Txn): string[] {
  const steps = txn.kind === 'multi' ? txn.steps : [txn]
  return steps.flatMap(step =>
    (step.kind === 'create' || step.kind === 'setData') && step.data !== null && step.data.length > 0
      ? [decoder.decode(step.data)]
      : [],
  )
}
