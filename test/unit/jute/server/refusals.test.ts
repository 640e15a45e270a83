import { expect } from 'chai'
import { Refusals } from '../../../../lib/jute/server/refusals.js'

describe('refusals', () => {
  it('are counted all, and told once a minute for each reason', () => {
    let now = 0
    const told: unknown[] = []
    const refusals = new Refusals(
      () => now,
      (_, { of, closed, last }) => told.push([of, closed, last]),
    )
    for (let n = 0; n < 1000; n++) refusals.add('pace', `${n}`)
    refusals.add('connections', 'a')
    now = 60_000
    refusals.add('pace', 'b')
    expect(told).to.deep.equal([
      ['pace', 1, '0'],
      ['connections', 1, 'a'],
      ['pace', 1000, 'b'],
    ])
    expect(refusals.count).to.equal(1002)
  })
})
