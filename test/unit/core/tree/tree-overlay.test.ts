import { expect } from 'chai'
import { DataTree } from '../../../../lib/core/tree/data-tree.js'
import { TreeOverlay } from '../../../../lib/core/tree/tree-overlay.js'
import { OPEN_ACL_UNSAFE } from '../../../../lib/model/acl.js'
import type { SessionId } from '../../../../lib/model/ids.js'
import { zxid } from '../../../../lib/model/zxid.js'

const ONE = '0100000000000001' as SessionId
const TWO = '0100000000000002' as SessionId

const made = (owner: SessionId | undefined) => ({ acl: OPEN_ACL_UNSAFE, owner, dataLength: 0 })

describe('tree overlay', () => {
  it('keeps an entry until the commit of its own last change', () => {
    const tree = new DataTree()
    const overlay = new TreeOverlay(tree)
    overlay.created('/a', made(undefined), 1, zxid(1, 1))
    overlay.dataSet('/a', 5, 1, zxid(1, 2))
    tree.create('/a', { data: null, acl: OPEN_ACL_UNSAFE, owner: undefined }, 1, zxid(1, 1), 5)
    overlay.committed(zxid(1, 1))
    expect(overlay.state('/a')).to.include({ version: 1 })
    expect(overlay.size).to.equal(1)
    tree.setData('/a', null, 1, zxid(1, 2), 5)
    overlay.committed(zxid(1, 2))
    expect(overlay.state('/a')).to.include({ version: 1 })
    expect(overlay.size).to.equal(0)
  })

  it('S4: knows what a session will own: not what is to be deleted, nor what another one has by then', () => {
    const tree = new DataTree()
    for (const [at, path] of ['/a', '/b', '/c'].entries()) {
      tree.create(path, { data: null, acl: OPEN_ACL_UNSAFE, owner: ONE }, at + 1, zxid(1, at + 1), 5)
    }
    const overlay = new TreeOverlay(tree)
    overlay.deleted('/a', zxid(1, 4))
    overlay.deleted('/b', zxid(1, 5))
    overlay.created('/b', made(TWO), 4, zxid(1, 6))
    overlay.created('/d', made(ONE), 5, zxid(1, 7))
    expect(overlay.ephemeralsOf(ONE).sort()).to.deep.equal(['/c', '/d'])
    expect(overlay.ephemeralsOf(TWO)).to.deep.equal(['/b'])
    overlay.mark()
    overlay.deleted('/d', zxid(1, 8))
    overlay.created('/e', made(ONE), 6, zxid(1, 8))
    overlay.rollback()
    expect(overlay.ephemeralsOf(ONE).sort()).to.deep.equal(['/c', '/d'])
    expect(overlay.state('/')).to.include({ cversion: 5, childCount: 4 })
  })
})
