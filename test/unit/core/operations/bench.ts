/** A leader and its replica without a pipeline: prepares, and applies when told. What is committed can be replayed elsewhere. */

import { answerRead, type Watches } from '../../../../lib/core/operations/answer-read.js'
import { type Applied, applyTxn } from '../../../../lib/core/operations/apply-txn.js'
import type { PreparationLimits } from '../../../../lib/core/operations/operation.js'
import { Preparation } from '../../../../lib/core/operations/preparation.js'
import { Replica } from '../../../../lib/core/replica.js'
import { type Identities, OPEN_ACL_UNSAFE, TRUSTED } from '../../../../lib/model/acl.js'
import { type CreateMode, PERSISTENT } from '../../../../lib/model/create-mode.js'
import type { SessionId } from '../../../../lib/model/ids.js'
import type { Proposal } from '../../../../lib/model/proposal.js'
import type { CreateRequest, ReadRequest, WriteRequest } from '../../../../lib/model/request.js'
import type { Response } from '../../../../lib/model/response.js'
import { ZERO, type Zxid, zxid } from '../../../../lib/model/zxid.js'
import { access } from '../../../helpers/access.js'

export const SESSION = '0100000000000001' as SessionId
export const OTHER = '0200000000000001' as SessionId
export const ALICE: Identities = [{ scheme: 'digest', id: 'alice:hash' }]
export const NOBODY: Identities = []

export function create(path: string, more: Partial<CreateRequest> = {}): CreateRequest {
  return { kind: 'create', path, data: null, acl: OPEN_ACL_UNSAFE, mode: PERSISTENT as CreateMode, ...more }
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

export class Bench {
  readonly replica: Replica
  readonly preparation: Preparation
  readonly log: Proposal[] = []
  readonly reports: string[] = []
  #last: Zxid
  #waiting: Proposal[] = []

  constructor(replica = Replica.empty(), dataBytesMax = 1000, options: Partial<PreparationLimits> = {}) {
    this.replica = replica
    this.preparation = new Preparation(replica, access, {
      dataBytesMax,
      extendedTypesEnabled: true,
      lifetimesUnderstood: () => true,
      enforceQuota: true,
      ...options,
    })
    this.#last = replica.zxid
  }

  /** With `SESSION` open. */
  static withSession(): Bench {
    const bench = new Bench()
    bench.openSession(SESSION)
    return bench
  }

  openSession(session: SessionId): void {
    this.run({ kind: 'createSession', session, timeoutMs: 4000, password: new Uint8Array(16).fill(7) }, { session })
  }

  prepare(request: WriteRequest, from: { session?: SessionId; identities?: Identities } = {}): Proposal {
    const session = from.session ?? SESSION
    const place = zxid(1, this.#last.counter + 1)
    const time = 1_700_000_000_000 + place.counter
    const identities = from.identities ?? TRUSTED
    const txn = this.preparation.prepare(
      request,
      { session, identities },
      { zxid: place, time, report: message => void this.reports.push(message) },
    )
    const proposal: Proposal = { zxid: place, previous: this.#last, session, cxid: place.counter, time, txn }
    this.#last = place
    this.#waiting.push(proposal)
    return proposal
  }

  /** Applies the oldest `count` of what is prepared. */
  commit(count = this.#waiting.length): Applied[] {
    return this.#waiting.splice(0, count).map(proposal => {
      const applied = applyTxn(this.replica, proposal)
      this.preparation.committed(proposal.zxid)
      this.log.push(proposal)
      return applied
    })
  }

  run(request: WriteRequest, from: { session?: SessionId; identities?: Identities } = {}): Response {
    this.prepare(request, from)
    return this.commit().at(-1)!.response
  }

  read(request: ReadRequest, identities: Identities = TRUSTED, watches: Watches = new RecordedWatches()): Response {
    return answerRead(request, { replica: this.replica, access, session: SESSION, identities, watches })
  }
}

/** Which watches an operation registered. */
export class RecordedWatches implements Watches {
  readonly calls: string[] = []
  found = true

  watchData(path: string): void {
    this.calls.push(`data ${path}`)
  }
  watchExist(path: string): void {
    this.calls.push(`exist ${path}`)
  }
  watchChild(path: string): void {
    this.calls.push(`child ${path}`)
  }
  addPersistent(path: string, mode: string): void {
    this.calls.push(`${mode} ${path}`)
  }
  remove(path: string, type: string): boolean {
    this.calls.push(`remove ${type} ${path}`)
    return this.found
  }
  has(path: string, type: string): boolean {
    this.calls.push(`has ${type} ${path}`)
    return this.found
  }
  restore(request: Parameters<Watches['restore']>[0], look: Parameters<Watches['restore']>[1]): void {
    for (const path of request.data) this.calls.push(`restore ${path} ${look(path) === undefined ? 'gone' : 'there'}`)
  }
}

export function codeOf(response: Response): string {
  return response.kind === 'error' ? response.code : 'OK'
}

export { ZERO }
