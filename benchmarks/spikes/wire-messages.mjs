// The messages of wire-codec.mjs: one sample of each, how cbor-x's array is made and read (every item checked), and how the
// hand-written codec writes and reads it.
const bad = () => {
  throw new Error('malformed message')
}
const uint = v => (typeof v === 'number' ? v : bad())
const bytes = v => (v instanceof Uint8Array ? v : bad())
const shape = (array, type, length) =>
  Array.isArray(array) && array.length === length && array[0] === type ? array : bad()

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
export const messages = { proposal: [proposal, 1], request: [request, 1], 'ack, commit': [zxidOnly(4), 1] }
messages['batch of 32'] = [batch, 32]
