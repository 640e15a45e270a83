/** A request pipeline whose leader only takes requests down; the test decides what becomes of them. */

import type { Effect } from '../../../../lib/core/effect.js'
import type { Attachment, Now } from '../../../../lib/core/input.js'
import { applyTxn } from '../../../../lib/core/operations/apply-txn.js'
import { Outbox } from '../../../../lib/core/outbox.js'
import { RequestPipeline } from '../../../../lib/core/pipeline/request-pipeline.js'
import type { Submission } from '../../../../lib/core/pipeline/submission.js'
import { defaultProtocolOptions, type ProtocolOptions } from '../../../../lib/core/protocol-options.js'
import { Replica } from '../../../../lib/core/replica.js'
import type { ForwardedRequest, Revalidate } from '../../../../lib/core/zab/messages.js'
import { type Acl, type Identities, OPEN_ACL_UNSAFE, TRUSTED } from '../../../../lib/model/acl.js'
import type { ClientId, PeerId, SessionId } from '../../../../lib/model/ids.js'
import type { Proposal } from '../../../../lib/model/proposal.js'
import type { Request } from '../../../../lib/model/request.js'
import type { Txn } from '../../../../lib/model/txn.js'
import { ZERO, type Zxid, zxid } from '../../../../lib/model/zxid.js'
import { access } from '../../../helpers/access.js'

export class PipelineWorld {
  now: Now = { monotonic: 0, wall: 0 }
  readonly replica = Replica.empty()
  storageLow = false
  understands = true
  readonly outbox = new Outbox()
  submitted: ForwardedRequest[] = []
  asked: Revalidate[] = []
  readonly pipeline: RequestPipeline
  readonly leader: Submission = {
    understands: () => this.understands,
    submit: request => void this.submitted.push(request),
    revalidate: request => void this.asked.push(request),
    touch() {},
  }
  last: Zxid = ZERO

  constructor(options: Partial<ProtocolOptions> = {}) {
    this.pipeline = new RequestPipeline(
      {
        self: 1 as PeerId,
        options: { ...defaultProtocolOptions, ...options },
        random: { uint32: () => 7, bytes: (length: number) => new Uint8Array(length).fill(1) },
        access,
        outbox: this.outbox,
        replica: () => this.replica,
        storageLow: () => this.storageLow,
      },
      this.now,
    )
  }

  /** There is a leader; `unapplied` is the part of its history that is not applied here. */
  lead(unapplied: readonly Proposal[] = []): void {
    this.pipeline.resume(this.leader, unapplied, this.now)
  }

  attach(client: number, options: Partial<Attachment> = {}): void {
    const attachment = { timeoutMs: 9000, resume: undefined, lastZxidSeen: ZERO, identities: TRUSTED, embedded: true }
    this.pipeline.attach(client as ClientId, { ...attachment, ...options }, this.now)
  }

  /** With a new session, which the ensemble has created. */
  attachNew(client: number, identities: Identities = TRUSTED): SessionId {
    this.attach(client, { identities })
    const { session, cxid, request } = this.submitted.shift()!
    const { password, timeoutMs } = request as Extract<Request, { kind: 'createSession' }>
    this.apply(session, cxid, { kind: 'createSession', session, timeoutMs, password })
    this.outbox.take()
    return session
  }

  leave(client: number): void {
    this.pipeline.detach(client as ClientId)
  }

  /** The leader's answer to the first question for this session. */
  revalidated(session: SessionId, valid: boolean, proposed = this.last): void {
    this.pipeline.revalidated({ kind: 'revalidated', session, valid, proposed }, this.now)
  }

  propose(session: SessionId, cxid: number, txn: Txn): Proposal {
    const previous = this.last
    this.last = zxid(1, previous.counter + 1)
    return { zxid: this.last, previous, session, cxid, time: 0, txn }
  }

  applyProposal(proposal: Proposal): void {
    this.pipeline.applied(proposal, applyTxn(this.replica, proposal), this.now)
  }

  apply(session: SessionId, cxid: number, txn: Txn): void {
    this.applyProposal(this.propose(session, cxid, txn))
  }

  ask(client: number, cxid: number, request: Request): void {
    this.pipeline.request(client as ClientId, cxid, request, this.now)
  }

  /** What was said since, each as one line. */
  said(): string[] {
    return this.outbox.take().map(describe)
  }
}

export function create(path: string, acl: Acl = OPEN_ACL_UNSAFE): { request: Request; txn: Txn } {
  return {
    request: { kind: 'create', path, data: null, mode: { ephemeral: false, sequential: false }, acl },
    txn: { kind: 'create', path, data: null, acl, owner: undefined, parentCversion: 1 },
  }
}

function describe(effect: Effect): string {
  switch (effect.kind) {
    case 'reply':
      return `${effect.client}: ${effect.cxid} ${effect.response.kind}`
    case 'fail':
      return `${effect.client}: ${effect.cxid} ${effect.code} ${effect.outcome}`
    case 'notify':
      return `${effect.client}: ${effect.event.type} ${effect.event.path}`
    case 'detachClient':
      return `${effect.client}: detached ${effect.code}`
    case 'attached':
      return `${effect.client}: attached ${effect.timeoutMs}${effect.readOnly ? ' read-only' : ''}`
    default:
      return effect.kind
  }
}
