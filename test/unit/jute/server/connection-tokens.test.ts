import { expect } from 'chai'
import { type ConnectionTokenLimits, ConnectionTokens } from '../../../../lib/jute/server/connection-tokens.js'

const usual: ConnectionTokenLimits = {
  connectionTokensMax: 2,
  connectionTokensFillMs: 10,
  connectionTokensFillCount: 1,
  connectionTokensFreezeMs: -1,
  connectionDropIncrease: 0.5,
  connectionDropDecrease: 0.1,
  connectionDropDecreaseRatio: 0,
  connectionTokenWeights: undefined,
}

describe('connection tokens', () => {
  let now = 0
  let chance = 0
  const tokens = (limits: Partial<ConnectionTokenLimits> = {}): ConnectionTokens => {
    now = 0
    chance = 0.99
    return new ConnectionTokens(
      { ...usual, ...limits },
      () => now,
      () => chance,
    )
  }

  it('are off by default', () => {
    const off = tokens({ connectionTokensMax: 0, connectionTokensFreezeMs: 1 })
    for (let n = 0; n < 100; n++) expect(off.take('global')).to.equal(true)
  })

  it('run out, and come back with time, never more than there were', () => {
    const some = tokens()
    const taken = () => [some.take('global'), some.take('renew'), some.take('local')]
    expect(taken()).to.deep.equal([true, true, false])
    now = 10
    expect(some.take('global')).to.equal(false)
    now = 21
    expect(taken()).to.deep.equal([true, true, false])
    now = 10_000
    expect(taken()).to.deep.equal([true, true, false])
  })

  it('cost by the kind of the session where they are weighted, counted in those of the dearest', () => {
    const weighted = tokens({ connectionTokenWeights: { global: 3, renew: 2, local: 1 } })
    expect((['global', 'renew', 'renew', 'local'] as const).map(kind => weighted.take(kind))).to.deep.equal([
      true,
      true,
      false,
      true,
    ])
    now = 20
    expect([weighted.take('global'), weighted.take('global')]).to.deep.equal([true, true])
  })

  it('are given by chance when they were wanting: less likely each time, more likely again when all are there', () => {
    // Nothing comes back in the time that this test needs.
    const wanting = tokens({ connectionTokensFreezeMs: 100, connectionTokensFillMs: 3_600_000 })
    for (let n = 0; n < 2; n++) wanting.take('global')
    now = 101
    expect([wanting.take('global'), wanting.dropChance]).to.deep.equal([false, 0.5])
    now = 202
    wanting.take('global')
    now = 303
    wanting.take('global')
    expect(wanting.dropChance).to.equal(1)
    now = 8_000_000
    chance = 0.95
    expect([wanting.take('global'), wanting.dropChance]).to.deep.equal([true, 0.9])
    chance = 0.85
    expect(wanting.take('global')).to.equal(false)
  })

  it('make it likelier again already when a part of them is missing, where that is asked for', () => {
    const some = tokens({
      connectionTokensFreezeMs: 100,
      connectionTokensFillMs: 1000,
      connectionDropDecreaseRatio: 0.5,
    })
    for (let n = 0; n < 2; n++) some.take('global')
    now = 101
    some.take('global')
    expect(some.dropChance).to.equal(0.5)
    now = 1001
    some.take('global')
    expect(some.dropChance).to.equal(0.4)
  })
})
