import { expect } from 'chai'
import fc from 'fast-check'
import { hasCode } from '../../../lib/model/errors.js'
import { FrameDecoder, frameHeader } from '../../../lib/transport/frame.js'
import { FIRST_FRAME_BYTES_MAX, FRAME_BYTES_MAX } from '../../../lib/transport/transport.js'

const framed = (...frames: Uint8Array[]) => Buffer.concat(frames.flatMap(frame => [frameHeader(frame.length), frame]))

function take(decoder: FrameDecoder, chunk: Uint8Array): Buffer[] {
  const frames: Buffer[] = []
  decoder.push(chunk)
  for (let frame = decoder.next(); frame !== undefined; frame = decoder.next()) frames.push(Buffer.from(frame))
  return frames
}

describe('frame decoder', () => {
  const frames = [Buffer.from('one'), Buffer.alloc(0), Buffer.from('a longer second one'), Buffer.from([0])]
  const bytes = framed(...frames)

  it('finds the same frames at every split boundary', () => {
    for (let first = 0; first <= bytes.length; first++) {
      for (let second = first; second <= bytes.length; second++) {
        const decoder = new FrameDecoder()
        const found = [
          ...take(decoder, bytes.subarray(0, first)),
          ...take(decoder, bytes.subarray(first, second)),
          ...take(decoder, bytes.subarray(second)),
        ]
        expect(found).to.deep.equal(frames)
        expect(decoder.midFrame).to.equal(false)
        expect(decoder.completed).to.equal(frames.length)
      }
    }
  })

  it('finds the same frames in reads of one byte', () => {
    const decoder = new FrameDecoder()
    expect([...bytes].flatMap(byte => take(decoder, Uint8Array.of(byte)))).to.deep.equal(frames)
  })

  it('puts a long frame together from pieces, setting aside what comes and not what was announced', () => {
    const frame = Buffer.from(Array.from({ length: 300_000 }, (_, at) => at % 251))
    const decoder = new FrameDecoder({ firstFrameBytesMax: 1_000_000 })
    const stream = framed(frame, Buffer.from('next'))
    const found: Buffer[] = []
    for (let at = 0; at < stream.length; at += 70_001) found.push(...take(decoder, stream.subarray(at, at + 70_001)))
    expect(found.map(each => each.length)).to.deep.equal([300_000, 4])
    expect(found[0]!.equals(frame)).to.equal(true)

    const { arrayBuffers } = process.memoryUsage()
    const announced = Array.from({ length: 100 }, () => new FrameDecoder({ firstFrameBytesMax: 1_000_000 }))
    for (const each of announced) {
      each.push(Buffer.concat([frameHeader(1_000_000), Buffer.from('x')]))
      expect(each.next()).to.equal(undefined)
      expect(each.partialBytes).to.equal(1_000_000)
    }
    expect(process.memoryUsage().arrayBuffers - arrayBuffers).to.be.lessThan(2_000_000)
  })

  it('finds any frames in any chunks', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 }),
        fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 30 }),
        (some, sizes) => {
          const stream = framed(...some)
          const decoder = new FrameDecoder()
          const found: Buffer[] = []
          for (let at = 0, i = 0; at < stream.length; i++) {
            const size = sizes[i % sizes.length]!
            found.push(...take(decoder, stream.subarray(at, at + size)))
            at += size
          }
          expect(found).to.deep.equal(some.map(each => Buffer.from(each)))
        },
      ),
    )
  })

  it('hands out a frame within one chunk as a view, and a spread one as bytes of its own', () => {
    const decoder = new FrameDecoder()
    decoder.push(bytes)
    expect(decoder.next()!.buffer).to.equal(bytes.buffer)
    const spread = new FrameDecoder()
    spread.push(bytes.subarray(0, 5))
    expect(spread.next()).to.equal(undefined)
    expect(spread.midFrame).to.equal(true)
    spread.push(bytes.subarray(5))
    expect(spread.next()!.buffer).not.to.equal(bytes.buffer)
  })

  it('keeps what was not taken when more is pushed', () => {
    const decoder = new FrameDecoder()
    decoder.push(bytes)
    const first = Buffer.from(decoder.next()!)
    expect([first, ...take(decoder, framed(Buffer.from('last')))]).to.deep.equal([...frames, Buffer.from('last')])
  })

  for (const [limit, established] of [
    [FIRST_FRAME_BYTES_MAX, false],
    [FRAME_BYTES_MAX, true],
  ] as const) {
    const fresh = () => {
      const decoder = new FrameDecoder()
      if (established) decoder.established()
      return decoder
    }
    const when = established ? 'once established' : 'before it is established'

    it(`accepts lengths 0, 1 and ${limit} ${when}`, () => {
      for (const length of [0, 1, limit]) {
        expect(take(fresh(), framed(Buffer.alloc(length, 7)))[0]!.length).to.equal(length)
      }
    })

    it(`refuses lengths ${limit + 1}, 2^31-1 and negative ones ${when}, in any split, before allocating`, () => {
      for (const length of [limit + 1, 2 ** 31 - 1, -1, -(2 ** 31)]) {
        for (let split = 0; split <= 4; split++) {
          const before = process.memoryUsage().arrayBuffers
          const decoder = fresh()
          let error: unknown
          try {
            take(decoder, frameHeader(length).subarray(0, split))
            take(decoder, frameHeader(length).subarray(split))
          } catch (caught) {
            error = caught
          }
          expect(hasCode(error, 'PROTOCOL_ERROR'), `${length} at ${split}`).to.equal(true)
          expect(process.memoryUsage().arrayBuffers - before).to.be.below(1024 * 1024)
        }
      }
    })
  }

  it('has limits of its own where it is told so', () => {
    const decoder = new FrameDecoder({ firstFrameBytesMax: 2, frameBytesMax: 3 })
    expect(take(decoder, framed(Buffer.from('ab')))).to.have.length(1)
    decoder.established()
    expect(take(decoder, framed(Buffer.from('abc')))).to.have.length(1)
    expect(() => take(decoder, framed(Buffer.from('abcd')))).to.throw('PROTOCOL_ERROR')
  })
})
