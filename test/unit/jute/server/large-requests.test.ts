import { expect } from 'chai'
import { LargeRequests } from '../../../../lib/jute/server/large-requests.js'

describe('large requests', () => {
  it('are none by default', () => {
    const large = new LargeRequests({ largeRequestBytes: 0, largeRequestBytesMax: 1 })
    large.taken(1000)
    expect([large.admits(1000), large.bytes]).to.deep.equal([true, 0])
  })

  it('are those above the threshold, and have a bound together', () => {
    const large = new LargeRequests({ largeRequestBytes: 100, largeRequestBytesMax: 300 })
    for (const bytes of [101, 100, 150]) large.taken(bytes)
    expect(large.bytes).to.equal(251)
    expect([large.admits(101), large.admits(100)]).to.deep.equal([false, true])
    large.over(100)
    large.over(150)
    expect([large.bytes, large.admits(199), large.admits(200)]).to.deep.equal([101, true, false])
  })
})
