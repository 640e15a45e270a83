/** The table of what faults must hit is total, and the events it counts are those of a run. */
import { expect } from 'chai'
import { crashPoints } from '../../lib/testing/crash-points.js'
import { BUDGET, firstSeedOf, shortOf } from './budget.js'
import { clockFaultKinds } from './clock-faults.js'
import { cellName, coveredFaults, impossible, phases, requiredCells, roles, UNREACHED } from './coverage.js'
import { networkFaultKinds } from './network-faults.js'
import { processFaultKinds } from './process-faults.js'
import { run } from './run.js'
import { diskFaultKinds, everyFamily, faultKinds, type ScenarioChange } from './scenario.js'
import { seek } from './seek.js'

describe('coverage of faults', function () {
  this.timeout(60_000)

  it('has each fault once, of every family', () => {
    expect(new Set(coveredFaults).size).to.equal(coveredFaults.length)
    expect([...coveredFaults].sort()).to.deep.equal(
      [...faultKinds, ...networkFaultKinds, ...processFaultKinds, ...clockFaultKinds, ...diskFaultKinds].sort(),
    )
  })

  it('calls each fault, phase and role required or impossible, and says why', () => {
    const required = new Set(requiredCells())
    for (const fault of coveredFaults)
      for (const phase of phases)
        for (const role of roles) {
          const reason = impossible(fault, phase, role)
          expect(required.has(cellName(fault, phase, role)), `${fault} ${phase} ${role}`).to.equal(reason === undefined)
          if (reason !== undefined) expect(reason.length).to.be.greaterThan(15)
        }
  })

  it('requires of every fault that it hits somebody', () => {
    for (const fault of coveredFaults)
      expect(
        phases.some(phase => roles.some(role => impossible(fault, phase, role) === undefined)),
        fault,
      ).to.equal(true)
  })

  it('knows more than forty named points to crash at, each once', () => {
    expect(new Set(crashPoints).size).to.equal(crashPoints.length)
    expect(crashPoints.length - Object.keys(UNREACHED).length).to.be.greaterThan(40)
    for (const point of Object.keys(UNREACHED)) expect(crashPoints).to.include(point)
  })

  it('counts nothing in a run that is impossible', () => {
    const known = new Set([...requiredCells(), ...crashPoints])
    for (let seed = 1; seed <= 6; seed++)
      for (const cell of run(seed, { scenario: everything }).coverage.keys())
        expect(known.has(cell), cell).to.equal(true)
  })

  it('has a kind of run that looks for each cell, and finds what luck rarely meets', () => {
    for (const cell of requiredCells()) expect(seek(cell).durationMs, cell).to.be.greaterThan(0)
    expect(() => seek('rotMark broadcast leading')).to.throw('no cell that is required')
    for (const cell of ['falseState discovery observing', 'before send diverged']) {
      const found = [1, 2, 3, 4].some(seed => run(seed, { scenario: seek(cell) }).coverage.has(cell))
      expect(found, cell).to.equal(true)
    }
  })

  it('asks for the totals of the build, and draws its seeds from the commit', () => {
    expect(shortOf(BUDGET)).to.deep.equal([])
    expect(shortOf({ ...BUDGET, events: 5 })).to.deep.equal(['5 of 60000000 events'])
    expect(firstSeedOf('0123456789abcdef')).to.equal(1_000_000 + 0x0123456)
  })
})

const everything: ScenarioChange = { families: { ...everyFamily, aimed: true } }
