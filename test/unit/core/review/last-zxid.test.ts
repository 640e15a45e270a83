import { expect } from 'chai'
import { History } from '../../../../lib/core/zab/history.js'
import { LeaderBroadcast } from '../../../../lib/core/zab/leader-broadcast.js'
import type { Leadership } from '../../../../lib/core/zab/leadership.js'
import { MAX_COUNTER, ZERO, zxid } from '../../../../lib/model/zxid.js'

describe('the last zxids of an epoch', () => {
  const nextBehind = (counter: number, epoch = 5) => {
    const history = new History({ base: ZERO, ranges: [] }, zxid(5, counter), [])
    return new LeaderBroadcast({ epoch, history } as unknown as Leadership).nextZxid()
  }

  it('Z5, ZOOKEEPER-1277: the counter is used up to its end and never wraps', () => {
    expect(nextBehind(MAX_COUNTER - 1)).to.deep.equal(zxid(5, MAX_COUNTER))
    expect(nextBehind(MAX_COUNTER)).to.equal(undefined)
    expect(nextBehind(MAX_COUNTER, 6), 'a new epoch begins at 1').to.deep.equal(zxid(6, 1))
  })
})
