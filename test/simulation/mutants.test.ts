/** Each planted bug is found, and named rightly: a checker that cannot fail is worth nothing. */
import { expect } from 'chai'
import { hostMutants } from './host/host-mutants.js'
import { readKills } from './mutants/kills.js'
import { mutants } from './mutants/mutants.js'
import { run } from './run.js'

const SEEDS_MAX = 30

describe('simulation with a planted bug', function () {
  this.timeout(60_000)
  const kills = readKills()

  for (const mutant of mutants) {
    it(`${mutant.rows.join(' or ')}: notices that ${mutant.name}`, () => {
      // The recorded seeds first: a change of the core may have moved the find to another one.
      const seeds = [
        ...(kills.get(mutant.name)?.seeds ?? []),
        ...Array.from({ length: SEEDS_MAX }, (_, index) => index + 1),
      ]
      const seen: (string | undefined)[] = []
      const found = seeds.some(seed => {
        const { violation } = run(seed, { mutant })
        seen.push(violation?.row)
        return violation !== undefined && mutant.rows.includes(violation.row)
      })
      expect(found, `rows seen: ${seen}`).to.equal(true)
    })
  }

  it('knows the seeds of each, and of nothing else', () => {
    const planted = [...mutants, ...hostMutants]
    expect([...kills.keys()].sort()).to.deep.equal(planted.map(each => each.name).sort())
  })

  it('leaves nothing of a planted bug behind', () => {
    expect(run(3).violation).to.equal(undefined)
  })
})
