import { expect } from 'chai'
import { AHEAD_MS, BELIEVED_MS, TxnClock } from '../../../../lib/core/pipeline/txn-clock.js'

describe('txn clock', () => {
  const start = { monotonic: 500, wall: 1_000_000 }
  let reports: string[]
  const clock = (last = 0) => new TxnClock(last, start, level => reports.push(level))
  beforeEach(() => {
    reports = []
  })

  it('C12: never goes below the last txn, and waits while the wall clock is behind', () => {
    const times = clock(2_000_000)
    expect(times.next({ monotonic: 600, wall: 1_000_100 })).to.equal(2_000_000)
    expect(times.next({ monotonic: 700, wall: 10 })).to.equal(2_000_000)
    expect(times.next({ monotonic: 800, wall: 2_000_001 })).to.equal(2_000_001)
  })

  it('follows small steps, drift and long silence', () => {
    const times = clock()
    expect(times.next({ monotonic: 501, wall: start.wall + AHEAD_MS })).to.equal(start.wall + AHEAD_MS)
    const day = 86_400_000
    expect(times.next({ monotonic: 501 + day, wall: start.wall + day * 2 - AHEAD_MS * 22 })).to.be.above(
      start.wall + day,
    )
    expect(reports).to.deep.equal([])
  })

  it('does not follow a step far ahead, says so once, and is right again when the clock is', () => {
    const times = clock()
    const far = start.wall + 365 * 86_400_000
    expect(times.next({ monotonic: 1500, wall: far })).to.equal(start.wall + 1000)
    expect(times.next({ monotonic: 2500, wall: far + 1000 })).to.equal(start.wall + 2000)
    expect(times.next({ monotonic: 3500, wall: start.wall + 3000 })).to.equal(start.wall + 3000)
    expect(reports).to.deep.equal(['warn'])
  })

  it('believes a clock that stays ahead: the machine has slept', () => {
    const times = clock()
    const ahead = 8 * AHEAD_MS
    times.next({ monotonic: 1500, wall: start.wall + 1000 + ahead })
    const later = { monotonic: 1500 + BELIEVED_MS, wall: start.wall + 1000 + ahead + BELIEVED_MS }
    expect(times.next(later)).to.equal(later.wall)
    expect(reports).to.deep.equal(['warn', 'info'])
  })
})
