// The ways to lay out a znode and its data that znode-layout.mjs compares. A reply copies the data into a buffer it has
// (`put`); an application gets bytes of its own (`give`).

class Zxid {
  constructor(epoch, counter) {
    this.epoch = epoch
    this.counter = counter
  }
}
class Stamp {
  // a zxid and its time: one object a transaction, shared by all that it touched
  constructor(epoch, counter, time) {
    this.epoch = epoch
    this.counter = counter
    this.time = time
  }
}
class Znode {
  constructor(zxid, time, data, children) {
    this.czxid = zxid
    this.mzxid = zxid
    this.pzxid = zxid
    this.ctime = time
    this.mtime = time
    this.version = 0
    this.cversion = 0
    this.aversion = 0
    this.owner = undefined
    this.acl = 0
    this.data = data
    this.children = children
  }
}
class StampedZnode {
  constructor(stamp, data, children) {
    this.created = stamp
    this.modified = stamp
    this.childrenChanged = stamp
    this.version = 0
    this.cversion = 0
    this.aversion = 0
    this.owner = undefined
    this.acl = 0
    this.data = data
    this.children = children
  }
}

/** Data one behind the other in slabs; the slab is free when the last view onto it is. */
export function slabs(size, view) {
  let slab = Buffer.allocUnsafeSlow(size)
  let at = 0
  return source => {
    if (at + source.length > size) {
      slab = Buffer.allocUnsafeSlow(size)
      at = 0
    }
    slab.set(source, at)
    at += source.length
    return view(slab, at - source.length, source.length)
  }
}
export class Place {
  constructor(slab, at, length) {
    this.slab = slab
    this.at = at
    this.length = length
  }
}
export const buffers = { put: (data, out) => out.set(data, 0), give: data => Buffer.from(data) }
export const strings = { put: (data, out) => out.latin1Write(data, 0), give: data => Buffer.from(data, 'latin1') }
export const places = {
  put: (p, out) => p.slab.copy(out, 0, p.at, p.at + p.length),
  give: p => Buffer.from(p.slab.subarray(p.at, p.at + p.length)),
}
export const copied = source => {
  const copy = Buffer.allocUnsafeSlow(source.length)
  copy.set(source)
  return copy
}
export const uint8 = (slab, at, length) => new Uint8Array(slab.buffer, slab.byteOffset + at, length)
export const stampedNode = (data, i) => new StampedZnode(new Stamp(7, i, 1.7e12 + i), data, undefined)
export const plainNode = (data, i) => new Znode(new Zxid(7, i), 1.7e12 + i, data, undefined)
export const eagerNode = (data, i) => new Znode(new Zxid(7, i), 1.7e12 + i, data, new Set())
