import { expect } from 'chai'
import { Outbox } from '../../../../lib/core/outbox.js'
import { ForwardStation } from '../../../../lib/core/pipeline/forward.js'
import { Touches } from '../../../../lib/core/session/touches.js'
import { OPEN_ACL_UNSAFE } from '../../../../lib/model/acl.js'
import { CONTAINER, PERSISTENT_WITH_TTL, UNKNOWN_MODE } from '../../../../lib/model/create-mode.js'
import type { LinkId } from '../../../../lib/model/ids.js'
import { PROTOCOL_HIGHEST } from '../../../../lib/model/peer-protocol.js'
import type { CreateRequest, Request } from '../../../../lib/model/request.js'
import { PipelineWorld } from './pipeline-world.js'

const create: CreateRequest = { kind: 'create', path: '/a', data: null, acl: OPEN_ACL_UNSAFE, mode: CONTAINER }
const newer: readonly Request[] = [
  { ...create, lifetime: { kind: 'container' } },
  { ...create, mode: PERSISTENT_WITH_TTL },
  { ...create, mode: UNKNOWN_MODE },
  { kind: 'multi', steps: [create, { ...create, lifetime: { kind: 'ttl', ttlMs: 5 } }] },
  { kind: 'reconfig' },
  { kind: 'invalid', code: 'MARSHALLING_ERROR' },
]

describe('forwarding to an older leader', () => {
  it('sends only what it knows', () => {
    const station = (protocol: number) => new ForwardStation(new Outbox(), 1 as LinkId, protocol, new Touches())
    for (const request of newer) {
      expect(station(1).understands(request, false), JSON.stringify(request)).to.equal(false)
      expect(station(PROTOCOL_HIGHEST).understands(request, false)).to.equal(true)
    }
    expect(station(1).understands(create, true)).to.equal(false)
    expect(station(PROTOCOL_HIGHEST).understands(create, true)).to.equal(true)
    expect(station(1).understands({ kind: 'multi', steps: [create] }, false)).to.equal(true)
  })

  it('C2: answers the rest with UNIMPLEMENTED, in its turn', () => {
    const world = new PipelineWorld()
    world.lead()
    const session = world.attachNew(1)
    const first: Request = { ...create, path: '/first' }
    const txn = { kind: 'create', path: '/first', data: null, acl: OPEN_ACL_UNSAFE, owner: undefined } as const
    world.ask(1, 1, first)
    world.understands = false
    world.ask(1, 2, newer[0]!)
    world.ask(1, 3, { kind: 'getData', path: '/first', watch: false })
    expect(world.said()).to.deep.equal([])
    expect(world.submitted.map(({ cxid }) => cxid)).to.deep.equal([1])
    world.apply(session, 1, { ...txn, parentCversion: 1 })
    expect(world.said()).to.deep.equal(['1: 1 created', '1: 2 error', '1: 3 data'])
  })
})
