import { expect } from 'chai'
import { DeadlineTimer, SessionTimers } from '../../../lib/client/session-timers.js'
import { VirtualClock } from '../../helpers/virtual-clock.js'

describe('timers of a session', () => {
  let clock: VirtualClock
  let timers: SessionTimers
  beforeEach(() => {
    clock = new VirtualClock()
    timers = new SessionTimers(clock)
  })

  it('R3: are gone when they have rung, were cancelled, or the session has ended', async () => {
    const rung: string[] = []
    timers.schedule(10, () => rung.push('first'))
    timers.schedule(10, () => rung.push('cancelled'))()
    timers.scheduleAt(clock.now() + 20, () => rung.push('second'))
    timers.schedule(30, () => rung.push('too late'))
    await clock.advance(20)
    timers.cancelAll()
    expect(clock.pending).to.equal(0)
    await clock.advance(20)
    expect(rung).to.deep.equal(['first', 'second'])
  })

  it('L2: look at the earliest of all deadlines, with one timer, and no more often than every few ms', async () => {
    let due: number[] = []
    const began = clock.now()
    const looked: number[] = []
    const deadlines = new DeadlineTimer(timers, clock, now => {
      looked.push(now - began)
      due = due.filter(each => each > now)
      return Math.min(...due)
    })
    for (const ms of [50, 20, 21, 80]) {
      due.push(began + ms)
      deadlines.watch(began + ms)
    }
    expect(clock.pending).to.equal(1)
    await clock.advance(100)
    expect(looked).to.deep.equal([20, 25, 50, 80])
    expect(clock.pending).to.equal(0)
  })

  it('R3: look at no deadline any more when the session has ended, be it while they look', async () => {
    const deadlines: DeadlineTimer = new DeadlineTimer(timers, clock, now => {
      deadlines.end()
      return now + 10
    })
    deadlines.watch(clock.now() + 10)
    await clock.advance(10)
    expect(clock.pending).to.equal(0)
    deadlines.watch(clock.now() + 10)
    expect(clock.pending).to.equal(0)
  })
})
