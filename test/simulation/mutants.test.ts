/** Each planted bug is found, and named rightly: a checker that cannot fail is worth nothing. */
import { expect } from 'chai'
import { mutants } from './mutants/mutants.js'
import { run } from './run.js'

const SEEDS_MAX = 30

describe('simulation with a planted bug', function () {
  this.timeout(60_000)

  for (const mutant of mutants) {
    it(`${mutant.rows.join(' or ')}: notices that ${mutant.name}`, () => {
      // The recorded seed first: a change of the core may have moved the find to another one.
      const seeds = [mutant.seed, ...Array.from({ length: SEEDS_MAX }, (_, index) => index + 1)]
      const seen: (string | undefined)[] = []
      const found = seeds.some(seed => {
        const { violation } = run(seed, { mutant })
        seen.push(violation?.row)
        return violation !== undefined && mutant.rows.includes(violation.row)
      })
      expect(found, `rows seen: ${seen}`).to.equal(true)
    })
  }

  it('leaves nothing of a planted bug behind', () => {
    expect(run(3).violation).to.equal(undefined)
  })
})
