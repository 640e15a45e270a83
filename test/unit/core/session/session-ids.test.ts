import { expect } from 'chai'
import fc from 'fast-check'
import { SessionIds } from '../../../../lib/core/session/session-ids.js'
import { isSessionId, MAX_PEER_ID, type PeerId } from '../../../../lib/model/ids.js'

const fixed = (value: number) => ({ uint32: () => value, bytes: (length: number) => new Uint8Array(length) })
const free = () => false
const WALL = 1_750_000_000_000

describe('session ids', () => {
  it('S1: carry the peer in the top byte, then the clock, and count up', () => {
    const ids = new SessionIds(0xfe as PeerId, WALL, fixed(5))
    const first = ids.next(free)
    expect(isSessionId(first)).to.equal(true)
    const steps = ((BigInt(WALL) & 0xff_ffff_ffffn) >> 8n) << 24n
    expect(BigInt(`0x${first}`)).to.equal((0xfen << 56n) + steps + 5n)
    expect(BigInt(`0x${ids.next(free)}`)).to.equal(BigInt(`0x${first}`) + 1n)
  })

  it('S1: never meet those of another peer or of an earlier life, while the clock goes forward', () => {
    const life = fc.record({
      peer: fc.integer({ min: 1, max: MAX_PEER_ID }),
      after: fc.integer({ min: 256, max: 100_000 }),
      random: fc.nat(0xffffffff),
      made: fc.integer({ min: 1, max: 40 }),
    })
    fc.assert(
      fc.property(fc.array(life, { maxLength: 20 }), lives => {
        const all = new Set<string>()
        let made = 0
        let wall = WALL
        for (const { peer, after, random, made: count } of lives) {
          wall += after
          const ids = new SessionIds(peer as PeerId, wall, fixed(random))
          for (let i = 0; i < count; i += 1) all.add(ids.next(free))
          made += count
        }
        expect(all.size).to.equal(made)
      }),
    )
  })

  it('S1: of equal clocks on different peers differ, even with equal random numbers', () => {
    const a = new SessionIds(1 as PeerId, WALL, fixed(0))
    const b = new SessionIds(2 as PeerId, WALL, fixed(0))
    const seen = new Set([a.next(free), b.next(free), a.next(free), b.next(free)])
    expect(seen.size).to.equal(4)
  })

  it('S1: of two lives at the same instant differ by the random part', () => {
    const a = new SessionIds(1 as PeerId, WALL, fixed(1000))
    const b = new SessionIds(1 as PeerId, WALL, fixed(77))
    expect(a.next(free)).to.not.equal(b.next(free))
  })

  it('S1: pass over every session that lives, also when the clock stepped back onto it', () => {
    const before = new SessionIds(1 as PeerId, WALL, fixed(9))
    const live = new Set<string>()
    for (let i = 0; i < 100; i += 1) live.add(before.next(free))
    const again = new SessionIds(1 as PeerId, WALL, fixed(9))
    expect(live.has(again.next(session => live.has(session)))).to.equal(false)
  })

  it('S1: begin in the lower half of their step of the clock, so that 2^23 sessions fit before the next step', () => {
    expect(new SessionIds(1 as PeerId, 0, fixed(0xffffffff)).next(free)).to.equal('01000000007fffff')
  })

  it('carry from the counter upwards', () => {
    const ids = new SessionIds(1 as PeerId, 0, fixed(0xffff))
    expect(ids.next(free)).to.equal('010000000000ffff')
    expect(ids.next(free)).to.equal('0100000000010000')
  })

  it('stay within the peer when the 56 bits come round', () => {
    const ids = new SessionIds(1 as PeerId, (2 ** 32 - 1) * 256, fixed(0x7fffff))
    let taken = 0
    expect(ids.next(() => taken++ < 2 ** 23)).to.equal('01ffffffffffffff')
    expect(ids.next(free)).to.equal('0100000000000000')
    // It counts to eight million, on a machine that may have much else to do.
  }).timeout(120_000)

  it('are never zero and never the mark of containers', () => {
    expect(new SessionIds(128 as PeerId, 0, fixed(0)).next(free)).to.equal('8000000000000001')
    expect(new SessionIds(1 as PeerId, 0, fixed(0)).next(free)).to.equal('0100000000000000')
  })
})
