import { expect } from 'chai'
import { runPowerCutTest } from './powercut-run.js'
import { cannotRecord } from './trace.js'

describe('power cut', () => {
  before(function () {
    // Nothing else sees the order of a process's file operations; .ci/run says whether it is there.
    if (cannotRecord() !== undefined) this.skip()
  })

  it('D1, D3: loses nothing acknowledged, at 30 places', async function () {
    this.timeout(60_000)
    const { violations, cuts, acknowledged } = await runPowerCutTest({
      cuts: 30,
      seed: 3,
      cutsPerRound: 15,
      say: () => {},
    })
    expect(violations).to.deep.equal([])
    expect(cuts).to.equal(30)
    expect(acknowledged).to.be.greaterThan(100)
  })

  it('shows a store that does not sync', async function () {
    this.timeout(60_000)
    const planted = { cuts: 30, seed: 5, planted: 'unsynced', turnsPerRound: 60, say: () => {} } as const
    const { violations } = await runPowerCutTest(planted)
    expect(violations.length).to.be.greaterThan(3)
  })
})
