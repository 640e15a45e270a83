import { expect } from 'chai'
import { RequestThrottle, type Throttled, type ThrottleLimits } from '../../../../lib/jute/server/request-throttle.js'
import { VirtualClock } from '../../../helpers/virtual-clock.js'

describe('the request throttle', () => {
  let clock: VirtualClock
  let throttle: RequestThrottle
  let told: string[]

  function throttled(limits: Partial<ThrottleLimits> = {}): void {
    clock = new VirtualClock()
    told = []
    const usual = { requestThrottleMax: 1, requestThrottleStallMs: 100, requestThrottleDropLate: false }
    throttle = new RequestThrottle({ ...usual, ...limits }, clock)
  }
  function request(name: string, lateAfterMs = Number.POSITIVE_INFINITY): Throttled {
    return {
      since: clock.now(),
      lateAfterMs,
      pass: waitedMs => void told.push(`${name} ${waitedMs}`),
      drop: () => void told.push(`${name} dropped`),
    }
  }

  it('is off by default: nothing waits', () => {
    throttled({ requestThrottleMax: 0 })
    for (const name of ['a', 'b', 'c']) throttle.submit(request(name))
    throttle.over()
    expect(told).to.deep.equal(['a 0', 'b 0', 'c 0'])
  })

  it('passes on as many as may be in process, the others in their order as soon as one is over', async () => {
    throttled({ requestThrottleMax: 2 })
    for (const name of ['a', 'b', 'c', 'd']) throttle.submit(request(name))
    expect(told).to.deep.equal(['a 0', 'b 0'])
    await clock.advance(30)
    throttle.over()
    expect(told.slice(2)).to.deep.equal(['c 30'])
    throttle.over(2)
    throttle.submit(request('e'))
    expect(told.slice(3)).to.deep.equal(['d 30', 'e 0'])
    expect(throttle.waiting).to.equal(0)
  })

  it('takes care of what is over, or comes, while it passes on', () => {
    throttled()
    throttle.submit({ ...request('a'), pass: () => throttle.submit(request('b')) })
    throttle.submit({ ...request('c'), pass: () => throttle.over() })
    throttle.over()
    throttle.over()
    expect(told).to.deep.equal(['b 0'])
    expect(throttle.waiting).to.equal(0)
  })

  it('drops what is late, at the latest one stall time afterwards, and only where that is asked for', async () => {
    for (const requestThrottleDropLate of [false, true]) {
      throttled({ requestThrottleDropLate })
      for (const [name, late] of [['a'], ['b', 250], ['c']] as const) throttle.submit(request(name, late))
      await clock.advance(250)
      expect(told).to.deep.equal(['a 0'])
      await clock.advance(100)
      expect(told.includes('b dropped')).to.equal(requestThrottleDropLate)
      throttle.over()
      expect(told.at(-1)).to.equal(requestThrottleDropLate ? 'c 350' : 'b 350')
      throttle.close()
      expect(clock.pending).to.equal(0)
    }
  })

  it('forgets what belonged to a connection that has gone, but for the end of a session, which counts for nothing', () => {
    throttled()
    const [forgotten, end] = [request('forgotten'), request('end')]
    for (const each of [request('a'), forgotten, end, request('b')]) throttle.submit(each)
    throttle.forget(forgotten)
    expect(throttle.outlive(end)).to.equal(true)
    throttle.over()
    expect(told).to.deep.equal(['a 0', 'end 0', 'b 0'])
  })

  it('lets no more than a thousand of those wait (R2)', () => {
    throttled()
    throttle.submit(request('a'))
    const kept = Array.from({ length: 1001 }, () => {
      const end = request('end')
      throttle.submit(end)
      return throttle.outlive(end)
    })
    expect(kept.filter(Boolean).length).to.equal(1000)
  })
})
