import { expect } from 'chai'
import fc from 'fast-check'
import { ExpiryQueue } from '../../../../lib/core/session/expiry-queue.js'
import type { SessionId } from '../../../../lib/model/ids.js'

const id = (n: number) => n.toString(16).padStart(16, '0') as SessionId
const TICK = 2000

/** Asks once a tick, as a leader does; nothing may expire. */
function attend(queue: ExpiryQueue, from: number, to: number): void {
  for (let at = from; at < to; at += TICK) expect(queue.expired(at)).to.deep.equal([])
}

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
    attend(queue, 0, 5999)
    expect(queue.expired(5999)).to.deep.equal([])
    expect(queue.expired(6000)).to.deep.equal([id(2), id(3)])
    expect(queue.expired(6000)).to.deep.equal([])
    expect(queue.touch(id(2), 6001)).to.equal(false)
    queue.track(id(4), 1, 6001)
    expect(queue.expired(60_000), 'the leader was away').to.deep.equal([])
    expect(queue.expired(62_000)).to.deep.equal([id(4), id(1)])
    expect(queue.size).to.equal(0)
    expect(queue.nextDeadline()).to.equal(undefined)
  })

  it('S2: expires nobody for one tick after the leader itself was away, so that touches which came meanwhile are heard', () => {
    const queue = new ExpiryQueue(TICK)
    queue.track(id(1), 4000, 0)
    queue.track(id(2), 4000, 0)
    attend(queue, 0, 2001)
    expect(queue.expired(9000)).to.deep.equal([])
    expect(queue.nextDeadline()).to.equal(11_000)
    expect(queue.touch(id(1), 9000)).to.equal(true)
    expect(queue.expired(10_999)).to.deep.equal([])
    expect(queue.expired(11_000)).to.deep.equal([id(2)])
    expect(queue.nextDeadline()).to.equal(14_000)
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
        let asked: number | undefined
        let patientUntil = 0
        for (const { what, n, timeout, pass } of steps) {
          now += pass
          if (what === 'track') {
            queue.track(id(n), timeout, now)
            silent.set(id(n), { since: now, timeout })
            asked ??= now
          } else if (what === 'touch') {
            const known = silent.get(id(n))
            expect(queue.touch(id(n), now)).to.equal(known !== undefined)
            if (known) known.since = now
          } else if (what === 'remove') {
            expect(queue.remove(id(n))).to.equal(silent.delete(id(n)))
          } else {
            const reported = queue.expired(now)
            if (now - (asked ?? now) > tick) patientUntil = now + tick
            asked = now
            if (now < patientUntil) expect(reported).to.deep.equal([])
            for (const session of reported) {
              const known = silent.get(session)
              expect(known, 'reported once').to.not.equal(undefined)
              expect(now - known!.since, 'S2: never early').to.be.at.least(known!.timeout)
              silent.delete(session)
            }
            for (const { since, timeout: allowed } of silent.values()) {
              if (now >= patientUntil) expect(now - since, 'S3: not late').to.be.below(allowed + tick)
            }
          }
          expect(queue.size).to.equal(silent.size)
          const deadline = queue.nextDeadline()
          expect(deadline === undefined).to.equal(silent.size === 0)
          for (const { since, timeout: allowed } of silent.values()) {
            expect(deadline, 'wakes in time for the next one').to.be.at.most(
              Math.max(since + allowed + tick, patientUntil),
            )
          }
        }
      }),
    )
  })
})
