import { expect } from 'chai'
import { TokenBucket } from '../../../../lib/jute/server/token-bucket.js'

describe('token bucket', () => {
  const taken = (bucket: TokenBucket, now: number): number => {
    let count = 0
    while (bucket.take(now)) count += 1
    return count
  }

  it("gives a second's worth at once, then as much as time has passed", () => {
    const bucket = new TokenBucket(10, 0)
    expect(taken(bucket, 0)).to.equal(10)
    expect(taken(bucket, 99)).to.equal(0)
    expect(taken(bucket, 300)).to.equal(3)
    expect(taken(bucket, 10_000)).to.equal(10)
  })

  it('does not lose the fractions, however often it is asked', () => {
    const bucket = new TokenBucket(4, 0)
    taken(bucket, 0)
    let count = 0
    for (let now = 1; now <= 1000; now++) count += taken(bucket, now)
    expect(count).to.equal(4)
  })

  it('is full again when nothing was taken for a second', () => {
    const bucket = new TokenBucket(3, 0)
    expect(bucket.full(0)).to.equal(true)
    bucket.take(0)
    expect(bucket.full(333)).to.equal(false)
    expect(bucket.full(334)).to.equal(true)
  })
})
