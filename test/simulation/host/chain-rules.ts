/**
 * What must hold of the committed sequence by itself, whoever asked for what: C11 (numbers of sequential znodes), C16 (nothing of a session that has
 * ended), S4 (an ephemeral has a live session), S9 (a session whose client is attached to a healthy ensemble does not expire).
 */
import type { Replica } from '../../../lib/core/replica.js'
import { sessionIdToBigint } from '../../../lib/model/ids.js'
import { sessionOf } from '../../../lib/model/owner.js'
import { parentOf } from '../../../lib/model/path.js'
import type { TreeChange } from '../../../lib/model/tree-change.js'
import { zxidToBigint } from '../../../lib/model/zxid.js'
import { Violation } from '../checkers/violation.js'

export interface RuleEntry {
  readonly zxid: bigint
  readonly session: bigint
  /** 0: by the ensemble itself. */
  readonly cxid: number
  readonly changes: readonly TreeChange[]
  readonly closed: bigint | undefined
}

/** As the workload names what is sequential. */
const SEQUENTIAL = /\/[sm]-(\d{10})$/

export class ChainRules {
  /** Whether the client of this session has been attached to a healthy ensemble for much longer than its timeout. */
  mayNotExpire: (session: bigint) => boolean = () => false
  readonly #closed = new Map<bigint, bigint>()
  /** By parent, as long as it lives. */
  readonly #numbers = new Map<string, number>()

  /** @param ref the state behind it. */
  committed({ zxid, session, cxid, changes, closed }: RuleEntry, ref: Replica): void {
    const ended = this.#closed.get(session)
    if (ended !== undefined && changes.length > 0)
      throw new Violation('C16', `session ${session} ended at ${ended}, and ${changes[0]!.path} changes at ${zxid}`)
    for (const { type, path } of changes) if (type === 'created') this.#created(path, zxid, ref)
    if (closed === undefined) return
    if (cxid === 0 && this.mayNotExpire(closed))
      throw new Violation('S9', `session ${closed} expires at ${zxid}, while its client is attached and all are well`)
    this.#closed.set(closed, zxid)
    for (const [path, { owner }] of ref.tree.entries()) {
      const of = sessionOf(owner)
      if (of !== undefined && sessionIdToBigint(of) === closed)
        throw new Violation('S4', `${path} is left when its session ${closed} ends at ${zxid}`)
    }
  }

  #created(path: string, zxid: bigint, { tree, sessions }: Replica): void {
    const znode = tree.get(path)
    const owner = znode && sessionOf(znode.owner)
    if (owner !== undefined && !sessions.has(owner))
      throw new Violation('S4', `${path} is created at ${zxid} for session ${owner}, which there is none of`)
    const number = Number(SEQUENTIAL.exec(path)?.[1] ?? -1)
    const parent = tree.get(parentOf(path))
    if (number < 0 || parent === undefined) return
    const key = `${parentOf(path)} ${zxidToBigint(parent.czxid)}`
    const last = this.#numbers.get(key) ?? -1
    if (number <= last) throw new Violation('C11', `${path} is created at ${zxid}, after number ${last}`)
    this.#numbers.set(key, number)
  }
}
