import { expect } from 'chai'
import { JuteWriter } from '../../../lib/jute/writer.js'

describe('jute writer', () => {
  const frame = (writer: JuteWriter, bytes: number): Uint8Array => {
    writer.begin()
    writer.buffer(new Uint8Array(bytes).fill(1))
    writer.end()
    return writer.take()
  }

  it('puts small frames into one block, and never writes again what it has handed out', () => {
    const writer = new JuteWriter()
    const [first, second] = [frame(writer, 10), frame(writer, 20)]
    expect(first.buffer).to.equal(second.buffer)
    expect([first.length, second.length]).to.deep.equal([18, 28])
    expect([...first]).to.deep.equal([0, 0, 0, 14, 0, 0, 0, 10, ...new Uint8Array(10).fill(1)])
  })

  it('keeps nothing of a large one', () => {
    const writer = new JuteWriter()
    const [large, small] = [frame(writer, 1_000_000), frame(writer, 10)]
    expect(large.length).to.equal(1_000_008)
    expect(small.buffer).not.to.equal(large.buffer)
    expect(small.buffer.byteLength).to.be.lessThan(5000)
  })
})
