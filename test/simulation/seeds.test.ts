/** A short run of the simulation with `npm test`; `npm run simulate` does the long ones. */
import { expect } from 'chai'
import { runJob } from './job.js'
import { jobOf, readRegression, regressionFiles, UNEXPLAINED } from './regression.js'
import { run } from './run.js'
import {
  acls,
  badDisks,
  diskFaultKinds,
  evenlySlow,
  falseStates,
  flapping,
  lifetimes,
  localSessions,
  quotas,
  rotting,
  slowLeader,
  weights,
  wipes,
} from './scenario.js'

describe('simulation', function () {
  this.timeout(60_000)

  for (const file of regressionFiles()) {
    const { row, found, seed } = readRegression(file)
    it(`${row}: holds where once ${found} (seed ${seed})`, async () => {
      expect((await runJob(jobOf(file))).violation).to.equal(undefined)
      expect(found, file).not.to.equal(UNEXPLAINED)
    })
  }

  it('holds for seeds 1 to 12', () => {
    const violations = []
    for (let seed = 1; seed <= 12; seed++) {
      const { violation } = run(seed)
      if (violation !== undefined)
        violations.push(`${violation.row}: ${violation.message}; npm run simulate -- --seed ${seed} --trace`)
    }
    expect(violations).to.deep.equal([])
  })

  it('C1, C5, W7: holds for seeds 1 to 6 with clients that are somebody', () => {
    const violations = []
    for (let seed = 1; seed <= 6; seed++) {
      const { violation } = run(seed, { scenario: acls })
      if (violation !== undefined) violations.push(`seed ${seed}: ${violation.row}: ${violation.message}`)
    }
    expect(violations).to.deep.equal([])
  })

  it('C15, S10: holds for seeds 1 to 6 with local sessions, and clients that are content with reads', () => {
    const violations = []
    for (let seed = 1; seed <= 6; seed++) {
      const { violation } = run(seed, { scenario: localSessions })
      if (violation !== undefined) violations.push(`seed ${seed}: ${violation.row}: ${violation.message}`)
    }
    expect(violations).to.deep.equal([])
  })

  it('holds for seeds 1 to 10 when learners come and go with writes under way', () => {
    const violations = []
    for (let seed = 1; seed <= 10; seed++) {
      const { violation } = run(seed, { scenario: flapping })
      if (violation !== undefined) violations.push(`seed ${seed}: ${violation.row}: ${violation.message}`)
    }
    expect(violations).to.deep.equal([])
  })

  it('Z31: heals every state that differs, in seeds 1 to 10 with false states', () => {
    const violations = []
    for (let seed = 1; seed <= 10; seed++) {
      const { violation, faults } = run(seed, { scenario: falseStates })
      expect(faults.get('falseState')).to.be.greaterThan(0)
      if (violation !== undefined) violations.push(`seed ${seed}: ${violation.row}: ${violation.message}`)
    }
    expect(violations).to.deep.equal([])
  })

  it('D1 to D9: holds for seeds 1 to 12 with disks that fail in every way', () => {
    const violations = []
    const seen = new Set<string>()
    for (let seed = 1; seed <= 12; seed++) {
      const { violation, faults } = run(seed, { scenario: badDisks })
      for (const fault of faults.keys()) seen.add(fault)
      if (violation !== undefined) violations.push(`seed ${seed}: ${violation.row}: ${violation.message}`)
    }
    expect(violations).to.deep.equal([])
    expect([...seen].filter(kind => diskFaultKinds.includes(kind as never)).length).to.be.greaterThan(12)
  })

  it('D3, E7: holds for seeds 1 to 10 when one disk after the other is found damaged', () => {
    const violations = []
    let damaged = 0
    for (let seed = 1; seed <= 10; seed++) {
      const { violation, ...result } = run(seed, { scenario: rotting })
      for (const times of result.faults.values()) damaged += times
      if (violation !== undefined) violations.push(`seed ${seed}: ${violation.row}: ${violation.message}`)
    }
    expect(violations).to.deep.equal([])
    expect(damaged).to.be.greaterThan(30)
  })

  it('L4, L6: a leader with a slow disk hands over once in seeds 1 to 3, and nobody does when all disks are slow', () => {
    const violations = []
    for (let seed = 1; seed <= 3; seed++) {
      for (const scenario of [slowLeader, evenlySlow]) {
        const { violation } = run(seed, { scenario })
        if (violation !== undefined) violations.push(`seed ${seed}: ${violation.row}: ${violation.message}`)
      }
    }
    expect(violations).to.deep.equal([])
  })

  it('Z29: loses nothing in seeds 1 to 10 with voters whose disks are wiped', () => {
    const violations = []
    let wiped = 0
    for (let seed = 1; seed <= 10; seed++) {
      const { violation, faults } = run(seed, { scenario: wipes })
      wiped += faults.get('wipe') ?? 0
      if (violation !== undefined) violations.push(`seed ${seed}: ${violation.row}: ${violation.message}`)
    }
    expect(violations).to.deep.equal([])
    expect(wiped).to.be.greaterThan(20)
  })

  it('E4, Z2, Z21: holds for seeds 1 to 5 with members that do not count alike', () => {
    const violations = []
    for (let seed = 1; seed <= 5; seed++) {
      const { violation } = run(seed, { scenario: weights })
      if (violation !== undefined) violations.push(`seed ${seed}: ${violation.row}: ${violation.message}`)
    }
    expect(violations).to.deep.equal([])
  })

  it('C10, Z26, L2: holds for seeds 1 to 5 with containers and TTL znodes under clocks that are set, and with quotas', () => {
    const violations = []
    for (let seed = 1; seed <= 5; seed++) {
      for (const scenario of [lifetimes, quotas]) {
        const { violation } = run(seed, { scenario })
        if (violation !== undefined) violations.push(`seed ${seed}: ${violation.row}: ${violation.message}`)
      }
    }
    expect(violations).to.deep.equal([])
  })

  it('R4: runs the same way every time, and differently for another seed', () => {
    const first = run(7)
    expect(run(7).traceHash).to.equal(first.traceHash)
    expect(run(8).traceHash).to.not.equal(first.traceHash)
  })
})
