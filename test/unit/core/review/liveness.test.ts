import { expect } from 'chai'
import { Bench } from './core-bench.js'

/** Not their first start: a majority of them will do (Z29). */
const BEFORE = { accepted: 1, current: 1 }

describe('leader election and discovery: nobody waits for initLimit', () => {
  it('three cores elect a leader and serve at once', () => {
    const bench = new Bench(3)
    bench.startAll()
    expect(bench.pass(1000, () => bench.serving(1, 2, 3))).to.be.below(500)
  })

  for (const [kind, what] of [
    ['leaderInfo', 'a link that breaks during discovery costs another election, not initLimit'],
    ['ackEpoch', 'a promise that was lost with its link, and so never counts, does not hold up the leader'],
  ] as const)
    it(`L1: ${what}`, () => {
      const bench = new Bench(3)
      for (const id of [1, 3]) bench.start(id, BEFORE)
      bench.link(1, 3)
      let cut = false
      bench.filter = (_from, _to, message) => {
        if (message.kind !== kind || cut) return true
        cut = true
        bench.unlink(1, 3)
        return false
      }
      bench.pass(500, () => cut)
      bench.settle()
      bench.link(1, 3)
      expect(bench.pass(30_000, () => bench.serving(1, 3))).to.be.below(1000)
    })

  it('L1: one that has chosen a peer that follows another is told so', () => {
    const bench = new Bench(3)
    bench.startAll()
    bench.pass(1000, () => bench.serving(1, 2, 3))
    // As from a peer that decided on an old ballot: peer 1 asks peer 2, a follower.
    const { links, said } = bench.peer(2)
    said.length = 0
    const link = links.get(1) as never
    bench
      .peer(2)
      .step({ kind: 'message', link, message: { kind: 'learnerInfo', role: 'participant', acceptedEpoch: 1 } })
    expect(said.map(each => each.kind === 'send' && each.message.kind)).to.deep.equal(['notification'])
  })
})

describe('accepted epochs above the leader’s', () => {
  it('L1: a voter whose accepted epoch has run far ahead costs one election', () => {
    const bench = new Bench(3)
    for (const id of [2, 3]) bench.start(id, BEFORE)
    bench.link(2, 3)
    bench.pass(1000, () => bench.serving(2, 3))
    bench.start(1, { accepted: 9, current: 0 })
    bench.link(1, 2)
    bench.link(1, 3)
    let elections = 0
    for (; elections < 20 && !bench.serving(1, 2, 3); elections += 1) {
      bench.pass(2000, () => bench.serving(1, 2, 3) || bench.peer(3).links.size < 2 || bench.peer(1).links.size < 2)
      bench.relink()
    }
    expect(elections).to.be.below(3)
    expect(bench.serving(1, 2, 3)).to.equal(true)
    expect(bench.peer(3).core.status.epoch).to.equal(10)
  })

  it('E5: an observer promises nothing to a leader that is not established, and never makes one step down', () => {
    const bench = new Bench(3, 1)
    for (const id of [3, 4]) bench.start(id, id === 3 ? BEFORE : undefined)
    bench.link(3, 4)
    bench.pass(500)
    bench.start(2, BEFORE)
    bench.link(2, 3)
    bench.link(2, 4)
    bench.filter = (_from, to, message) => {
      if (message.kind === 'leaderInfo' && to === 2) bench.peer(2).diskHeld = true
      return true
    }
    bench.pass(500)
    expect(bench.peer(3).epochs.accepted).to.equal(2)
    expect(bench.peer(4).epochs.accepted).to.equal(0)
    bench.peer(2).diskHeld = false
    bench.pass(1000, () => bench.serving(2, 3, 4))
    expect(bench.serving(2, 3, 4)).to.equal(true)
  })

  it('E5: an observer with an epoch from elsewhere is turned away, and the others go on', () => {
    const bench = new Bench(3, 1)
    for (const id of [2, 3]) bench.start(id, BEFORE)
    bench.link(2, 3)
    bench.pass(1000, () => bench.serving(2, 3))
    bench.start(4, { accepted: 9, current: 0 })
    bench.link(2, 4)
    bench.link(3, 4)
    bench.pass(1000)
    expect(bench.serving(2, 3)).to.equal(true)
  })
})
