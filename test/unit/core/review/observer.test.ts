import { expect } from 'chai'
import { create } from '../pipeline/pipeline-world.js'
import { Bench } from './core-bench.js'

describe('an observer whose link to the leader is cut', () => {
  it('C1: submits no write again that the leader has proposed and not committed yet', () => {
    const bench = new Bench(3, 1)
    bench.startAll()
    bench.pass(2000, () => bench.serving(1, 2, 3, 4))
    const [leader, observer] = [bench.peer(3), bench.peer(4)]
    observer.attach(7)
    bench.settle()
    for (const id of [1, 2]) bench.peer(id).diskHeld = true
    observer.ask(7, 1, create('/a').request)
    bench.settle()
    const proposals = () => leader.log.filter(({ cxid }) => cxid === 1).length
    expect(proposals()).to.equal(1)
    bench.unlink(3, 4)
    bench.settle()
    bench.link(3, 4)
    bench.pass(2000)
    expect(bench.serving(4), 'what it asked for is not decided').to.equal(false)
    for (const id of [1, 2]) bench.peer(id).diskHeld = false
    bench.pass(2000, () => bench.serving(4))
    expect(proposals()).to.equal(1)
    expect(observer.replies(7)).to.deep.equal(['1 reply'])
  })

  it('L1: serves again at once when nothing is under way', () => {
    const bench = new Bench(3, 1)
    bench.startAll()
    bench.pass(2000, () => bench.serving(1, 2, 3, 4))
    bench.unlink(3, 4)
    bench.settle()
    bench.link(3, 4)
    expect(bench.pass(20_000, () => bench.serving(4))).to.be.below(100)
  })
})

describe('a follower whose link to the leader is cut', () => {
  it('C1: has the proposal in its history, answers it once, and submits nothing again', () => {
    const bench = new Bench(3)
    bench.startAll()
    bench.pass(2000, () => bench.serving(1, 2, 3))
    const [follower, leader] = [bench.peer(1), bench.peer(3)]
    follower.attach(7)
    bench.settle()
    for (const id of [2, 3]) bench.peer(id).diskHeld = true
    follower.ask(7, 1, create('/a').request)
    bench.settle()
    bench.unlink(1, 3)
    bench.settle()
    bench.link(1, 3)
    bench.pass(500)
    for (const id of [2, 3]) bench.peer(id).diskHeld = false
    bench.pass(3000, () => bench.serving(1, 2, 3))
    bench.settle()
    const asked = [...bench.peers.values()].map(({ core }) => core.replica.tree.get('/')?.cversion)
    expect(new Set(asked).size).to.equal(1)
    expect(follower.replies(7)).to.deep.equal(['1 reply'])
    expect(leader.log.filter(({ cxid }) => cxid === 1).length).to.equal(1)
  })
})
