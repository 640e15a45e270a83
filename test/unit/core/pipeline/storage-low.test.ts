import { expect } from 'chai'
import type { SessionId } from '../../../../lib/model/ids.js'
import { create, PipelineWorld } from './pipeline-world.js'

describe('a peer whose disk is low', () => {
  let world: PipelineWorld
  let session: SessionId
  beforeEach(() => {
    world = new PipelineWorld()
    world.lead()
    session = world.attachNew(2)
    world.submitted = []
  })

  it("D7: refuses its own clients' writes in their order, and takes them again when there is room", () => {
    const [first, second, third] = ['/a', '/b', '/c'].map(path => create(path))
    world.ask(2, 1, first!.request)
    world.storageLow = true
    world.ask(2, 2, second!.request)
    world.ask(2, 3, { kind: 'delete', path: '/a', version: -1 })
    expect(world.said(), 'C2').to.deep.equal([])
    world.apply(session, 1, first!.txn)
    expect(world.said()).to.deep.equal(['2: 1 created', '2: 2 STORAGE_LOW not-applied'])
    world.storageLow = false
    world.ask(2, 4, third!.request)
    expect(world.submitted.map(({ cxid }) => cxid)).to.deep.equal([1, 3, 4])
  })

  it('D7: still reads, syncs, and lets clients come and go', () => {
    world.storageLow = true
    world.ask(2, 1, { kind: 'exists', path: '/', watch: false })
    expect(world.said()).to.deep.equal(['2: 1 stat'])
    world.attach(3)
    world.ask(2, 2, { kind: 'closeSession' })
    expect(world.submitted.map(({ request }) => request.kind)).to.deep.equal(['createSession', 'closeSession'])
  })

  it('tells what the leader refused, in its order', () => {
    const [first, second] = ['/a', '/b'].map(path => create(path))
    world.ask(2, 1, first!.request)
    world.ask(2, 2, second!.request)
    world.pipeline.refused({ kind: 'refused', session, cxid: 2, code: 'STORAGE_LOW' }, world.now)
    expect(world.said()).to.deep.equal([])
    world.apply(session, 1, first!.txn)
    expect(world.said()).to.deep.equal(['2: 1 created', '2: 2 STORAGE_LOW not-applied'])
  })

  it('C1: submits nothing again to the next leader that the former one refused', () => {
    const [first, second] = ['/a', '/b'].map(path => create(path))
    world.ask(2, 1, first!.request)
    world.ask(2, 2, second!.request)
    world.pipeline.refused({ kind: 'refused', session, cxid: 2, code: 'STORAGE_LOW' }, world.now)
    world.pipeline.suspend(0)
    world.submitted = []
    world.lead()
    expect(world.submitted.filter(each => each.session === session).map(({ cxid }) => cxid)).to.deep.equal([1])
    world.said()
    world.apply(session, 1, first!.txn)
    expect(world.said()).to.deep.equal(['2: 1 created', '2: 2 STORAGE_LOW not-applied'])
  })
})
