import { expect } from 'chai'
import { RareReport } from '../../../../lib/core/pipeline/rare-report.js'

describe('a rare report', () => {
  it('is told at once, then once a minute, with how many were left out', () => {
    const told: string[] = []
    const reports = new RareReport((_, message) => void told.push(message))
    for (const now of [0, 1, 59_999, 60_000, 60_001, 200_000]) reports.tell(`at ${now}`, now)
    expect(told).to.deep.equal([
      'at 0',
      'at 60000 (and 2 more reports like this since the last)',
      'at 200000 (and 1 more reports like this since the last)',
    ])
  })
})
