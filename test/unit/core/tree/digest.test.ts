import { crc32 } from 'node:zlib'
import { expect } from 'chai'
import fc from 'fast-check'
import { DataTree } from '../../../../lib/core/tree/data-tree.js'
import { DigestSum } from '../../../../lib/core/tree/digest.js'
import { OPEN_ACL_UNSAFE } from '../../../../lib/model/acl.js'
import { CRC_START, crcBytes, crcInt32, crcText, crcValue } from '../../../../lib/model/crc32.js'
import { addToDigest, EMPTY_DIGEST, subtractFromDigest } from '../../../../lib/model/digest.js'
import type { SessionId } from '../../../../lib/model/ids.js'
import type { Znode } from '../../../../lib/model/znode.js'
import { bytesOfData } from '../../../../lib/model/znode-data.js'
import { type Zxid, zxid, zxidToBigint } from '../../../../lib/model/zxid.js'

const TIME = 1_753_000_123_456

/** ZooKeeper's DigestCalculator, version 2, from its description (semantics §19), over a buffer and with another CRC. */
function reference(path: string, znode: Znode): number {
  const stat = Buffer.alloc(60)
  for (const [at, id] of [znode.czxid, znode.mzxid, znode.pzxid].entries())
    stat.writeBigUInt64BE(zxidToBigint(id), at * 8)
  stat.writeBigInt64BE(BigInt(znode.ctime), 24)
  stat.writeBigInt64BE(BigInt(znode.mtime), 32)
  for (const [at, count] of [znode.version, znode.cversion, znode.aversion].entries())
    stat.writeInt32BE(count, 40 + at * 4)
  stat.writeBigUInt64BE(BigInt(`0x${znode.owner ?? '0'}`), 52)
  return crc32(Buffer.concat([Buffer.from(path === '/' ? '' : path), bytesOfData(znode.data) ?? Buffer.alloc(0), stat]))
}

function sumOf(tree: DataTree) {
  let sum = EMPTY_DIGEST
  for (const [path, znode] of tree.entries()) {
    if (!path.startsWith('/zookeeper/')) sum = addToDigest(sum, reference(path, znode))
  }
  return sum
}

function create(tree: DataTree, path: string, at: Zxid, data: Uint8Array | null = null, owner?: SessionId): void {
  const cversion = tree.get(path.slice(0, path.lastIndexOf('/')) || '/')!.cversion + 1
  tree.create(path, { data, acl: OPEN_ACL_UNSAFE, owner }, cversion, at, TIME)
}

