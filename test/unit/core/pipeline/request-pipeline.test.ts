import { expect } from 'chai'
import type { SessionId } from '../../../../lib/model/ids.js'
import { create, PipelineWorld } from './pipeline-world.js'

describe('request pipeline, when the leader is lost', () => {
  let world: PipelineWorld
  let session: SessionId
  const cxids = () => world.submitted.map(({ cxid }) => cxid)
  beforeEach(() => {
    world = new PipelineWorld()
    world.lead()
    session = world.attachNew(1)
  })

  it('C2: answers a read between two writes that the next leader commits, and submits neither write again', () => {
    const [a, b] = [create('/a'), create('/b')]
    world.ask(1, 1, a.request)
    world.ask(1, 2, { kind: 'exists', path: '/b', watch: false })
    world.ask(1, 3, b.request)
    expect(cxids()).to.deep.equal([1, 3])

    world.submitted = []
    world.pipeline.suspend(0)
    // The next leader's history has both; a learner applies what is committed before it is told to serve.
    world.apply(session, 1, a.txn)
    expect(world.said(), 'the read does not see the write behind it').to.deep.equal(['1: 1 created', '1: 2 error'])
    world.apply(session, 3, b.txn)
    world.lead()
    expect(world.said()).to.deep.equal(['1: 3 created'])
    expect(cxids()).to.deep.equal([])
  })

  it('submits again what the next history does not have, and answers no read while nobody leads', () => {
    const a = create('/a')
    world.ask(1, 1, a.request)
    world.submitted = []
    world.pipeline.suspend(0)
    world.ask(1, 2, { kind: 'exists', path: '/a', watch: false })
    expect(world.said()).to.deep.equal([])
    world.lead()
    expect(cxids()).to.deep.equal([1])
    world.apply(session, 1, a.txn)
    expect(world.said()).to.deep.equal(['1: 1 created', '1: 2 stat'])
  })

  it('S6, C2: lets go of a client whose session speaks through another peer, and submits nothing of it to the next leader', () => {
    world.ask(1, 7, create('/old').request)
    world.submitted = []
    world.pipeline.suspend(0)
    const elsewhere = world.propose(session, 1, create('/new').txn)
    world.lead([elsewhere])
    expect(cxids()).to.deep.equal([])
    expect(world.said()).to.deep.equal(['1: 7 SESSION_MOVED not-applied', '1: detached SESSION_MOVED'])
    world.applyProposal(elsewhere)
    expect(world.said()).to.deep.equal([])
  })

  it('L2: submits a request again though an earlier attachment has a request of the same number on its way', () => {
    const former = world.propose(session, 5, create('/former').txn)
    world.leave(1)
    world.attach(2, { resume: { session, password: new Uint8Array(16).fill(1) } })
    world.revalidated(session, true, former.zxid)
    world.ask(2, 5, create('/a').request)
    world.submitted = []
    world.pipeline.suspend(0)
    world.lead([former])
    expect(cxids()).to.deep.equal([5])
  })
})
