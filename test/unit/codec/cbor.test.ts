import { expect } from 'chai'
import fc from 'fast-check'
import { decodeCborValue, encodeCborValue } from '../../../lib/codec/cbor.js'
import { scanCbor } from '../../../lib/codec/cbor-scan.js'
import { ZooKeeperError } from '../../../lib/model/errors.js'

const refuses = (act: () => unknown) => expect(act).to.throw(ZooKeeperError).with.property('code', 'CODEC_ERROR')
const hex = (digits: string) => Uint8Array.from(Buffer.from(digits, 'hex'))

/** Plain values, without what CBOR has no word for: −0, and keys that an object cannot hold. */
const plain = fc.letrec<{ value: unknown }>(tie => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, undefined, true, false, 2 ** 53, -(2 ** 53), 4294967295, -4294967296, 1.5, Infinity, NaN),
    fc.integer(),
    fc.double().filter(value => !Object.is(value, -0)),
    fc.bigInt({ min: -(2n ** 64n) + 1n, max: 2n ** 64n - 1n }),
    fc.string({ unit: 'binary' }),
    fc.uint8Array({ maxLength: 30 }).map(bytes => Buffer.from(bytes)),
    fc.array(tie('value'), { maxLength: 5 }),
    fc.dictionary(
      fc.string({ unit: 'grapheme', maxLength: 8 }).filter(key => key !== '__proto__'),
      tie('value'),
      { maxKeys: 5, noNullPrototype: true },
    ),
  ),
})).value

describe('cbor value codec', () => {
  it('R5: gives back plain values as they were', () => {
    fc.assert(
      fc.property(plain, value => {
        let bytes: Uint8Array
        try {
          bytes = encodeCborValue(value)
        } catch (error) {
          // The most negative bigints are the only ones that need more than 64 bits.
          expect(String(error)).to.match(/a tag/)
          return
        }
        expect(decodeCborValue(bytes)).to.deep.equal(value)
      }),
      { numRuns: 500 },
    )
  })

  it('answers bytes that are nobody else’s', () => {
    const first = encodeCborValue({ a: 'x'.repeat(100) })
    const kept = Uint8Array.from(first)
    for (let i = 0; i < 1000; i++) encodeCborValue({ b: 'y'.repeat(100) })
    expect(first).to.deep.equal(kept)
    expect(first.byteLength).to.equal(first.buffer.byteLength)
  })

  it('keeps no view onto its input', () => {
    const input = encodeCborValue({ a: Buffer.from('abc') })
    const value = decodeCborValue(input)
    input.fill(0)
    expect(value).to.deep.equal({ a: Buffer.from('abc') })
  })

  const cycle: unknown[] = []
  cycle.push(cycle)
  const unencodable: [string, unknown][] = [
    ['a Date', new Date(0)],
    ['a Map', new Map([[1, 2]])],
    ['a Set', new Set([1])],
    ['a regular expression', /a/],
    ['an Error', new Error('x')],
    ['a function', () => 1],
    ['a symbol', Symbol('x')],
    ['a typed array', new Float32Array(2)],
    ['a bigint beyond 64 bits', 2n ** 64n],
    ['a lone surrogate', '\ud800'],
    ['a lone surrogate in a key', { '\udfff': 1 }],
    ['a key __proto__', JSON.parse('{"__proto__":1}')],
    ['a cycle', cycle],
    ['nesting over 64 deep', Array.from({ length: 65 }).reduce<unknown>(inner => [inner], 1)],
  ]
  for (const [what, value] of unencodable) {
    it(`refuses to encode ${what}, and goes on working`, () => {
      refuses(() => encodeCborValue(value))
      expect(decodeCborValue(encodeCborValue({ a: [1] }))).to.deep.equal({ a: [1] })
    })
  }

  const hostile: [string, string][] = [
    ['nothing', ''],
    ['two values', '0102'],
    ['an array cut short', '8201'],
    ['a text cut short', '6261'],
    ['an argument cut short', '19ff'],
    ['a count above the bytes that remain', '9affffffff'],
    ['a 64-bit count', '9bffffffffffffffff'],
    ['a map count above the bytes that remain', 'bb8000000000000000'],
    ['an indefinite array', '9f01ff'],
    ['an indefinite map', 'bf616101ff'],
    ['an indefinite text', '7f6161ff'],
    ['an indefinite byte string', '5f4101ff'],
    ['a lone break', 'ff'],
    ['a date', 'c101'],
    ['a big integer', 'c24101'],
    ['a regular expression', 'd81b8366526567457870616160'],
    ['a record definition', 'd9dfff831901004161'],
    ['a shared reference', 'd81c80'],
    ['a packed value', 'e0'],
    ['a simple value in two bytes', 'f8ff'],
    ['a key that is a number', 'a10101'],
    ['a key that is bytes', 'a1416101'],
    ['a key __proto__', 'a1695f5f70726f746f5f5f01'],
    ['text that is not UTF-8', '61ff'],
    ['a surrogate', '63eda080'],
  ]
  for (const [what, digits] of hostile) {
    it(`refuses to decode ${what}, and goes on working`, () => {
      // By the scan, not by what cbor-x happens to throw.
      refuses(() => scanCbor(Buffer.from(digits, 'hex')))
      refuses(() => decodeCborValue(hex(digits)))
      expect(decodeCborValue(hex('a1616101'))).to.deep.equal({ a: 1 })
    })
  }

  it('holds a count against the bytes that remain before it looks further', () => {
    expect(() => scanCbor(Buffer.from(`9affffffff${'00'.repeat(1000)}`, 'hex'))).to.throw(/more items than bytes/)
  })

  it('refuses a megabyte of nesting or of big integer in no time', () => {
    const started = process.hrtime.bigint()
    refuses(() => decodeCborValue(new Uint8Array(1_000_000).fill(0x81)))
    const bigInteger = new Uint8Array(1_000_000)
    bigInteger.set([0xc2, 0x5a, 0, 0x0f, 0x42, 0x3a])
    refuses(() => decodeCborValue(bigInteger))
    expect(Number(process.hrtime.bigint() - started) / 1e6).to.be.below(200)
  })

  it('R5: answers every other input with a value or CODEC_ERROR', () => {
    fc.assert(
      fc.property(plain, fc.nat(), fc.nat(255), (value, place, byte) => {
        let bytes: Uint8Array
        try {
          bytes = encodeCborValue(value)
        } catch {
          return
        }
        bytes[place % bytes.length] = byte
        for (const input of [bytes, bytes.subarray(0, place % bytes.length)]) {
          try {
            decodeCborValue(input)
          } catch (error) {
            expect(error).to.be.instanceOf(ZooKeeperError).with.property('code', 'CODEC_ERROR')
          }
        }
      }),
      { numRuns: 2000 },
    )
  })
})
