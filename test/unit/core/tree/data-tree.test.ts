import { expect } from 'chai'
import { Replica } from '../../../../lib/core/replica.js'
import { DataTree } from '../../../../lib/core/tree/data-tree.js'
import { OPEN_ACL_UNSAFE } from '../../../../lib/model/acl.js'
import type { SessionId } from '../../../../lib/model/ids.js'
import { InvariantViolation } from '../../../../lib/model/invariant.js'
import { ZERO, zxid } from '../../../../lib/model/zxid.js'

const OWNER = '0100000000000001' as SessionId
const made = { data: new Uint8Array([1, 2]), acl: OPEN_ACL_UNSAFE, owner: undefined }

describe('data tree', () => {
  it('keeps children, owners and size with the znodes', () => {
    const tree = new DataTree()
    tree.create('/a', made, 1, zxid(1, 1), 5)
    const bytes = tree.bytes
    tree.create('/a/b', { ...made, owner: OWNER }, 1, zxid(1, 2), 6)
    expect([...tree.childrenOf('/a')]).to.deep.equal(['b'])
    expect([...tree.ephemerals.of(OWNER)]).to.deep.equal(['/a/b'])
    expect(tree.size).to.equal(6)
    tree.delete('/a/b', zxid(1, 3))
    expect([tree.childCount('/a'), tree.size, tree.ephemerals.size, tree.bytes]).to.deep.equal([0, 5, 0, bytes])
  })

  it('C13: does not delete a system znode or one with children', () => {
    const tree = new DataTree()
    tree.create('/a', made, 1, zxid(1, 1), 5)
    tree.create('/a/b', made, 1, zxid(1, 2), 5)
    expect(() => tree.delete('/a', zxid(1, 3))).to.throw(InvariantViolation)
    expect(() => tree.delete('/zookeeper/config', zxid(1, 3))).to.throw(InvariantViolation)
  })

  it('a znode that someone holds does not change', () => {
    const tree = new DataTree()
    const held = tree.create('/a', made, 1, zxid(1, 1), 5)!
    tree.setData('/a', null, 1, zxid(1, 2), 6)
    expect(held).to.include({ version: 0, mtime: 5 })
    expect(tree.get('/a')).to.include({ version: 1, mtime: 6, data: null })
  })

  it('shares one object among equal ACLs, which the giver cannot change', () => {
    const tree = new DataTree()
    const mine = [{ perms: 1, scheme: 'digest', id: 'a:b' }]
    tree.create('/a', { ...made, acl: mine }, 1, zxid(1, 1), 5)
    tree.create('/b', { ...made, acl: structuredClone(mine) }, 2, zxid(1, 2), 5)
    tree.create('/c', { ...made, acl: structuredClone(OPEN_ACL_UNSAFE) }, 3, zxid(1, 3), 5)
    mine[0]!.perms = 31
    expect(tree.get('/a')!.acl).to.equal(tree.get('/b')!.acl)
    expect(tree.get('/a')!.acl[0]!.perms).to.equal(1)
    expect(tree.get('/c')!.acl).to.equal(OPEN_ACL_UNSAFE)
  })

  it('hands out what changed, once', () => {
    const tree = new DataTree()
    expect(tree.captureDirty().size).to.equal(0)
    tree.create('/a', made, 1, zxid(1, 1), 5)
    tree.create('/b', made, 2, zxid(1, 2), 5)
    tree.delete('/b', zxid(1, 3))
    const dirty = tree.captureDirty()
    expect([...dirty.keys()].sort()).to.deep.equal(['/', '/a', '/b'])
    expect(dirty.get('/a')).to.equal(tree.get('/a'))
    expect(dirty.get('/b')).to.equal(undefined)
    expect(tree.captureDirty().size).to.equal(0)
  })
})

describe('replica', () => {
  it('an image without znodes is the empty tree', () => {
    const nothing = { zxid: ZERO, time: 0, digest: { high: 0, low: 0 }, nodes: [], sessions: [] }
    expect(Replica.from(nothing).digest).to.deep.equal(Replica.empty().digest)
    expect(Replica.from(nothing).captureChanges().nodes.size).to.equal(0)
  })

  it('an image stays what it was while the replica goes on', () => {
    const replica = Replica.empty()
    const image = replica.image()
    replica.tree.create('/a', made, 1, zxid(1, 1), 5)
    replica.tree.setData('/zookeeper', null, 1, zxid(1, 2), 5)
    replica.sessions.add({ session: OWNER, timeoutMs: 1, password: new Uint8Array(16) })
    expect(Replica.from(image).digest).to.deep.equal(image.digest)
    expect(Replica.from(image).tree.size).to.equal(4)
  })

  it('its digest covers sessions and ACLs', () => {
    const replica = Replica.empty()
    const digests = [replica.digest]
    replica.sessions.add({ session: OWNER, timeoutMs: 1, password: new Uint8Array(16) })
    digests.push(replica.digest)
    replica.tree.setAcl('/zookeeper', [{ perms: 1, scheme: 'world', id: 'anyone' }], 0, zxid(0xffffffff, 0xffffffff))
    digests.push(replica.digest)
    expect(new Set(digests.map(digest => `${digest.high}:${digest.low}`)).size).to.equal(3)
  })
})