describe('tree digest', () => {
  it('its CRC-32 is the common one', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 50 }), fc.integer(), fc.string(), (bytes, word, text) => {
        const encoded = Buffer.alloc(4)
        encoded.writeInt32BE(word)
        const state = crcText(crcInt32(crcBytes(CRC_START, bytes), word), text)
        expect(crcValue(state)).to.equal(crc32(Buffer.concat([bytes, encoded, Buffer.from(text)])))
      }),
    )
  })

  it('of the stats is ZooKeeper’s, version 2, after every kind of change', () => {
    const tree = new DataTree()
    const same = () => expect(tree.statDigest).to.deep.equal(sumOf(tree))
    same()
    create(tree, '/é', zxid(0xffffffff, 0xfffffffe), new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8, 9]))
    same()
    create(tree, '/é/x', zxid(0xffffffff, 0xffffffff), null, 'fe00000180000001' as SessionId)
    same()
    tree.setData('/é', new Uint8Array(0), -3, zxid(0xffffffff, 0xffffffff), TIME + 5)
    same()
    tree.setAcl('/é', [{ perms: 1, scheme: 'world', id: 'anyone' }], 9, zxid(0xffffffff, 0xffffffff))
    same()
    tree.delete('/é/x', zxid(0xffffffff, 0xffffffff))
    same()
  })

  it('leaves out what is below /zookeeper/', () => {
    const tree = new DataTree()
    const before = tree.statDigest
    const acls = tree.aclDigest
    tree.setData('/zookeeper/config', new Uint8Array(3), 1, zxid(1, 1), TIME)
    tree.setData('/zookeeper/quota', new Uint8Array(3), 1, zxid(1, 1), TIME)
    expect([tree.statDigest, tree.aclDigest]).to.deep.equal([before, acls])
  })

  describe('of the system znodes', () => {
    const limits = '/zookeeper/quota/a/zookeeper_limits'
    const bytes = (text: string) => new TextEncoder().encode(text)

    function limited(): DataTree {
      const tree = new DataTree()
      create(tree, '/a', zxid(1, 1))
      create(tree, '/zookeeper/quota/a', zxid(1, 2))
      create(tree, limits, zxid(1, 3), bytes('count=1'))
      create(tree, '/zookeeper/quota/a/zookeeper_stats', zxid(1, 4), bytes('count=-1,bytes=-1'))
      return tree
    }
    const loaded = (tree: DataTree, without?: string) =>
      new DataTree([...tree.entries()].filter(([path]) => path !== without)).systemDigest

    it('is nothing in the beginning, and leaves out the rest of the tree and what each peer writes for itself', () => {
      const tree = new DataTree()
      create(tree, '/a', zxid(1, 1))
      tree.showConfig('server.1=a', zxid(1, 1))
      tree.setData('/zookeeper', new Uint8Array(3), 1, zxid(1, 1), TIME)
      expect(tree.systemDigest).to.deep.equal(EMPTY_DIGEST)
    })

    it('D9: is another without any of them, those included that are there from the start', () => {
      const tree = limited()
      expect(loaded(tree)).to.deep.equal(tree.systemDigest)
      const below = [...tree.entries()].map(([path]) => path).filter(path => path.startsWith('/zookeeper/'))
      for (const path of below)
        if (path !== '/zookeeper/config') expect(loaded(tree, path), path).not.to.deep.equal(tree.systemDigest)
    })

    it('D9: shows data, statistics that change in place, stats and ACLs, and is kept up to date', () => {
      const tree = limited()
      const seen = new Set<string>()
      const changed = () => {
        expect(loaded(tree)).to.deep.equal(tree.systemDigest)
        expect(seen.size).to.be.lessThan(seen.add(JSON.stringify(tree.systemDigest)).size)
      }
      changed()
      create(tree, '/a/b', zxid(2, 1), bytes('more'))
      changed()
      tree.setData(limits, bytes('count=2'), 1, zxid(2, 2), TIME)
      changed()
      tree.setData(limits, bytes('count=2'), 2, zxid(2, 2), TIME)
      changed()
      tree.setAcl(limits, [{ perms: 1, scheme: 'world', id: 'anyone' }], 1, zxid(2, 3))
      changed()
      tree.setAcl('/zookeeper/quota', [{ perms: 1, scheme: 'world', id: 'anyone' }], 1, zxid(2, 4))
      changed()
      tree.delete(limits, zxid(2, 5))
      changed()
    })
  })

  it('of the ACLs differs when two znodes swap theirs', () => {
    const build = (first: string, second: string) => {
      const tree = new DataTree()
      create(tree, '/a', zxid(1, 1))
      create(tree, '/b', zxid(1, 2))
      tree.setAcl('/a', [{ perms: 1, scheme: 'digest', id: first }], 1, zxid(0xffffffff, 0xffffffff))
      tree.setAcl('/b', [{ perms: 1, scheme: 'digest', id: second }], 1, zxid(0xffffffff, 0xffffffff))
      return tree
    }
    const one = build('x:y', 'z:w')
    const other = build('z:w', 'x:y')
    expect(one.statDigest).to.deep.equal(other.statDigest)
    expect(one.aclDigest).not.to.deep.equal(other.aclDigest)
  })

  it('sums with carry in both directions', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(0xffffffff))), parts => {
        const sum = new DigestSum()
        let expected = EMPTY_DIGEST
        for (const [add, part] of parts) {
          if (add) sum.add(part)
          else sum.subtract(part)
          expected = add ? addToDigest(expected, part) : subtractFromDigest(expected, part)
        }
        expect(sum.value).to.deep.equal(expected)
      }),
    )
  })
})
