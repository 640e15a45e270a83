import { expect } from 'chai'
import { create } from '../pipeline/pipeline-world.js'
import { Bench } from './core-bench.js'

function ensemble(): Bench {
  const bench = new Bench(3)
  bench.startAll()
  bench.pass(1000, () => bench.serving(1, 2, 3))
  for (const id of [1, 3]) bench.peer(id).attach(7)
  bench.settle()
  return bench
}

describe('a peer that has stood still', () => {
  for (const [id, role] of [
    [3, 'leading'],
    [1, 'following'],
  ] as const) {
    it(`C14, Z24: answers no read on the word of what has lapsed meanwhile, ${role}`, () => {
      const bench = ensemble()
      const peer = bench.peer(id)
      expect(peer.core.status.role).to.equal(role)
      bench.time += 8000
      peer.ask(7, 1, { kind: 'exists', path: '/', watch: false })
      expect(peer.replies(7), 'within syncLimit').to.deep.equal(['1 reply'])
      bench.time += 60_000
      peer.ask(7, 2, { kind: 'exists', path: '/', watch: false })
      expect(peer.replies(7)).to.not.include('2 reply')
      expect(peer.core.status.serving).to.equal(false)
    })
  }
})

describe('a leader that closes', () => {
  it('R3: hands over under a load that never pauses, and proposes nothing more', () => {
    const bench = ensemble()
    const leader = bench.peer(3)
    let cxid = 0
    const write = () => {
      cxid += 1
      bench.peer(1).ask(7, cxid, create(`/n${cxid}`).request)
    }
    // At no moment is everything committed.
    const go = (moves: number) => {
      for (let n = 0; n < moves && !leader.stopped; n += 1) {
        write()
        for (let m = 0; m < 4; m += 1) bench.moveOnce()
      }
    }
    go(100)
    leader.step({ kind: 'close' })
    go(500)
    expect(leader.stopped).to.equal(true)
    expect(leader.core.status.committed).to.deep.equal(leader.core.status.logged)
  })
})
