import { expect } from 'chai'
import { SyncBarrier } from '../../../../lib/core/pipeline/sync-barrier.js'
import type { PeerId, SessionId } from '../../../../lib/model/ids.js'
import { zxid } from '../../../../lib/model/zxid.js'

const sync = (cxid: number, counter: number, proof: number) => ({
  from: 2 as PeerId,
  session: '0000000000000001' as SessionId,
  cxid,
  zxid: zxid(1, counter),
  proof,
})

describe('sync barrier', () => {
  it('C8: lets nobody pass before what was proposed is committed', () => {
    const barrier = new SyncBarrier()
    barrier.add(sync(1, 5, 1))
    expect(barrier.take(zxid(1, 4), 9)).to.deep.equal([])
    expect(barrier.take(zxid(1, 5), 9)).to.deep.equal([sync(1, 5, 1)])
  })

  it('C8: lets nobody pass before a heartbeat sent after the question has proved the leadership', () => {
    const barrier = new SyncBarrier()
    barrier.add(sync(1, 0, 3))
    expect(barrier.take(zxid(9, 9), 2)).to.deep.equal([])
    expect(barrier.take(zxid(9, 9), 3)).to.deep.equal([sync(1, 0, 3)])
  })

  it('answers each once, in order of arrival, and all that one heartbeat has proved', () => {
    const barrier = new SyncBarrier()
    const all = [sync(1, 1, 1), sync(2, 1, 1), sync(3, 2, 2)]
    for (const each of all) barrier.add(each)
    expect(barrier.take(zxid(1, 9), 1)).to.deep.equal(all.slice(0, 2))
    expect(barrier.take(zxid(1, 9), 2)).to.deep.equal(all.slice(2))
    expect(barrier.take(zxid(1, 9), 9)).to.deep.equal([])
  })
})
