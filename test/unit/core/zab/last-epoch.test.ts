import { expect } from 'chai'
import { MAX_EPOCH } from '../../../../lib/model/zxid.js'
import { Bench } from '../review/core-bench.js'

describe('the last epoch', () => {
  const last = { accepted: MAX_EPOCH, current: 0 }
  const relink = (bench: Bench): void => {
    for (const [a, b] of [
      [2, 3],
      [1, 2],
      [1, 3],
    ] as const)
      if (bench.peers.has(a) && bench.peers.has(b) && !bench.peer(a).links.has(b)) bench.link(a, b)
  }
  const accepted = (bench: Bench): number[] => [...bench.peers.values()].map(peer => peer.epochs.accepted)

  it('Z3: is the last: the one who has accepted it is left out, and the others go on', () => {
    const bench = new Bench(3)
    bench.start(2)
    bench.start(3)
    relink(bench)
    bench.pass(1000, () => bench.serving(2, 3))
    bench.start(1, last)
    for (let n = 0; n < 5; n += 1) {
      relink(bench)
      bench.pass(2000)
      expect(bench.serving(2, 3)).to.equal(true)
    }
    expect(accepted(bench)).to.deep.equal([1, 1, MAX_EPOCH])
  })

  it('Z3: is not counted beyond by a candidate that has accepted it, nor by its followers', () => {
    const bench = new Bench(3)
    bench.start(2)
    bench.start(3, last)
    for (let n = 0; n < 5; n += 1) {
      relink(bench)
      bench.pass(2000)
    }
    expect(accepted(bench)).to.deep.equal([0, MAX_EPOCH])
  })

  it('Z4: may be used', () => {
    const bench = new Bench(3)
    bench.start(2, { accepted: 1, current: 1 })
    bench.start(3, { accepted: MAX_EPOCH - 1, current: 1 })
    relink(bench)
    bench.pass(2000, () => bench.serving(2, 3))
    expect(bench.serving(2, 3)).to.equal(true)
    expect(accepted(bench)).to.deep.equal([MAX_EPOCH, MAX_EPOCH])
  })
})
