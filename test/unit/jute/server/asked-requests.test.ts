import { expect } from 'chai'
import { OpCode } from '../../../../lib/jute/op-codes.js'
import { AskedRequests } from '../../../../lib/jute/server/asked-requests.js'
import { LargeRequests } from '../../../../lib/jute/server/large-requests.js'
import { RequestThrottle } from '../../../../lib/jute/server/request-throttle.js'
import { SharedLimits } from '../../../../lib/jute/server/shared-limits.js'
import { Traffic } from '../../../../lib/jute/server/traffic.js'
import type { WireRequest } from '../../../../lib/jute/server/wire-request.js'
import { UNKNOWN } from '../../../../lib/jute/translate.js'
import type { ClientRequest } from '../../../../lib/model/request.js'
import { VirtualClock } from '../../../helpers/virtual-clock.js'

const nothing = (): void => {}
const request = (opCode: number, kind: ClientRequest['kind'], last = false): WireRequest => ({
  xid: opCode,
  opCode,
  translated: { request: { kind } as ClientRequest, last, answer: nothing },
})
const write = request(OpCode.setData, 'setData')
const read = request(OpCode.getData, 'getData')
const ping = request(OpCode.ping, 'ping')
const close = request(OpCode.closeSession, 'closeSession', true)
const unknown: WireRequest = { xid: 1, opCode: 999, translated: UNKNOWN }

describe('what a connection has asked', () => {
  let clock: VirtualClock
  let sent: string[]
  let gaveUp: number
  let shared: SharedLimits
  let throttle: RequestThrottle
  let large: LargeRequests
  let traffic: Traffic

  beforeEach(() => {
    clock = new VirtualClock()
    sent = []
    traffic = new Traffic()
    gaveUp = 0
    shared = new SharedLimits({ outstandingMax: 100, partialBytesMax: 1 })
    throttle = new RequestThrottle(
      { requestThrottleMax: 1, requestThrottleStallMs: 100, requestThrottleDropLate: true },
      clock,
    )
    large = new LargeRequests({ largeRequestBytes: 10, largeRequestBytesMax: 100 })
  })

  function connection(name: string): AskedRequests {
    const ports = { limits: { throttledOpWaitMs: 50 }, shared, throttle, large, clock, traffic }
    return new AskedRequests(ports, {
      timeoutMs: 1000,
      send: (cxid, { kind }) => void sent.push(`${name} ${cxid} ${kind}`),
      giveUp: () => void gaveUp++,
    })
  }

  it('takes its turn, and tells once that it is over', () => {
    const asked = connection('a')
    asked.add(write, 20)
    asked.add(read, 5)
    expect([sent, asked.count, shared.outstanding, large.bytes]).to.deep.equal([['a 1 setData'], 2, 2, 20])
    asked.over(asked.take(1))
    expect([sent.at(-1), asked.count, shared.outstanding, large.bytes]).to.deep.equal(['a 2 getData', 1, 1, 0])
    expect(() => asked.take(1)).to.throw('order')
  })

  it('that has waited too long keeps its place and has no effect: THROTTLED_OP', async () => {
    const asked = connection('a')
    for (const each of [write, write, ping, unknown, close]) asked.add(each, 1)
    await clock.advance(51)
    const refusals = [1, 2, 3, 4, 5].map(cxid => {
      const { refusal } = asked.first!.translated
      asked.over(asked.take(cxid))
      return refusal
    })
    expect(refusals).to.deep.equal([undefined, 'THROTTLED_OP', undefined, 'UNIMPLEMENTED', undefined])
    expect(traffic.throttledOps).to.equal(1)
    expect(sent).to.deep.equal(['a 1 setData', 'a 2 ping', 'a 3 ping', 'a 4 ping', 'a 5 closeSession'])
  })

  it('costs its connection when it is late', async () => {
    const asked = connection('a')
    asked.add(write, 1)
    asked.add(write, 1)
    await clock.advance(1100)
    expect([gaveUp, traffic.dropped]).to.deep.equal([1, 1])
  })

  it('is forgotten with its connection, and makes room for others; a new session too', () => {
    const [gone, opening, other] = [connection('a'), connection('b'), connection('c')]
    gone.open(() => void sent.push('a opened'))
    opening.open(() => void sent.push('b opened'))
    other.add(read, 50)
    expect(sent).to.deep.equal(['a opened'])
    opening.clear()
    gone.clear()
    expect(sent).to.deep.equal(['a opened', 'c 1 getData'])
    other.clear()
    expect([shared.outstanding, large.bytes, throttle.waiting]).to.deep.equal([0, 0, 0])
  })

  it('is, of a connection that has gone, the end of its session, unless something before it was forgotten', () => {
    const [busy, ends, breaks] = [connection('a'), connection('b'), connection('c')]
    busy.add(read, 1)
    ends.add(close, 1)
    breaks.add(write, 1)
    breaks.add(close, 1)
    expect([breaks.clear(), ends.clear()]).to.deep.equal([false, true])
    busy.over(busy.take(1))
    busy.add(read, 1)
    expect(sent).to.deep.equal(['a 1 getData', 'b 1 closeSession', 'a 2 getData'])
  })
})
