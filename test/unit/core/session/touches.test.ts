import { expect } from 'chai'
import fc from 'fast-check'
import { LocalLeases } from '../../../../lib/core/session/local-leases.js'
import { Touches } from '../../../../lib/core/session/touches.js'
import type { SessionId } from '../../../../lib/model/ids.js'

const id = (n: number) => n.toString(16).padStart(16, '0') as SessionId

describe('touches', () => {
  it('tells each session once per pong', () => {
    const touches = new Touches()
    touches.touch(id(2))
    touches.touch(id(1))
    touches.touch(id(2))
    touches.touch(id(3))
    touches.forget(id(3))
    expect(touches.size).to.equal(2)
    expect(touches.take()).to.deep.equal([id(2), id(1)])
    expect(touches.take()).to.deep.equal([])
  })
})

describe('local leases', () => {
  it('end one timeout after the confirmed touch was sent, not after it was confirmed', () => {
    const leases = new LocalLeases()
    leases.hold(id(1), 4000, 0)
    leases.sent(1, [id(1)], 1000)
    leases.sent(2, [id(1)], 2000)
    expect(leases.nextDeadline()).to.equal(4000)
    leases.confirmed(1)
    expect(leases.nextDeadline()).to.equal(5000)
    expect(leases.lost(4999)).to.deep.equal([])
    expect(leases.lost(5000)).to.deep.equal([id(1)])
    expect(leases.lost(9000)).to.deep.equal([])
    leases.confirmed(2)
    expect(leases.size).to.equal(0)
  })

  it('are not prolonged by what a leader of an earlier link would have confirmed', () => {
    const leases = new LocalLeases()
    leases.hold(id(1), 4000, 0)
    leases.sent(1, [id(1)], 3000)
    leases.unlinked()
    leases.confirmed(1)
    expect(leases.nextDeadline()).to.equal(4000)
  })

  it('count the first of two pongs with the same number', () => {
    const leases = new LocalLeases()
    leases.hold(id(1), 4000, 0)
    leases.sent(1, [], 1000)
    leases.sent(1, [id(1)], 3000)
    leases.confirmed(1)
    expect(leases.nextDeadline()).to.equal(4000)
  })

  it('are confirmed with every pong before the confirmed one', () => {
    const leases = new LocalLeases()
    leases.hold(id(1), 4000, 0)
    leases.hold(id(2), 4000, 0)
    leases.sent(1, [id(1)], 1000)
    leases.sent(2, [id(2)], 2000)
    leases.confirmed(2)
    expect(leases.lost(4999)).to.deep.equal([])
    expect(leases.lost(5999)).to.deep.equal([id(1)])
  })

  it('do not move back when a touch from before the session was taken up again is confirmed', () => {
    const leases = new LocalLeases()
    leases.hold(id(1), 4000, 0)
    leases.sent(1, [id(1)], 1000)
    leases.hold(id(1), 4000, 2000)
    leases.confirmed(1)
    expect(leases.nextDeadline()).to.equal(6000)
  })

  it('are renewed at once on the leader', () => {
    const leases = new LocalLeases()
    leases.hold(id(1), 4000, 0)
    expect(leases.renew(id(1), 500)).to.equal(true)
    expect(leases.renew(id(2), 500)).to.equal(false)
    expect(leases.nextDeadline()).to.equal(4500)
  })

  it('are told in order of deadline', () => {
    const leases = new LocalLeases()
    leases.hold(id(1), 9000, 0)
    leases.hold(id(2), 5000, 0)
    expect(leases.lost(10_000)).to.deep.equal([id(2), id(1)])
  })

  it('agree with a plain account of who was confirmed when', () => {
    const step = fc.record({
      what: fc.constantFrom('hold', 'release', 'sent', 'sent', 'confirmed', 'confirmed', 'unlinked', 'lost'),
      n: fc.nat(3),
      timeout: fc.integer({ min: 1, max: 4000 }),
      pass: fc.nat(900),
      skip: fc.nat(2),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), steps => {
        const leases = new LocalLeases()
        const from = new Map<SessionId, { at: number; timeout: number }>()
        let pending: { number: number; at: number; sessions: SessionId[] }[] = []
        let now = 0
        let pong = 0
        for (const { what, n, timeout, pass, skip } of steps) {
          now += pass
          if (what === 'hold') {
            leases.hold(id(n), timeout, now)
            from.set(id(n), { at: now, timeout })
          } else if (what === 'release') {
            expect(leases.release(id(n))).to.equal(from.delete(id(n)))
          } else if (what === 'sent') {
            pong += 1
            const sessions = [...from.keys()].slice(skip)
            leases.sent(pong, sessions, now)
            pending.push({ number: pong, at: now, sessions })
            pending = pending.slice(-32)
          } else if (what === 'confirmed') {
            const upTo = pong - skip
            leases.confirmed(upTo)
            for (const sent of pending.filter(entry => entry.number <= upTo)) {
              for (const session of sent.sessions) {
                const entry = from.get(session)
                if (entry) entry.at = Math.max(entry.at, sent.at)
              }
            }
            pending = pending.filter(entry => entry.number > upTo)
          } else if (what === 'unlinked') {
            leases.unlinked()
            pending = []
            pong = 0
          } else {
            const lost = [...from].filter(([, entry]) => entry.at + entry.timeout <= now).map(([session]) => session)
            expect(leases.lost(now)).to.have.members(lost)
            for (const session of lost) from.delete(session)
          }
          const deadlines = [...from.values()].map(entry => entry.at + entry.timeout)
          expect(leases.nextDeadline()).to.equal(deadlines.length === 0 ? undefined : Math.min(...deadlines))
        }
      }),
      { numRuns: 500 },
    )
  })
})
