// Question: is cbor-x (with the linear pre-scan that hostile input asks for) or a hand-written codec of our subset the
// better way to put peer messages on the wire? The subset: arrays, uint ≤ 32 bit, byte strings, text, booleans, null.
// Both ends are typed: encoders take a message object, decoders answer one, having checked its shape.
//   node --expose-gc benchmarks/spikes/wire-codec.mjs      (M messages a second; a proposal in a batch counts as
// one; the last column: CPU ns to encode and decode one of each, the batch's share counted as one proposal)
import assert from 'node:assert/strict'
import { Decoder, Encoder } from 'cbor-x'
import { compare, nanoseconds } from './spike.mjs'
import { Reader, scan, Writer } from './wire-subset.mjs'

const options = { useRecords: false, tagUint8Array: false }
const cborEncoder = new Encoder(options)
const cborDecoder = new Decoder(options)
const writer = new Writer(1 << 16)
const reader = new Reader()
const bad = () => {
  throw new Error('malformed message')
}
const uint = v => (typeof v === 'number' ? v : bad())
const bytes = v => (v instanceof Uint8Array ? v : bad())
const shape = (array, type, length) =>
  Array.isArray(array) && array.length === length && array[0] === type ? array : bad()

// Each message: one sample, how cbor-x's array is made and read, how the hand-written codec writes and reads it.
const zxidOnly = type => ({
  sample: i => ({ type, epoch: 7, counter: 70_000 + (i & 0xffff) }),
  toArray: m => [type, m.epoch, m.counter],
  fromArray: value => {
    const a = shape(value, type, 3)
    return { type, epoch: uint(a[1]), counter: uint(a[2]) }
  },
  write: (w, m) => {
    w.array(3)
    w.uint(type)
    w.uint(m.epoch)
    w.uint(m.counter)
  },
  read: r => {
    r.expectArray(3, type)
    return { type, epoch: r.uint(), counter: r.uint() }
  },
})
const record = Buffer.alloc(100, 7)
const proposal = {
  sample: i => ({ type: 3, epoch: 7, counter: 70_000 + (i & 0xffff), record }),
  toArray: m => [3, m.epoch, m.counter, m.record],
  fromArray: value => {
    const a = shape(value, 3, 4)
    return { type: 3, epoch: uint(a[1]), counter: uint(a[2]), record: bytes(a[3]) }
  },
  write: (w, m) => {
    w.array(4)
    w.uint(3)
    w.uint(m.epoch)
    w.uint(m.counter)
    w.bytes(m.record)
  },
  read: r => {
    r.expectArray(4, 3)
    return { type: 3, epoch: r.uint(), counter: r.uint(), record: r.bytes() }
  },
}
const batch = {
  sample: i => ({ type: 6, items: Array.from({ length: 32 }, (_, k) => proposal.sample(i + k)) }),
  toArray: m => [6, m.items.map(proposal.toArray)],
  fromArray: value => ({ type: 6, items: shape(value, 6, 2)[1].map(proposal.fromArray) }),
  write: (w, m) => {
    w.array(2)
    w.uint(6)
    w.array(m.items.length)
    for (const item of m.items) proposal.write(w, item)
  },
  read: r => {
    r.expectArray(2, 6)
    const items = []
    for (let n = r.array(); n > 0; n--) items.push(proposal.read(r))
    return { type: 6, items }
  },
}
const request = {
  sample: i => ({ type: 9, cxid: i, path: `/app/services/node-${1000 + i}`, data: record, sync: true, acl: null }),
  toArray: m => [9, m.cxid, m.path, m.data, m.sync, m.acl],
  fromArray: value => {
    const a = shape(value, 9, 6)
    if (typeof a[2] !== 'string' || typeof a[4] !== 'boolean' || a[5] !== null) bad()
    return { type: 9, cxid: uint(a[1]), path: a[2], data: bytes(a[3]), sync: a[4], acl: a[5] }
  },
  write: (w, m) => {
    w.array(6)
    w.uint(9)
    w.uint(m.cxid)
    w.text(m.path)
    w.bytes(m.data)
    w.flag(m.sync)
    w.flag(m.acl)
  },
  read: r => {
    r.expectArray(6, 9)
    return { type: 9, cxid: r.uint(), path: r.text(), data: r.bytes(), sync: r.flag(), acl: r.flag() }
  },
}
const messages = { proposal: [proposal, 1], request: [request, 1], ack: [zxidOnly(4), 1], commit: [zxidOnly(5), 1] }
messages['batch of 32'] = [batch, 32]

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
  const start = writer.begin()
  m.write(writer, message)
  return writer.since(start)
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
