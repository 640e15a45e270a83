import { expect } from 'chai'
import fc from 'fast-check'
import { crc32 } from '../../../lib/codec/checksum.js'

/** Bit by bit, straight from the definition. */
function reference(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  }
  return (crc ^ 0xffffffff) >>> 0
}

describe('crc32', () => {
  it('is the one of the standard', () => {
    expect(crc32(Buffer.from('123456789'))).to.equal(0xcbf43926)
    expect(crc32(new Uint8Array(0))).to.equal(0)
  })

  it('is the same by table and by native code, of any part', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), fc.nat(600), fc.nat(600), (bytes, a, b) => {
        const [start, end] = [Math.min(a, b, bytes.length), Math.min(Math.max(a, b), bytes.length)]
        expect(crc32(bytes, start, end)).to.equal(reference(bytes.subarray(start, end)))
      }),
    )
  })

  it('goes on from a seed', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), fc.nat(600), (bytes, cut) => {
        const middle = Math.min(cut, bytes.length)
        expect(crc32(bytes, middle, bytes.length, crc32(bytes, 0, middle))).to.equal(crc32(bytes))
      }),
    )
  })
})
