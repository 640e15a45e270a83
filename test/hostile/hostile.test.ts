import { expect } from 'chai'
import { attacks } from './attacks.js'
import { runHostile } from './hostile-run.js'

describe('hostile connections', () => {
  it('end by themselves; who behaves is served, nobody else is left, and memory does not grow with their number (R2)', async function () {
    this.timeout(120_000)
    const { byKind, rssBytes, answered, clientsLeft } = await runHostile({
      connections: 1500,
      warmUp: 700,
      seed: 11,
      say: () => {},
    })
    expect([...byKind.keys()].sort()).to.deep.equal(attacks.map(({ name }) => name).sort())
    expect(answered).to.be.greaterThan(50)
    expect(clientsLeft).to.equal(4)
    expect(rssBytes.after - rssBytes.warm).to.be.lessThan(48e6)
  })
})
