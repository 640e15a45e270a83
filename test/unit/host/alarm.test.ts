import { expect } from 'chai'
import { Alarm } from '../../../lib/host/alarm.js'
import { ManualClock } from './manual-clock.js'

describe('alarm', () => {
  let clock: ManualClock
  let rings: number[]
  let alarm: Alarm
  beforeEach(() => {
    clock = new ManualClock()
    rings = []
    alarm = new Alarm(clock, () => rings.push(clock.now()))
  })

  it('rings once, at the time set last', () => {
    alarm.set(100)
    alarm.set(50)
    alarm.set(80)
    clock.advance(200)
    expect(rings).to.deep.equal([80])
  })

  it('may be set again when it has rung', () => {
    alarm.set(10)
    clock.advance(10)
    alarm.set(15)
    clock.advance(10)
    expect(rings).to.deep.equal([10, 15])
  })

  it('keeps at most one timer, and none after cancel', () => {
    alarm.set(100)
    alarm.set(50)
    alarm.set(500)
    expect(clock.timers).to.equal(1)
    alarm.cancel()
    expect(clock.timers).to.equal(0)
    clock.advance(1000)
    expect(rings).to.deep.equal([])
  })

  it('does not ring before its time when a timer fires early', () => {
    clock.earlyByMs = 3
    alarm.set(10)
    clock.advance(30)
    expect(rings).to.have.length(1)
    expect(rings[0]).to.be.at.least(10)
  })
})
