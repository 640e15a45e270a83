import { expect } from 'chai'
import fc from 'fast-check'
import { committedBy } from '../../../../lib/core/quorum/committed-by.js'
import { majority } from '../../../../lib/core/quorum/majority.js'
import type { PeerId } from '../../../../lib/model/ids.js'
import { compareZxid, type Zxid, zxid } from '../../../../lib/model/zxid.js'

const peers = (...ids: number[]) => ids as PeerId[]
const peerList = fc.array(fc.integer({ min: 1, max: 9 }) as fc.Arbitrary<PeerId>, { maxLength: 12 })

describe('majority', () => {
  const table: [voters: number, needed: number][] = [
    [1, 1],
    [2, 2],
    [3, 2],
    [4, 3],
    [5, 3],
    [6, 4],
    [7, 4],
  ]
  for (const [voters, needed] of table) {
    it(`of ${voters} voters needs ${needed}`, () => {
      const ids = peers(...Array.from({ length: voters }, (_, i) => i + 1))
      const quorum = majority(ids)
      expect(quorum.isQuorum(ids.slice(0, needed))).to.equal(true)
      expect(quorum.isQuorum(ids.slice(0, needed - 1))).to.equal(false)
    })
  }

  it('of nobody is never reached', () => {
    expect(majority([]).isQuorum([])).to.equal(false)
    expect(majority([]).isQuorum(peers(1, 2))).to.equal(false)
  })

  it('E5: counts a voter once, however the ids come', () => {
    const quorum = majority(peers(1, 2, 3))
    expect(quorum.isQuorum(peers(1, 1, 1))).to.equal(false)
    expect(quorum.isQuorum(new Set(peers(1)))).to.equal(false)
    expect(quorum.isQuorum(new Map([[1 as PeerId, 'x']]).keys())).to.equal(false)
  })

  it('E5: does not count observers and unknown ids', () => {
    expect(majority(peers(1, 2, 3)).isQuorum(peers(1, 4, 5, 99))).to.equal(false)
    expect(majority(peers(1, 2, 3)).isQuorum(new Set(peers(1, 4, 5, 99)))).to.equal(false)
  })

  it('keeps its voters when the set it was made from changes', () => {
    const voters = new Set(peers(1, 2, 3))
    const quorum = majority(voters)
    voters.add(4 as PeerId).add(5 as PeerId)
    expect(quorum.isQuorum(peers(1, 2))).to.equal(true)
    expect([...quorum.voters]).to.deep.equal([1, 2, 3])
  })

  it('E5: counts a voter once, and nobody else', () => {
    const quorum = majority(peers(1, 2, 3))
    expect(quorum.isQuorum(peers(1, 1, 9, 8))).to.equal(false)
    expect(quorum.isQuorum(peers(1, 1, 3))).to.equal(true)
  })

  it('lets any two quorums share a voter', () => {
    fc.assert(
      fc.property(peerList, peerList, peerList, (voters, a, b) => {
        const quorum = majority(voters)
        if (quorum.isQuorum(a) && quorum.isQuorum(b)) {
          expect(a.some(id => b.includes(id) && voters.includes(id))).to.equal(true)
        }
      }),
    )
  })
})

describe('committedBy', () => {
  const acks = (...entries: [peer: number, zxid: Zxid][]) => new Map(entries as [PeerId, Zxid][])

  it('is the zxid that a quorum has passed, not one that only a quorum of others is near', () => {
    const acked = acks([1, zxid(1, 9)], [2, zxid(1, 5)], [3, zxid(1, 2)])
    expect(committedBy(majority(peers(1, 2, 3)), acked)).to.deep.equal(zxid(1, 5))
  })

  it('is undefined until a quorum has acked', () => {
    expect(committedBy(majority(peers(1, 2, 3)), acks([1, zxid(1, 1)]))).to.equal(undefined)
  })

  it('E5: ignores the acks of observers', () => {
    const acked = acks([1, zxid(1, 3)], [8, zxid(1, 9)], [9, zxid(1, 9)])
    expect(committedBy(majority(peers(1, 2, 3)), acked)).to.equal(undefined)
  })

  it('is the middle of the sorted acks for every majority', () => {
    const ack = fc.option(fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 0, max: 5 })), { nil: undefined })
    fc.assert(
      fc.property(fc.array(ack, { minLength: 1, maxLength: 7 }), values => {
        const voters = values.map((_, i) => (i + 1) as PeerId)
        const acked = new Map<PeerId, Zxid>()
        for (const [i, value] of values.entries()) if (value) acked.set(voters[i]!, zxid(...value))
        const sorted = [...acked.values()].sort((a, b) => compareZxid(b, a))
        expect(committedBy(majority(voters), acked)).to.deep.equal(sorted[Math.floor(voters.length / 2)])
      }),
    )
  })
})
