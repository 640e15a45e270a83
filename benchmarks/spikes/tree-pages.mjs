// The format that tree-store.mjs tries: a znode is its name, a block of fixed size for the stat, and 100 B of data; a page is
// one znode behind the other.
import { randomBytes } from 'node:crypto'

export const NODES = 1_000_000
const nameOf = i => `/app/dir-${1000 + Math.floor(i / 1000)}/node-${1_000_000 + i}` // in path order
const noise = randomBytes(1 << 20).toString('base64')
const STAT = 44 // czxid mzxid pzxid, ctime mtime, version cversion aversion… as a fixed block

function entryOf(i, change) {
  const name = Buffer.from(nameOf(i))
  const entry = Buffer.alloc(2 + name.length + STAT + 100)
  entry.writeUInt16BE(name.length)
  name.copy(entry, 2)
  entry.writeUInt32BE(i, 2 + name.length)
  entry.writeUInt32BE(change, 6 + name.length)
  entry.latin1Write(noise.substr((i * 97 + change) % (noise.length - 100), 100), 2 + name.length + STAT)
  return entry
}
export const perPage = pageBytes => Math.max(1, Math.floor(pageBytes / entryOf(0, 0).length))
const pageKey = page => {
  const key = Buffer.alloc(4)
  key.writeUInt32BE(page)
  return key
}

/** What is put for a group of `per` consecutive znodes; a single znode is a group of one under its path. */
export function put(group, per, changes) {
  const first = group * per
  if (per === 1) return { type: 'put', key: Buffer.from(nameOf(first)), value: entryOf(first, changes.get(first) ?? 0) }
  const entries = []
  for (let i = first; i < Math.min(NODES, first + per); i++) entries.push(entryOf(i, changes.get(i) ?? 0))
  return { type: 'put', key: pageKey(group), value: Buffer.concat(entries) }
}

export function unpack(value, tree) {
  for (let at = 0; at < value.length; ) {
    const nameEnd = at + 2 + value.readUInt16BE(at)
    const data = value.latin1Slice(nameEnd + STAT, nameEnd + STAT + 100)
    const node = { zxid: value.readUInt32BE(nameEnd), change: value.readUInt32BE(nameEnd + 4), data }
    tree.set(value.latin1Slice(at + 2, nameEnd), node)
    at = nameEnd + STAT + 100
  }
}
