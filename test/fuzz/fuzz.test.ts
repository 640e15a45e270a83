/** A short run of every decoder, and decoders with a bug that the run must find. `npm run test:fuzz` does the long ones. */
import { expect } from 'chai'
import { CborReader } from '../../lib/codec/cbor-reader.js'
import { ZooKeeperError } from '../../lib/model/errors.js'
import { codes, type Decoder, decoders } from './decoders.js'
import { fuzz } from './fuzz-run.js'

const malformed = (): never => {
  throw new ZooKeeperError('PROTOCOL_ERROR', 'malformed')
}

/** A length in four bytes, then so many bytes. */
function planted(decode: (bytes: Buffer) => Uint8Array): Decoder {
  return {
    name: 'planted',
    samples: () => [1, 5, 40].map(length => Buffer.concat([Buffer.from([0, 0, 0, length]), Buffer.alloc(length, 9)])),
    decode,
    encode: value => {
      const body = value as Uint8Array
      const head = Buffer.alloc(4)
      head.writeUInt32BE(body.length)
      return Buffer.concat([head, body])
    },
    isTyped: error => error instanceof ZooKeeperError,
  }
}

function found(decoder: Decoder, frames = 20_000): string {
  return fuzz(decoder, frames, 1, { findingsMax: 1, samples: 100 }).findings.join()
}

describe('malformed input', function () {
  this.timeout(60_000)

  for (const decoder of decoders) {
    it(`R5: ends with the error of its decoder: ${decoder.name}`, () => {
      expect(fuzz(decoder, 1000, 1, { warmUp: 200, samples: 40 }).findings).to.deep.equal([])
    })
  }

  it('finds nothing wrong with a decoder that is right', () => {
    const right = planted(bytes => {
      if (bytes.length < 4 || bytes.readUInt32BE(0) !== bytes.length - 4) malformed()
      return bytes.subarray(4)
    })
    expect(found(right)).to.equal('')
  })

  it('finds a decoder that trusts a length', () => {
    const trusting = planted(bytes => {
      if (bytes.length < 4) malformed()
      const body = new Uint8Array(Math.min(bytes.readUInt32BE(0), 2 ** 30))
      body.set(bytes.subarray(4, 4 + body.length))
      return body.length === bytes.length - 4 ? body : malformed()
    })
    expect(found(trusting)).to.match(/allocates \d+ bytes|takes [\d.]+ ms/)
  })

  it('finds a decoder whose time grows with the square of its input', () => {
    const slow = planted(bytes => {
      let sum = 0
      for (let i = 0; i < bytes.length; i++) for (let j = 0; j < bytes.length; j++) sum += bytes[j]!
      return sum >= 0 && bytes.length >= 4 && bytes.readUInt32BE(0) === bytes.length - 4
        ? bytes.subarray(4)
        : malformed()
    })
    expect(found(slow, 100_000)).to.match(/takes [\d.]+ ms/)
  })

  it('finds an error that is not the decoder’s own, also behind one that is', () => {
    const careless = planted(bytes => (bytes.readUInt32BE(0) === bytes.length - 4 ? bytes.subarray(4) : malformed()))
    expect(found(careless)).to.match(/ends with RangeError/)
    const hiding = planted(bytes => {
      try {
        return careless.decode(bytes) as Uint8Array
      } catch (cause) {
        throw new ZooKeeperError('PROTOCOL_ERROR', 'malformed', { cause })
      }
    })
    expect(found({ ...hiding, isTyped: codes('PROTOCOL_ERROR') })).to.match(/cause: RangeError/)
  })

  it('finds what is planted into a real decoder: one that ignores bytes behind its last item', () => {
    const { prototype } = CborReader
    const { finish } = prototype
    prototype.finish = () => {}
    try {
      for (const name of ['peer message', 'txn', 'session', 'log record'])
        expect(found(decoders.find(each => each.name === name)!)).to.match(/is accepted and comes back as/)
    } finally {
      prototype.finish = finish
    }
  })

  it('finds a second form of one value', () => {
    const lax = planted(bytes => {
      if (bytes.length < 4 || bytes.readUInt32BE(0) > bytes.length - 4) malformed()
      return bytes.subarray(4, 4 + bytes.readUInt32BE(0))
    })
    expect(found(lax)).to.match(/is accepted and comes back as/)
  })

  it('finds a state that a bad input leaves behind, and memory that is kept', () => {
    let broken = false
    const spoilt = planted(bytes => {
      if (broken) malformed()
      if (bytes.length < 4 || bytes.readUInt32BE(0) !== bytes.length - 4) {
        broken = true
        malformed()
      }
      return bytes.subarray(4)
    })
    expect(found(spoilt)).to.match(/refuses a valid input afterwards/)
    const kept: number[][] = []
    const keeping = planted(() => {
      kept.push(new Array(100).fill(0))
      return malformed()
    })
    delete (keeping as { encode?: unknown }).encode
    const samples = keeping.samples(1, 3)
    // Valid ones must be accepted: they are not what is kept.
    const { decode } = keeping
    keeping.decode = bytes => (samples.some(sample => bytes.equals(sample)) ? bytes : decode(bytes))
    expect(found(keeping)).to.match(/keeps \d+ bytes/)
  })
})
