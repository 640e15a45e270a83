import { expect } from 'chai'
import { DataTree } from '../../../../lib/core/tree/data-tree.js'
import { countDescendants, countLarge } from '../../../../lib/core/tree/descendants.js'
import { OPEN_ACL_UNSAFE } from '../../../../lib/model/acl.js'
import { zxid } from '../../../../lib/model/zxid.js'

describe('counting descendants', () => {
  it('is the same by walking and by summing up, and leaves out what only begins alike', () => {
    const tree = new DataTree()
    let counter = 0
    const create = (path: string) =>
      tree.create(path, { data: null, acl: OPEN_ACL_UNSAFE, owner: undefined }, ++counter, zxid(1, counter), 5)
    for (const path of ['/a', '/ab', '/ab/c', '/a/x', '/a/x/y', '/a/x/y/z', '/a-']) create(path)
    for (const path of ['/a', '/ab', '/a/x', '/a/x/y/z', '/a-'])
      expect(countDescendants(tree, path), path).to.equal(countLarge(tree, path))
    expect(countDescendants(tree, '/a')).to.equal(3)
    for (let n = 0; n < 1500; n++) create(`/ab/c/${n}`)
    expect(countDescendants(tree, '/ab')).to.equal(1501)
    expect(countDescendants(tree, '/')).to.equal(tree.size - 1)
  })
})
