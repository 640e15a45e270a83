import { expect } from 'chai'
import fc from 'fast-check'
import { type Abandon, PendingCalls } from '../../../lib/client/pending-calls.js'
import type { ZooKeeperError } from '../../../lib/model/errors.js'
import { DONE } from '../../../lib/model/response.js'
import { ZERO } from '../../../lib/model/zxid.js'

describe('pending calls', () => {
  it('C2: sends in order, settles each call exactly once, and forgets everything in the end', () => {
    const actions = fc.array(fc.constantFrom('add', 'send', 'answer', 'fail', 'abandon', 'lost'), {
      minLength: 5,
      maxLength: 60,
      size: 'max',
    })
    fc.assert(
      fc.property(actions, fc.nat(), (steps, salt) => {
        const pending = new PendingCalls({ calls: 1000, bytes: 1000, inFlight: 3 })
        const settled: string[][] = []
        const abandons: Abandon[] = []
        const wire: Array<[number, number]> = []
        const sentInOrder: number[] = []
        let mostOnTheWay = 0
        steps.forEach((step, i) => {
          if (step === 'add') {
            const number = settled.length
            const ends: string[] = []
            settled.push(ends)
            const failed = ({ code, outcome }: ZooKeeperError): unknown => ends.push(`${code} ${outcome}`)
            const request = { kind: 'getData', path: `/${number}`, watch: false } as const
            abandons.push(pending.add({ request, answered: () => ends.push('answer'), failed }))
          } else if (step === 'send') {
            pending.sendWaiting((cxid, request) => {
              const number = Number((request as { path: string }).path.slice(1))
              wire.push([cxid, number])
              sentInOrder.push(number)
            })
            mostOnTheWay = Math.max(mostOnTheWay, wire.length)
          } else if (step === 'answer') {
            const next = wire.shift()
            if (next !== undefined) pending.answered(next[0], { zxid: ZERO, response: DONE })
          } else if (step === 'fail') {
            const next = wire.shift()
            if (next !== undefined) pending.failed(next[0], 'OVERLOADED', 'not-applied')
          } else if (step === 'abandon') {
            abandons[(salt + i) % Math.max(1, abandons.length)]?.('ABORTED', 'no more')
          } else {
            pending.lost('CONNECTION_LOSS', 'gone')
            pending.restart()
            wire.length = 0
          }
        })
        expect(mostOnTheWay).to.be.at.most(3)
        expect(sentInOrder).to.deep.equal([...sentInOrder].sort((a, b) => a - b))
        pending.end('CLOSED', 'closed')
        for (const ends of settled) expect(ends.length).to.equal(1)
        expect(pending.count).to.equal(0)
      }),
      { numRuns: 500 },
    )
  })
  it('tells not-applied for what was never sent, unknown for what was', () => {
    const pending = new PendingCalls({ calls: 10, bytes: 10, inFlight: 10 })
    const ends: string[] = []
    const failed = ({ code, outcome }: ZooKeeperError): unknown => ends.push(`${code} ${outcome}`)
    const call = { request: { kind: 'sync', path: '/' }, answered: () => undefined, failed } as const
    pending.add(call)
    pending.sendWaiting(() => undefined)
    pending.add(call)
    pending.end('SESSION_EXPIRED', 'expired')
    expect(ends).to.deep.equal(['SESSION_EXPIRED unknown', 'SESSION_EXPIRED not-applied'])
  })
  it('R2: counts abandoned calls until their answer came, and the data of a multi', () => {
    const pending = new PendingCalls({ calls: 2, bytes: 10, inFlight: 2 })
    const call = { answered: () => undefined, failed: () => undefined }
    const set = { kind: 'setData', path: '/a', data: new Uint8Array(6), version: -1 } as const
    const abandon = pending.add({ ...call, request: set })
    pending.sendWaiting(() => undefined)
    abandon('ABORTED', 'no more')
    const multi = { kind: 'multi', steps: [set] } as const
    expect(() => pending.add({ ...call, request: multi }))
      .to.throw()
      .with.property('code', 'OVERLOADED')
    pending.answered(1, { zxid: ZERO, response: DONE })
    pending.add({ ...call, request: multi })('ABORTED', 'no more')
    pending.add({ ...call, request: multi })
  })
})
