import { expect } from 'chai'
import { applyTxn } from '../../../../lib/core/operations/apply-txn.js'
import { Outbox } from '../../../../lib/core/outbox.js'
import { RequestPipeline } from '../../../../lib/core/pipeline/request-pipeline.js'
import type { Submission } from '../../../../lib/core/pipeline/submission.js'
import { defaultProtocolOptions } from '../../../../lib/core/protocol-options.js'
import { Replica } from '../../../../lib/core/replica.js'
import type { ForwardedRequest } from '../../../../lib/core/zab/messages.js'
import { OPEN_ACL_UNSAFE, TRUSTED } from '../../../../lib/model/acl.js'
import type { ClientId, PeerId } from '../../../../lib/model/ids.js'
import type { Request } from '../../../../lib/model/request.js'
import type { Txn } from '../../../../lib/model/txn.js'
import { ZERO, type Zxid, zxid } from '../../../../lib/model/zxid.js'
import { access } from '../../../helpers/access.js'

const now = { monotonic: 0, wall: 0 }
const client = 1 as ClientId

/** A pipeline with one attached client, and a leader that only takes requests down. */
class World {
  readonly replica = Replica.empty()
  readonly outbox = new Outbox()
  readonly submitted: ForwardedRequest[] = []
  readonly pipeline = new RequestPipeline(
    {
      self: 1 as PeerId,
      options: defaultProtocolOptions,
      random: { uint32: () => 7, bytes: (length: number) => new Uint8Array(length) },
      access,
      outbox: this.outbox,
      replica: () => this.replica,
      storageLow: () => false,
    },
    now,
  )
  readonly leader: Submission = {
    understands: () => true,
    submit: request => void this.submitted.push(request),
    revalidate() {},
    touch() {},
  }
  #last: Zxid = ZERO

  constructor() {
    this.pipeline.resume(this.leader, [], now)
    const attachment = { timeoutMs: 9000, resume: undefined, lastZxidSeen: ZERO, identities: TRUSTED, embedded: true }
    this.pipeline.attach(client, attachment, now)
    const { session, cxid, request } = this.submitted.shift()!
    const { password } = request as Extract<Request, { kind: 'createSession' }>
    this.apply({ session, cxid }, { kind: 'createSession', session, timeoutMs: 9000, password })
    this.outbox.take()
  }

  apply({ session, cxid }: Pick<ForwardedRequest, 'session' | 'cxid'>, txn: Txn): void {
    const previous = this.#last
    this.#last = zxid(1, previous.counter + 1)
    const proposal = { zxid: this.#last, previous, session, cxid, time: 0, txn }
    this.pipeline.applied(proposal, applyTxn(this.replica, proposal), now)
  }

  ask(cxid: number, request: Request): void {
    this.pipeline.request(client, cxid, request, now)
  }

  answers(): unknown[] {
    return this.outbox.take().map(effect => {
      if (effect.kind !== 'reply') return effect.kind
      const { kind } = effect.response
      return `${effect.cxid} ${kind}`
    })
  }
}

function create(path: string): { request: Request; txn: Txn } {
  const acl = OPEN_ACL_UNSAFE
  return {
    request: { kind: 'create', path, data: null, mode: { ephemeral: false, sequential: false }, acl },
    txn: { kind: 'create', path, data: null, acl, owner: undefined, parentCversion: 1 },
  }
}

describe('request pipeline, when the leader is lost', () => {
  it('C2: answers a read between two writes that the next leader commits, and submits neither write again', () => {
    const world = new World()
    const a = create('/a')
    const b = create('/b')
    world.ask(1, a.request)
    world.ask(2, { kind: 'exists', path: '/b', watch: false })
    world.ask(3, b.request)
    const [first, second] = world.submitted.splice(0)
    expect([first?.cxid, second?.cxid]).to.deep.equal([1, 3])

    world.pipeline.suspend(0)
    // The next leader's history has both; a learner applies what is committed before it is told to serve.
    world.apply(first!, a.txn)
    expect(world.answers(), 'the read does not see the write behind it').to.deep.equal(['1 created', '2 error'])
    world.apply(second!, b.txn)
    world.pipeline.resume(world.leader, [], now)
    expect(world.answers()).to.deep.equal(['3 created'])
    expect(world.submitted).to.deep.equal([])
  })

  it('submits again what the next history does not have, and answers no read while nobody leads', () => {
    const world = new World()
    const a = create('/a')
    world.ask(1, a.request)
    world.submitted.splice(0)
    world.pipeline.suspend(0)
    world.ask(2, { kind: 'exists', path: '/a', watch: false })
    expect(world.answers()).to.deep.equal([])
    world.pipeline.resume(world.leader, [], now)
    expect(world.submitted.map(({ cxid }) => cxid)).to.deep.equal([1])
    world.apply(world.submitted[0]!, a.txn)
    expect(world.answers()).to.deep.equal(['1 created', '2 stat'])
  })
})
