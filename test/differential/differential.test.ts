import { expect } from 'chai'
import { Correspondence, difference } from './compare.js'
import { type Court, described, judge } from './judge.js'
import { Ours } from './ours.js'
import { absence, Reference } from './reference.js'
import { sequenceOf } from './sequence.js'
import type { Heard } from './side.js'

describe("ZooKeeper's own judgement", function () {
  this.timeout(120_000)
  let reference: Reference | undefined
  let ours: Ours | undefined
  let court: Court

  before(async function () {
    const why = absence()
    if (why !== undefined) {
      console.log(`      skipped: ${why}`)
      this.skip()
    }
    ;[reference, ours] = await Promise.all([Reference.start(), Ours.start()])
    court = { reference: [reference.port], ours: ours.ports }
  })
  after(async () => {
    await Promise.all([reference?.stop(), ours?.stop()])
  })

  for (let seed = 1; seed <= 6; seed++) {
    it(`finds no difference between Apache ZooKeeper and three peers: seed ${seed}`, async () => {
      const verdict = await judge(court, seed, 100)
      expect(verdict && described(verdict, seed)).to.equal(undefined)
    })
  }
})

describe('the comparison of two servers', () => {
  const zxid = (counter: number) => ({ epoch: 0, counter })
  const asked = { op: 'ping' } as const
  const answer = (counter: number, err = 0): Heard => ({
    kind: 'answer',
    asked,
    zxid: zxid(counter),
    err,
    body: { time: 1 },
  })
  const step = { kind: 'batch', session: 0, asked: [asked] } as const

  it('sees another error, another number of answers, another order of events and answers', () => {
    const event: Heard = { kind: 'event', type: 1, state: 3, path: '/a', zxid: zxid(1) }
    for (const [theirs, ours] of [
      [[answer(1)], [answer(1, -101)]],
      [[answer(1)], [answer(1), answer(1)]],
      [
        [event, answer(1)],
        [answer(1), event],
      ],
      [[event], [{ ...event, path: '/b' }]],
    ] as const) {
      expect(difference(step, [theirs], [ours], new Correspondence())).to.be.a('string')
      expect(difference(step, [theirs], [theirs], new Correspondence())).to.equal(undefined)
    }
  })

  it('lets zxids differ as long as they correspond, one to one and in order', () => {
    const known = new Correspondence()
    expect(known.zxids(zxid(5), zxid(105))).to.equal(true)
    expect(known.zxids(zxid(9), zxid(107))).to.equal(true)
    expect(known.zxids(zxid(5), zxid(105))).to.equal(true)
    // Another one for the same; the same for another; out of order.
    expect(known.zxids(zxid(5), zxid(106))).to.equal(false)
    expect(known.zxids(zxid(6), zxid(105))).to.equal(false)
    expect(known.zxids(zxid(7), zxid(108))).to.equal(false)
    expect(known.zxids(zxid(7), zxid(106))).to.equal(true)
    expect(known.zxids(zxid(0), zxid(1))).to.equal(false)
  })

  it('makes the same sequence of the same seed', () => {
    expect(sequenceOf(7, 100, '/r')).to.deep.equal(sequenceOf(7, 100, '/r'))
  })
})
