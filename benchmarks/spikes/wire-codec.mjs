// Question: is cbor-x (with the linear pre-scan that hostile input asks for) or a hand-written codec of our subset the
// better way to put peer messages on the wire? The subset: arrays, uint ≤ 32 bit, byte strings, text, booleans, null.
// Both ends are typed: encoders take a message object, decoders answer one, having checked its shape.
//   node --expose-gc benchmarks/spikes/wire-codec.mjs      (M messages a second; a proposal in a batch counts as
// one; the last column: CPU ns to encode and decode one of each, the batch's share counted as one proposal)
import assert from 'node:assert/strict'
import { Decoder, Encoder } from 'cbor-x'
import { compare, nanoseconds } from './spike.mjs'
import { messages } from './wire-messages.mjs'
import { scan } from './wire-scan.mjs'
import { Reader, Writer } from './wire-subset.mjs'

const options = { useRecords: false, tagUint8Array: false }
const cborEncoder = new Encoder(options)
const cborDecoder = new Decoder(options)
const writer = new Writer(1 << 16)
const reader = new Reader()
const plainDecode = (m, frame) => m.fromArray(cborDecoder.decode(frame))
const scannedDecode = (m, frame) => {
  scan(frame)
  return m.fromArray(cborDecoder.decode(frame))
}
const handDecode = (m, frame) => {
  reader.open(frame)
  const message = m.read(reader)
  reader.end()
  return message
}
const cborEncode = (m, message) => cborEncoder.encode(m.toArray(message))
const handEncode = (m, message) => {
  writer.begin()
  m.write(writer, message)
  return writer.end()
}

const speed = (encode, decode) => () => {
  const figures = {}
  for (const [name, [m, per]] of Object.entries(messages)) {
    const sample = m.sample(1)
    const frame = Buffer.from(encode(m, sample))
    assert.deepEqual(handDecode(m, cborEncode(m, sample)), sample) // the two speak the same bytes both ways
    assert.deepEqual(scannedDecode(m, handEncode(m, sample)), sample)
    const samples = Array.from({ length: 64 }, (_, i) => m.sample(i))
    const [enc, dec] = [i => encode(m, samples[i & 63]), () => decode(m, frame)].map(f =>
      nanoseconds(f, { per, calls: 200 }),
    )
    Object.assign(figures, { [`${name} enc`]: 1000 / enc.wall, [`${name} dec`]: 1000 / dec.wall })
    figures['CPU ns'] = (figures['CPU ns'] ?? 0) + enc.cpu + dec.cpu // one of each, encoded and decoded
  }
  return figures
}

await compare(import.meta.url, {
  'cbor-x, no scan': speed(cborEncode, plainDecode),
  'cbor-x + scan': speed(cborEncode, scannedDecode),
  'hand-written': speed(handEncode, handDecode),
})
