import { expect } from 'chai'
import { runCrashTest } from './crash-run.js'

describe('three killed processes', () => {
  it('lose no acknowledged write: one kill of the leader, one of a follower, one of all', async function () {
    this.timeout(120_000)
    const { violations, killed, acknowledged, foundInLog } = await runCrashTest({ kills: 3, seed: 7, say: () => {} })
    expect(violations).to.deep.equal([])
    expect(killed).to.deep.equal({ leader: 1, follower: 1, all: 1 })
    expect(acknowledged).to.be.greaterThan(100)
    expect(foundInLog).to.be.greaterThan(100)
  })
})
