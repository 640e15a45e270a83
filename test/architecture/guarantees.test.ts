/** docs/guarantees.md says which test holds each promise: that test exists and names the row. And a checker that no planted bug fires is none. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { readKills } from '../simulation/mutants/kills.js'

const tests = join(dirname(fileURLToPath(import.meta.url)), '..')
const page = readFileSync(join(tests, '..', 'docs', 'guarantees.md'), 'utf8')

const promises = [...page.matchAll(/^\| ([A-Z]\d+) \|.*\| (.*) \|$/gm)].map(([, row, held]) => ({
  row: row!,
  files: [...held!.matchAll(/`([^`]+)`/g)].map(found => found[1]!),
}))

/** Rows that a checker of the simulation can name. */
function checked(): Set<string> {
  const folder = join(tests, 'simulation', 'checkers')
  const sources = readdirSync(folder).map(name => readFileSync(join(folder, name), 'utf8'))
  const text = [...sources, readFileSync(join(tests, 'simulation', 'run.ts'), 'utf8')].join('\n')
  return new Set([...text.matchAll(/Violation\(\s*'([A-Z]\d+)'/g)].map(found => found[1]!))
}

/**
 * Rows that a planted bug breaks only together with another one, which the checkers see first (or, said so, in another place).
 */
const seenBefore: Readonly<Record<string, string>> = {
  Z1: 'a second leader of an epoch needs promises given twice: Z4',
  Z8: 'another history needs a write committed without a quorum: Z15, Z21',
  Z9: 'an order of its own needs a log with a gap: Z14',
  Z12: 'a late commit of an old epoch needs a leader that does not notice its end (Z24) or does not know everything (Z20)',
  Z13: 'a leader that does not know everything has cut something committed: Z20',
}

describe('docs/guarantees.md', () => {
  it('has every row once', () => {
    const rows = promises.map(each => each.row)
    expect(rows.length).to.be.above(70)
    expect(rows).to.deep.equal([...new Set(rows)])
  })

  for (const { row, files } of promises) {
    it(`${row}: names tests that exist and name it`, () => {
      expect(files, 'nothing holds it').to.not.deep.equal([])
      for (const file of files) {
        const path = join(tests, file)
        expect(existsSync(path), file).to.equal(true)
        expect(readFileSync(path, 'utf8'), file).to.match(new RegExp(`\\b${row}\\b`))
      }
    })
  }

  it('has every row that a checker of the simulation can name', () => {
    const known = new Set(promises.map(each => each.row))
    expect([...checked()].filter(row => !known.has(row))).to.deep.equal([])
  })

  it('a planted bug fires every checker', () => {
    const kills = [...readKills().values()].filter(({ depth }) => depth === undefined)
    const fired = new Set(kills.flatMap(each => Object.keys(each.rows)))
    expect([...checked()].filter(row => !fired.has(row) && !(row in seenBefore))).to.deep.equal([])
  })
})
