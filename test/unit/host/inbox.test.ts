import { expect } from 'chai'
import fc from 'fast-check'
import type { Input } from '../../../lib/core/input.js'
import { Inbox } from '../../../lib/host/inbox.js'
import type { ClientId } from '../../../lib/model/ids.js'

const tick: Input = { kind: 'tick' }
const left = (client: number): Input => ({ kind: 'clientDetached', client: client as ClientId })

describe('inbox', () => {
  it('hands inputs out in the order in which they came, however pushes and takes mix', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.constant('take'), fc.nat(9000)), { maxLength: 200 }), script => {
        const inbox = new Inbox()
        const model: number[] = []
        for (const action of script) {
          if (action === 'take') {
            const input = inbox.take()
            expect(input?.kind === 'clientDetached' ? input.client : undefined).to.equal(model.shift())
          } else {
            // In bursts, so that the compaction is passed too.
            for (let burst = 0; burst < (action as number) % 2000; burst++) {
              inbox.push(left(burst))
              model.push(burst)
            }
          }
          expect(inbox.length).to.equal(model.length)
        }
        while (model.length > 0) {
          const input = inbox.take()
          expect(input?.kind === 'clientDetached' && input.client).to.equal(model.shift())
        }
        expect(inbox.take()).to.equal(undefined)
      }),
      { numRuns: 30 },
    )
  })

  it('keeps one tick at most', () => {
    const inbox = new Inbox()
    inbox.push(tick)
    inbox.push(tick)
    expect(inbox.length).to.equal(1)
    inbox.take()
    inbox.push(tick)
    expect(inbox.length).to.equal(1)
  })

  it('R2: refuses what clients send past its capacity, and still takes completions', () => {
    const inbox = new Inbox(4)
    for (let n = 0; n < 4; n++) expect(inbox.offer(left(n))).to.equal(true)
    expect(inbox.offer(left(4))).to.equal(false)
    expect(inbox.congested).to.equal(true)
    inbox.push({ kind: 'checkpointDue' })
    expect(inbox.length).to.equal(5)
    inbox.take()
    inbox.take()
    inbox.take()
    inbox.take()
    expect(inbox.congested).to.equal(false)
  })
})
