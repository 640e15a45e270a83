import { expect } from 'chai'
import { History } from '../../../../lib/core/zab/history.js'
import type { OperationNumber } from '../../../../lib/model/ids.js'
import { zxid } from '../../../../lib/model/zxid.js'

const op = 1 as OperationNumber

describe('history', () => {
  it('Z14: goes back to a trimmed log when older history was dropped while a snapshot was received and aborted', () => {
    const summary = { base: zxid(0, 0), ranges: [{ epoch: 1, first: 1, last: 9 }] }
    const history = new History(summary, zxid(1, 9), [])
    history.beginSnapshot(zxid(2, 5), op)
    history.trim(zxid(1, 6))
    expect(history.summary).to.deep.equal({ base: zxid(2, 5), ranges: [] })
    history.snapshotAborted(op)
    expect(history.summary).to.deep.equal({ base: zxid(1, 6), ranges: [{ epoch: 1, first: 7, last: 9 }] })
  })
})
