import { expect } from 'chai'
import { attacks } from './attacks.js'
import { runHostile } from './hostile-run.js'

describe('hostile connections', () => {
  it('end by themselves; who behaves is served, nobody else is left, and memory does not grow with their number (R2)', async function () {
    this.timeout(120_000)
    const { byKind, memory, attacked, clientsLeft } = await runHostile({
      connections: 1500,
      warmUp: 700,
      seed: 11,
      niceness: 0,
      pace: 1000,
      progress: () => {},
    })
    expect([...byKind.keys()].sort()).to.deep.equal(attacks.map(({ name }) => name).sort())
    expect(attacked.answered).to.be.greaterThan(50)
    expect(attacked.newcomers).to.be.greaterThan(0)
    expect(clientsLeft).to.be.within(4, 5)
    expect(memory.after.rss - memory.warm.rss).to.be.lessThan(48e6)
  })
})
