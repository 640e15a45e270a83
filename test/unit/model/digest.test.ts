import { expect } from 'chai'
import { formatDigest, type StateDigest, sameDigest, sumOfDigest } from '../../../lib/model/digest.js'

const full: StateDigest = { high: 1, low: 0xffffffff, system: { high: 2, low: 3 } }
const { high, low } = full

describe('state digest', () => {
  it('is compared in all that both sides say', () => {
    expect(sameDigest(full, { high, low, system: { high: 2, low: 3 } })).to.equal(true)
    expect(sameDigest(full, { high, low, system: { high: 2, low: 4 } })).to.equal(false)
    expect(sameDigest(full, { high, low: 0, system: { high: 2, low: 3 } })).to.equal(false)
    expect([sameDigest(full, { high, low }), sameDigest({ high, low }, full)]).to.deep.equal([true, true])
    expect(sameDigest(full, { high: 0, low })).to.equal(false)
  })

  it('is one number for people, with a carry', () => {
    expect(sumOfDigest(full)).to.deep.equal({ high: 4, low: 2 })
    expect(formatDigest(full)).to.equal('0000000400000002')
    expect(formatDigest({ high, low })).to.equal('00000001ffffffff')
  })
})
