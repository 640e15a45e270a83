/** An ensemble that begins anew with what one member has, because an operator said so (Z29). */
import { expect } from 'chai'
import { zxid } from '../../../../lib/model/zxid.js'
import { logOf } from '../zab/zab-world.js'
import { Bench } from './core-bench.js'

const LOG = logOf(3, 4)
const FRESH = { accepted: 0, current: 0 }
const ORIGIN = { accepted: 3, current: 0, origin: true } as const

describe('the origin of an ensemble', () => {
  function begin(...epochs: (typeof FRESH | typeof ORIGIN | { accepted: 3; current: 3 })[]): Bench {
    const bench = new Bench(epochs.length)
    for (const [index, each] of epochs.entries())
      bench.start(index + 1, each, 'origin' in each || each.current === 3 ? LOG : [])
    for (const { id: a } of bench.members) for (const { id: b } of bench.members) if (a < b) bench.link(a, b)
    return bench
  }

  it('Z29: leads, and the others, whose disks are empty, take what it has', () => {
    const bench = begin(ORIGIN, FRESH, FRESH)
    bench.pass(2000, () => bench.serving(1, 2, 3))
    expect(bench.serving(1, 2, 3)).to.equal(true)
    for (const id of [1, 2, 3]) {
      expect(bench.peer(id).core.status.applied).to.deep.equal(zxid(3, 4))
      expect(bench.peer(id).epochs).to.deep.equal({ accepted: 4, current: 4 })
    }
  })

  it('Z29: waits for every voter', () => {
    const bench = begin(ORIGIN, FRESH, FRESH)
    for (const id of [1, 2]) bench.unlink(id, 3)
    bench.pass(60_000)
    expect(bench.serving(1) || bench.serving(2)).to.equal(false)
    expect(bench.peer(1).core.status.firstStartWait).to.deep.equal({ unheard: [3], holding: [], origins: [1] })
    bench.link(1, 3)
    bench.link(2, 3)
    bench.pass(2000, () => bench.serving(1, 2, 3))
    expect(bench.serving(1, 2, 3)).to.equal(true)
  })

  it('Z29: without it, two fresh disks and one with data elect nobody, and say why', () => {
    const bench = begin({ accepted: 3, current: 3 }, FRESH, FRESH)
    bench.pass(60_000)
    expect([1, 2, 3].filter(id => bench.serving(id))).to.deep.equal([])
    expect(bench.peer(1).core.status.freshVoters).to.deep.equal([2, 3])
    expect(bench.peer(2).core.status.firstStartWait).to.deep.equal({ unheard: [], holding: [1], origins: [] })
    expect(bench.peer(2).said).to.deep.include({
      kind: 'report',
      level: 'info',
      message:
        'no history on this disk, and this is no first start: it does not count until an ensemble has brought it up to date (not empty: voter 1)',
    })
  })

  it('Z29: there is one; two of them elect nobody, and say why', () => {
    const bench = begin(ORIGIN, ORIGIN, FRESH)
    bench.pass(60_000)
    expect([1, 2, 3].filter(id => bench.serving(id))).to.deep.equal([])
    for (const id of [1, 2, 3])
      expect(bench.peer(id).core.status.firstStartWait).to.deep.equal({ unheard: [], holding: [], origins: [1, 2] })
  })

  it('Z29: waits for one that has a history of its own, too', () => {
    const bench = begin(ORIGIN, { accepted: 3, current: 3 }, FRESH)
    bench.pass(60_000)
    expect([1, 2, 3].filter(id => bench.serving(id))).to.deep.equal([])
    expect(bench.peer(1).core.status.firstStartWait).to.deep.equal({ unheard: [], holding: [2], origins: [1] })
  })

  it('Z29: begins again when it fell before the others had all of it', () => {
    const bench = begin(ORIGIN, FRESH, FRESH)
    bench.filter = (_from, _to, message) => message.kind !== 'newLeader'
    bench.pass(1000, () => bench.peer(1).core.status.phase === 'synchronization')
    expect(bench.peer(2).log).to.have.length(4)
    const { epochs } = bench.peer(1)
    expect(epochs).to.deep.equal({ accepted: 4, current: 0, origin: true })
    bench.start(1, epochs, LOG)
    bench.filter = () => true
    bench.link(1, 2)
    bench.link(1, 3)
    bench.pass(60_000, () => bench.serving(1, 2, 3))
    expect(bench.serving(1, 2, 3)).to.equal(true)
    expect(bench.peer(3).core.status.applied).to.deep.equal(zxid(3, 4))
  })
})
