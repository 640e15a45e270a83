import { expect } from 'chai'
import { runPhase } from './fault-run.js'
import { proxied } from './proxy.js'

describe('processes behind a network that fails', () => {
  it('Z24, C8: serve again without an isolated leader, which gives no commit and no confirmed read any more', async function () {
    this.timeout(120_000)
    const options = { kind: 'partition', members: 3, cycles: 1, seed: 3, network: proxied, say: () => {} } as const
    const { violations, cycles, acknowledged, confirmedReads } = await runPhase(options)
    expect(violations).to.deep.equal([])
    expect(cycles.map(({ kind }) => kind)).to.deep.equal(['leader isolated'])
    expect(cycles[0]!.leaderMs).to.be.greaterThan(0)
    expect(acknowledged).to.be.greaterThan(50)
    expect(confirmedReads).to.be.greaterThan(10)
  })
})
