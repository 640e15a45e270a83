import { expect } from 'chai'
import fc from 'fast-check'
import { readQuota, writeQuota } from '../../../lib/model/quota-text.js'

const numbers = (text: string) => {
  const { count, bytes, countHardLimit, byteHardLimit } = readQuota(text)
  return [count, bytes, countHardLimit, byteHardLimit]
}

describe('text of a quota', () => {
  it('is read in every form that ZooKeeper and its clients write', () => {
    expect(numbers('count=5,bytes=-1')).to.deep.equal([5, -1, -1, -1])
    expect(numbers('count=5,bytes=7=;byteHardLimit=9;countHardLimit=8')).to.deep.equal([5, 7, 8, 9])
    expect(numbers('countHardLimit=8;;,bytes=7,;count=')).to.deep.equal([-1, 7, 8, -1])
    expect(numbers('')).to.deep.equal([-1, -1, -1, -1])
  })

  it('counts for nothing where it is none', () => {
    for (const text of ['count', 'count=x', 'count=0x10', 'count=1.5', 'count=9223372036854775807', '=5', 'null'])
      expect(numbers(text), text).to.deep.equal([-1, -1, -1, -1])
    fc.assert(fc.property(fc.string(), text => void readQuota(text)))
  })

  it('is written with the further pairs sorted behind the odd sign', () => {
    expect(writeQuota(2, 30)).to.equal('count=2,bytes=30')
    const { all } = readQuota('count=5,bytes=7=;countHardLimit=8;byteHardLimit=9')
    expect(writeQuota(2, 30, all)).to.equal('count=2,bytes=30=;byteHardLimit=9;countHardLimit=8')
  })
})
