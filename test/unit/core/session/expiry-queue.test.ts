import { expect } from 'chai'
import fc from 'fast-check'
import { ExpiryQueue } from '../../../../lib/core/session/expiry-queue.js'
import type { SessionId } from '../../../../lib/model/ids.js'

const id = (n: number) => n.toString(16).padStart(16, '0') as SessionId
const TICK = 2000

describe('expiry queue', () => {
  it('rounds up to the next multiple of the tick, always a little later', () => {
    const queue = new ExpiryQueue(TICK)
    queue.track(id(1), 4000, 0)
    expect(queue.nextDeadline()).to.equal(6000)
    queue.touch(id(1), 1999)
    expect(queue.nextDeadline()).to.equal(6000)
    queue.touch(id(1), 2000)
    expect(queue.nextDeadline()).to.equal(8000)
  })

  it('returns each session once, earliest bucket first, and forgets it', () => {
    const queue = new ExpiryQueue(TICK)
    queue.track(id(1), 9000, 0)
    queue.track(id(2), 4000, 0)
    queue.track(id(3), 5000, 0)
    expect(queue.expired(5999)).to.deep.equal([])
    expect(queue.expired(60_000)).to.deep.equal([id(2), id(3), id(1)])
    expect(queue.expired(60_000)).to.deep.equal([])
    expect(queue.touch(id(2), 60_001)).to.equal(false)
    expect(queue.size).to.equal(0)
    expect(queue.nextDeadline()).to.equal(undefined)
  })

  it('S9: gives every session its full timeout again after a restart', () => {
    const queue = new ExpiryQueue(TICK)
    for (let n = 0; n < 10; n += 1) queue.track(id(n), 4000, 0)
    queue.restart(50_000)
    expect(queue.expired(53_999)).to.deep.equal([])
    expect(queue.expired(56_000)).to.have.lengthOf(10)
  })

  const step = fc.record({
    what: fc.constantFrom('track', 'touch', 'touch', 'touch', 'remove', 'expire', 'expire'),
    n: fc.nat(5),
    timeout: fc.integer({ min: 1, max: 9000 }),
    pass: fc.integer({ min: 0, max: 3000 }),
  })
  it('S2, S3: never reports a session early, and always within one tick of its timeout', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 3000 }), (steps, tick) => {
        const queue = new ExpiryQueue(tick)
        const silent = new Map<SessionId, { since: number; timeout: number }>()
        let now = 12_345
        for (const { what, n, timeout, pass } of steps) {
          now += pass
          if (what === 'track') {
            queue.track(id(n), timeout, now)
            silent.set(id(n), { since: now, timeout })
          } else if (what === 'touch') {
            const known = silent.get(id(n))
            expect(queue.touch(id(n), now)).to.equal(known !== undefined)
            if (known) known.since = now
          } else if (what === 'remove') {
            expect(queue.remove(id(n))).to.equal(silent.delete(id(n)))
          } else {
            const reported = queue.expired(now)
            for (const session of reported) {
              const known = silent.get(session)
              expect(known, 'reported once').to.not.equal(undefined)
              expect(now - known!.since, 'S2: never early').to.be.at.least(known!.timeout)
              silent.delete(session)
            }
            for (const { since, timeout: allowed } of silent.values()) {
              expect(now - since, 'S3: not late').to.be.below(allowed + tick)
            }
          }
          expect(queue.size).to.equal(silent.size)
          const deadline = queue.nextDeadline()
          expect(deadline === undefined).to.equal(silent.size === 0)
          for (const { since, timeout: allowed } of silent.values()) {
            expect(deadline, 'wakes in time for the next one').to.be.at.most(since + allowed + tick)
          }
        }
      }),
    )
  })
})
