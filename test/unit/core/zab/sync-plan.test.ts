import { expect } from 'chai'
import { planSync } from '../../../../lib/core/zab/sync-plan.js'
import type { HistorySummary } from '../../../../lib/model/history.js'
import { zxid } from '../../../../lib/model/zxid.js'

describe('sync plan', () => {
  /** Epoch 1 from 5 on, 2 whole, 4 whole; older history was dropped. */
  const leader: HistorySummary = {
    base: zxid(1, 4),
    ranges: [
      { epoch: 1, first: 5, last: 9 },
      { epoch: 2, first: 1, last: 3 },
      { epoch: 4, first: 1, last: 2 },
    ],
  }

  const table: [what: string, last: [number, number], plan: string, after?: [number, number]][] = [
    ['sends nothing but the end to a learner at the end', [4, 2], 'diff', [4, 2]],
    ['continues from within the last epoch', [4, 1], 'diff', [4, 1]],
    ['continues from within an older epoch', [1, 7], 'diff', [1, 7]],
    ['continues from the end of an older epoch', [2, 3], 'diff', [2, 3]],
    ['continues from the base', [1, 4], 'diff', [1, 4]],
    ['sends the tree to a learner behind the base', [1, 3], 'snapshot'],
    ['sends the tree to an empty learner', [0, 0], 'snapshot'],
    ['cuts what the leader of that epoch proposed and nobody kept', [2, 5], 'truncate', [2, 3]],
    ['cuts a whole epoch that the leader has nothing of', [3, 1], 'truncate', [2, 3]],
    ['cuts the end of an epoch that was longer there', [1, 12], 'truncate', [1, 9]],
    ['cuts an epoch after its own', [5, 1], 'truncate', [4, 2]],
  ]

  for (const [what, last, kind, after] of table) {
    it(`Z19: ${what}`, () => {
      const plan = planSync(leader, zxid(...last))
      expect(plan).to.deep.equal(after === undefined ? { kind } : { kind, after: zxid(...after) })
    })
  }

  it('Z19: brings an empty learner to an empty leader by an empty DIFF', () => {
    expect(planSync({ base: zxid(0, 0), ranges: [] }, zxid(0, 0))).to.deep.equal({ kind: 'diff', after: zxid(0, 0) })
  })
})
