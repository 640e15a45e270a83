import { expect } from 'chai'
import fc from 'fast-check'
import { committedBy } from '../../../../lib/core/quorum/committed-by.js'
import { quorumOf } from '../../../../lib/core/quorum/quorum-of.js'
import { type WeightedVoter, weighted } from '../../../../lib/core/quorum/weighted.js'
import type { EnsembleConfig, Member } from '../../../../lib/model/ensemble-config.js'
import type { PeerId } from '../../../../lib/model/ids.js'
import { ZERO, zxid } from '../../../../lib/model/zxid.js'

const peers = (...ids: number[]) => ids as PeerId[]
const voter = (id: number, group: number, weight = 1): WeightedVoter => ({ id: id as PeerId, group, weight })

const systems = fc.uniqueArray(
  fc.record({
    id: fc.integer({ min: 1, max: 9 }) as fc.Arbitrary<PeerId>,
    group: fc.integer({ min: 1, max: 4 }),
    weight: fc.integer({ min: 1, max: 5 }),
  }),
  { selector: ({ id }) => id, maxLength: 9 },
)
const someIds = fc.array(fc.integer({ min: 1, max: 11 }) as fc.Arbitrary<PeerId>, { maxLength: 14 })

/** The definition, word by word. */
function isQuorum(voters: readonly WeightedVoter[], ids: readonly PeerId[]): boolean {
  const groups = [...new Set(voters.map(({ group }) => group))]
  const sum = (list: readonly WeightedVoter[]) => list.reduce((total, { weight }) => total + weight, 0)
  const held = groups.filter(each => {
    const members = voters.filter(({ group }) => group === each)
    return sum(members.filter(({ id }) => ids.includes(id))) > sum(members) / 2
  })
  return held.length > groups.length / 2
}

function member(id: number, more: Partial<Member> = {}): Member {
  return { id: id as PeerId, address: `memory://${id}`, role: 'participant', ...more }
}
const config = (...members: Member[]): EnsembleConfig => ({ version: ZERO, members })

describe('weighted voters', () => {
  it('are a quorum as the definition says, however the ids come', () => {
    fc.assert(
      fc.property(systems, someIds, (voters, ids) => {
        const quorum = weighted(voters)
        const expected = isQuorum(voters, ids)
        expect(quorum.isQuorum(ids)).to.equal(expected)
        expect(quorum.isQuorum(new Set(ids))).to.equal(expected)
        expect(quorum.isQuorum(new Map(ids.map(id => [id, 1])).keys())).to.equal(expected)
      }),
      { numRuns: 2000 },
    )
  })

  it('E5: any two quorums share a voter, and what one has committed the other knows', () => {
    fc.assert(
      fc.property(systems, someIds, someIds, (voters, a, b) => {
        const quorum = weighted(voters)
        if (!quorum.isQuorum(a) || !quorum.isQuorum(b)) return
        expect(a.some(id => b.includes(id) && quorum.voters.has(id))).to.equal(true)
        const acked = new Map(a.map(id => [id, zxid(1, 5)]))
        expect(committedBy(quorum, acked)).to.deep.equal(zxid(1, 5))
      }),
      { numRuns: 2000 },
    )
  })

  it('all of them are a quorum; nobody is none', () => {
    fc.assert(
      fc.property(systems, voters => {
        expect(weighted(voters).isQuorum(voters.map(({ id }) => id))).to.equal(voters.length > 0)
        expect(weighted(voters).isQuorum([])).to.equal(false)
      }),
    )
  })

  it('three places: two are enough, and most of each', () => {
    const quorum = weighted([1, 2, 3, 4, 5, 6, 7, 8, 9].map(id => voter(id, Math.ceil(id / 3))))
    expect(quorum.isQuorum(peers(1, 2, 4, 5))).to.equal(true)
    expect(quorum.isQuorum(peers(1, 2, 3, 4, 7))).to.equal(false)
  })

  it('one that counts more than all others decides', () => {
    const quorum = weighted([voter(1, 1, 3), voter(2, 1), voter(3, 1)])
    expect(quorum.isQuorum(peers(1))).to.equal(true)
    expect(quorum.isQuorum(peers(2, 3))).to.equal(false)
  })
})

describe('quorum of a configuration', () => {
  it('is a majority where all count alike', () => {
    const quorum = quorumOf(config(member(1), member(2, { weight: 1 }), member(3), member(4, { role: 'observer' })))
    expect([...quorum.voters]).to.deep.equal([1, 2, 3])
    expect([quorum.isQuorum(peers(1, 2)), quorum.isQuorum(peers(1, 4))]).to.deep.equal([true, false])
  })

  it('E5: leaves out whom nothing weighs, and a group of such', () => {
    const quorum = quorumOf(
      config(
        member(1, { group: 1 }),
        member(2, { group: 1, weight: 0 }),
        member(3, { group: 2, weight: 0 }),
        member(4, { group: 3 }),
      ),
    )
    expect([...quorum.voters]).to.deep.equal([1, 4])
    expect(quorum.isQuorum(peers(1, 4))).to.equal(true)
    expect(quorum.isQuorum(peers(1, 2, 3))).to.equal(false)
  })

  it('takes weights without groups for one group', () => {
    const quorum = quorumOf(config(member(1, { weight: 2 }), member(2), member(3)))
    expect([quorum.isQuorum(peers(2, 3)), quorum.isQuorum(peers(1, 2)), quorum.isQuorum(peers(1))]).to.deep.equal([
      false,
      true,
      false,
    ])
  })
})
