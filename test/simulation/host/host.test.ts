/** The simulation at the depth of hosts, codec, clients and observables: a few seeds with `npm test`; `npm run simulate` does more. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { root } from '../../examples/built.js'
import { readKills } from '../mutants/kills.js'
import { hostMutants } from './host-mutants.js'
import { hostRun } from './host-run.js'
import { asBefore, type HostScenarioChange, leaderless, snapshots, somebodies } from './host-scenario.js'

const OTHER_SEEDS_MAX = 20

describe('simulation of hosts and clients', function () {
  this.timeout(120_000)

  const violationsOf = async (first: number, last: number, scenario?: HostScenarioChange): Promise<string[]> => {
    const violations = []
    for (let seed = first; seed <= last; seed++) {
      const { violation } = await hostRun(seed, { scenario })
      if (violation !== undefined) violations.push(`seed ${seed}: ${violation.row}: ${violation.message}`)
    }
    return violations
  }

  it('holds for seeds 1 to 5', async () => {
    expect(await violationsOf(1, 5)).to.deep.equal([])
  })

  it('holds for seeds 1 and 2 when members come back to snapshots', async () => {
    expect(await violationsOf(1, 2, snapshots)).to.deep.equal([])
  })

  it('C1, C5, W7: holds for seeds 1 and 2 with applications that are somebody', async () => {
    expect(await violationsOf(1, 2, somebodies)).to.deep.equal([])
  })

  it('C15: holds for seeds 1 and 2 with local sessions, and applications that are content with reads', async () => {
    expect(await violationsOf(1, 2, leaderless)).to.deep.equal([])
  })

  it('C10, L2: holds for seeds 1 and 2 with containers and TTL znodes', async () => {
    expect(await violationsOf(1, 2, { ...asBefore, lifetimes: true })).to.deep.equal([])
  })

  it('R4: runs the same way in another process', async () => {
    const { traceHash } = await hostRun(7)
    const program = join(root, 'test', 'simulation', 'simulate.ts')
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--import', 'tsx', program, '--depth', 'host', '--seed', '7'],
      { cwd: root },
    )
    expect(/trace hash (\w+)/.exec(stdout)?.[1]).to.equal(traceHash)
    expect((await hostRun(8)).traceHash).to.not.equal(traceHash)
  })

  const kills = readKills()
  for (const mutant of hostMutants) {
    it(`${mutant.rows.join(' or ')}: notices that ${mutant.name}`, async () => {
      // The recorded seeds first: a change of ours may have moved the find to another one.
      const seeds = [
        ...(kills.get(mutant.name)?.seeds ?? []),
        ...Array.from({ length: OTHER_SEEDS_MAX }, (_, index) => index + 1),
      ]
      const seen: (string | undefined)[] = []
      for (const seed of seeds) {
        const { violation } = await hostRun(seed, { mutant })
        seen.push(violation?.row)
        if (violation !== undefined && mutant.rows.includes(violation.row)) return
      }
      expect.fail(`rows seen: ${seen}`)
    })
  }

  it('leaves nothing of a planted bug behind', async () => {
    expect(await violationsOf(1, 1)).to.deep.equal([])
  })
})
