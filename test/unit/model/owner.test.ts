import { expect } from 'chai'
import type { SessionId } from '../../../lib/model/ids.js'
import { CONTAINER_MARK, isMark, isTtl, sessionOf, TTL_MAX_MS, ttlMark, ttlOf } from '../../../lib/model/owner.js'

describe('owner of a znode', () => {
  it("has ZooKeeper's bits for a TTL: 0xFF, 16 bits of 0, 40 bits of milliseconds", () => {
    for (const ttlMs of [1, 1000, 2 ** 32, TTL_MAX_MS]) {
      const mark = ttlMark(ttlMs)
      expect(BigInt(`0x${mark}`)).to.equal((0xff00n << 48n) | BigInt(ttlMs))
      expect(mark).to.have.lengthOf(16)
      expect(ttlOf(mark)).to.equal(ttlMs)
      expect(isMark(mark)).to.equal(true)
    }
    expect(BigInt(`0x${CONTAINER_MARK}`)).to.equal(1n << 63n)
  })

  it('takes 1 … 2⁴⁰ − 1 ms for a TTL', () => {
    expect([0, -1, 0.5, 2 ** 40, Number.NaN, '5'].filter(isTtl)).to.deep.equal([])
  })

  it('is a session in every other case, of each peer', () => {
    for (const id of ['0100000000000001', 'fe00000000000000', '8000000000000001'] as SessionId[])
      expect(sessionOf(id)).to.equal(id)
    expect(sessionOf(CONTAINER_MARK)).to.equal(undefined)
    expect(sessionOf(undefined)).to.equal(undefined)
  })
})
