import { expect } from 'chai'
import { SimulatedClock } from '../../../lib/testing/simulated-clock.js'

describe('simulated clock', () => {
  it('runs with the world, at a distance', () => {
    const clock = new SimulatedClock(1000)
    expect(clock.now(12.7)).to.deep.equal({ monotonic: 1012, wall: 1_700_000_000_012 })
    expect(clock.msUntil(1020, 12.5)).to.equal(7.5)
  })

  it('drifts, and never goes back when its rate changes', () => {
    const clock = new SimulatedClock(0)
    clock.setRate(2, 10)
    expect(clock.monotonic(10)).to.equal(10)
    expect(clock.monotonic(15)).to.equal(20)
    clock.setRate(0.5, 15)
    expect(clock.monotonic(15)).to.equal(20)
    expect(clock.monotonic(25)).to.equal(25)
  })

  it('never lets a timer go off before its time, whatever its rate', () => {
    const clock = new SimulatedClock(7)
    for (const [rate, at] of [
      [0.5, 3.3],
      [1.7, 20.1],
      [1, 33.9],
    ] as const) {
      clock.setRate(rate, at)
      const due = clock.monotonic(at) + 100
      const left = clock.msUntil(due, at)
      expect(clock.monotonic(at + left + 1e-6)).to.equal(due)
      expect(clock.monotonic(at + left - 1)).to.be.lessThan(due)
    }
  })

  it('lets coarse timers go off at whole multiples only, in one moment with those of other peers', () => {
    const clocks = [new SimulatedClock(3), new SimulatedClock(77)]
    for (const clock of clocks) clock.timersEveryMs = 50
    expect(clocks.map(clock => 12 + clock.msUntil(clock.monotonic(12) + 20, 12))).to.deep.equal([50, 50])
    expect(50 + clocks[0]!.msUntil(53, 50)).to.equal(50)
  })

  it('shows the same wall time as long as that stands still', () => {
    const clock = new SimulatedClock(0)
    clock.wallStandsAt = 5
    expect([clock.now(1).wall, clock.now(900).wall]).to.deep.equal([5, 5])
  })
})
