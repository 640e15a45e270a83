import { expect } from 'chai'
import { encodeZnode } from '../../../../lib/codec/tree-codec.js'
import { Replica } from '../../../../lib/core/replica.js'
import { type Acl, OPEN_ACL_UNSAFE } from '../../../../lib/model/acl.js'
import { EMPTY_DIGEST } from '../../../../lib/model/digest.js'
import type { Znode } from '../../../../lib/model/znode.js'
import { zxid } from '../../../../lib/model/zxid.js'
import { LoadedNodes } from '../../../../lib/storage/level/loaded-nodes.js'

const OWN_ACL: Acl = [{ perms: 3, scheme: 'digest', id: 'me:x' }]
const data: readonly (Uint8Array | null)[] = [null, new Uint8Array(0), Uint8Array.of(0, 200, 255), new Uint8Array(900)]
const znodes = new Map(
  ['/', '/b', '/b/é', '/b/x', '/bb', '/bb/y', '/b/x/z'].map((path, n): [string, Znode] => [
    path,
    {
      data: data[n % data.length]!,
      acl: n % 2 === 0 ? OPEN_ACL_UNSAFE : OWN_ACL,
      ...{ czxid: zxid(1, n), mzxid: zxid(1, 7), pzxid: zxid(2, n), ctime: n, mtime: 1.7e12, version: n, cversion: 2 },
      aversion: 0,
      owner: undefined,
    },
  ]),
)
const header = { zxid: zxid(2, 9), time: 1.7e12, digest: EMPTY_DIGEST, sessions: [] }

function loaded(): LoadedNodes {
  const nodes = new LoadedNodes()
  for (const [path, znode] of znodes) {
    const bytes = Buffer.from(encodeZnode(znode))
    nodes.add(path, bytes, 0, bytes.length, false)
  }
  nodes.end()
  return nodes
}

describe('loaded znodes', () => {
  it('make the same replica when they are given away as when they are copied', () => {
    const [given, copied] = [loaded(), [...loaded()]].map(nodes => Replica.from({ ...header, nodes }))
    const made = Replica.from({ ...header, nodes: znodes })
    for (const { tree, digest } of [given!, copied!]) {
      expect(digest).to.deep.equal(made.digest)
      expect(tree.bytes).to.equal(made.tree.bytes)
      for (const [path, znode] of made.tree.entries()) {
        expect(tree.get(path), path).to.deep.equal(znode)
        expect(tree.childrenOf(path), path).to.deep.equal(made.tree.childrenOf(path))
      }
    }
  })

  it('share one list of equal ACLs, which nobody can change, with the tree', () => {
    const { tree } = Replica.from({ ...header, nodes: loaded() })
    expect(tree.get('/b/x')!.acl).to.equal(tree.get('/b')!.acl).and.to.be.frozen.and.deep.equal(OWN_ACL)
    expect(tree.get('/bb')!.acl).to.equal(OPEN_ACL_UNSAFE)
  })

  it('are given away once', () => {
    const nodes = loaded()
    Replica.from({ ...header, nodes })
    expect(() => Replica.from({ ...header, nodes })).to.throw('given away once')
  })

  it('D9: are damaged when a path comes twice', () => {
    const nodes = new LoadedNodes()
    const bytes = Buffer.from(encodeZnode(znodes.get('/b')!))
    for (let n = 0; n < 2; n++) nodes.add('/b', bytes, 0, bytes.length, false)
    expect(() => nodes.end())
      .to.throw('there twice')
      .with.property('code', 'DATA_CORRUPT')
  })
})
