import { expect } from 'chai'
import fc from 'fast-check'
import { decodeValue, encodeValue, json, makeCodec, raw, text } from '../../../lib/client/codec.js'

describe('codec', () => {
  it('gives back what was encoded', () => {
    fc.assert(
      fc.property(fc.uint8Array(), bytes => {
        expect(raw.decode(raw.encode(bytes))).to.deep.equal(bytes)
      }),
    )
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), value => {
        expect(text.decode(text.encode(value))).to.equal(value)
      }),
    )
    fc.assert(
      fc.property(fc.jsonValue(), value => {
        expect(json.decode(json.encode(value))).to.deep.equal(JSON.parse(JSON.stringify(value)))
      }),
    )
  })
  it('takes undefined for no data, without asking the codec', () => {
    expect(encodeValue(raw, undefined, '/a')).to.equal(null)
    expect(decodeValue(raw, null, '/a')).to.equal(undefined)
  })
  it('is refused when it is not made of a name and two functions', () => {
    for (const wrong of [[], [{}], ['x'], ['x', String], [1, String, String]]) {
      expect(() => (makeCodec as (...given: unknown[]) => unknown)(...wrong)).to.throw(/BAD_OPTIONS/)
    }
  })
  it('keeps bytes apart: raw and made codecs never share them', () => {
    const bytes = Uint8Array.of(1, 2)
    const views = makeCodec<Uint8Array>(
      'views',
      value => value,
      stored => stored.subarray(0, 1),
    )
    raw.decode(bytes).fill(9)
    raw.encode(bytes).fill(9)
    views.decode(bytes).fill(9)
    expect([...bytes]).to.deep.equal([1, 2])
    const pooled = Buffer.from('ab')
    raw.encode(pooled).fill(9)
    expect(pooled.toString()).to.equal('ab')
  })
  it('CODEC_ERROR tells codec, path and cause', () => {
    const cycle: { self?: unknown } = {}
    cycle.self = cycle
    const wrong: Array<() => unknown> = [
      () => encodeValue(json, cycle, '/a'),
      () => encodeValue(json, () => 1, '/a'),
      () => encodeValue(text, 7 as never, '/a'),
      () => encodeValue(raw, 'x' as never, '/a'),
      () => decodeValue(json, Uint8Array.of(0x7b), '/a'),
      () => decodeValue(json, new Uint8Array(), '/a'),
      () => decodeValue(text, Uint8Array.of(0xff), '/a'),
    ]
    for (const act of wrong)
      expect(act).to.throw().with.include({ code: 'CODEC_ERROR', path: '/a', outcome: 'not-applied' })
    const broken = { name: 'broken', encode: () => 'text' as never, decode: () => 0 }
    expect(() => encodeValue(broken, 1, '/a')).to.throw(/broken codec did not return/)
  })
  it('a byte order mark is part of a text', () => {
    expect(text.decode(text.encode('\ufeffa'))).to.equal('\ufeffa')
  })
})
