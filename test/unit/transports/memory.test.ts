import { expect } from 'chai'
import { hasCode } from '../../../lib/model/errors.js'
import { memory, memoryNetwork } from '../../../transports/memory/index.js'
import { Recorder, transportCompliance } from '../../compliance/transport.js'

transportCompliance('memory', () => {
  const network = memoryNetwork()
  let count = 0
  return {
    create: () => memory({ network, name: `peer-${++count}` }),
    createAt: taken => memory({ network, name: taken.address.slice('memory://'.length) }),
    nobody: () => 'memory://nobody',
  }
})

describe('memory transport', () => {
  it('copies at once: a sender may change its bytes in the same turn', async () => {
    const network = memoryNetwork()
    const one = memory({ network, name: 'one' })
    const two = memory({ network, name: 'two' })
    const arrived = new Promise<Recorder>(resolve => one.listen(connection => resolve(new Recorder(connection))))
    const near = await two.dial('memory://one', { signal: new AbortController().signal })
    new Recorder(near)
    const bytes = Buffer.from('as it was')
    near.send([bytes])
    bytes.fill(0)
    const far = await arrived
    await far.until(() => far.frames.length === 1)
    expect(far.texts()).to.deep.equal(['as it was'])
    await Promise.all([one.close(), two.close()])
  })

  it('does not cross networks', async () => {
    const one = memory({ network: memoryNetwork(), name: 'one' })
    await one.listen(() => undefined)
    const elsewhere = memory({ network: memoryNetwork(), name: 'two' })
    const error: unknown = await elsewhere.dial('memory://one', { signal: new AbortController().signal }).catch(e => e)
    expect(hasCode(error, 'TRANSPORT_FAILED')).to.equal(true)
    await Promise.all([one.close(), elsewhere.close()])
  })

  it('complains about all options at once', () => {
    try {
      memory({ name: '', nmae: 'x' } as never)
      expect.fail('accepted')
    } catch (error) {
      expect(hasCode(error, 'BAD_OPTIONS')).to.equal(true)
      expect((error as Error).message).to.match(/nmae.*network.*name/)
    }
  })
})
