import { expect } from 'chai'
import fc from 'fast-check'
import { contentState } from '../../../lib/core/tree/digest.js'
import { bytesOfData, DATA_AS_STRING_MAX, keepData } from '../../../lib/model/znode-data.js'

const bytes = fc.uint8Array({ maxLength: DATA_AS_STRING_MAX + 20 }).map(array => Uint8Array.from(array))

describe('data of a znode in memory', () => {
  it('are the bytes that they were, short and long', () => {
    fc.assert(
      fc.property(bytes, value => {
        const kept = keepData(value)
        expect(typeof kept === 'string').to.equal(value.length <= DATA_AS_STRING_MAX)
        expect(kept).to.have.lengthOf(value.length)
        expect(bytesOfData(kept)).to.deep.equal(value)
        expect(keepData(kept)).to.equal(kept)
      }),
    )
    expect(bytesOfData(keepData(null))).to.equal(null)
  })

  it('have the same checksum in both forms', () => {
    fc.assert(
      fc.property(bytes, value => {
        expect(contentState('/a', keepData(value))).to.equal(contentState('/a', value))
      }),
    )
  })

  it('come out in arrays that do not overlap', () => {
    const values = Array.from({ length: 300 }, (_, n) => new Uint8Array(1 + (n % 200)).fill(n))
    const read = values.map(value => bytesOfData(keepData(value)))
    expect(read).to.deep.equal(values)
  })
})
