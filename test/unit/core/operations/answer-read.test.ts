import { expect } from 'chai'
import { type Acl, Permission } from '../../../../lib/model/acl.js'
import { ZERO } from '../../../../lib/model/zxid.js'
import { ALICE, Bench, bytes, codeOf, create, NOBODY, RecordedWatches } from './bench.js'

const HIS: Acl = [{ perms: Permission.ALL, scheme: 'digest', id: 'alice:hash' }]

function prepared(): Bench {
  const bench = Bench.withSession()
  bench.run(create('/a', { data: bytes('abc') }))
  bench.run(create('/a/c'))
  bench.run(create('/his', { acl: HIS }))
  bench.run(create('/readable', { acl: [...HIS, { perms: Permission.READ, scheme: 'world', id: 'anyone' }] }))
  bench.run(create('/admin', { acl: [...HIS, { perms: Permission.ADMIN, scheme: 'world', id: 'anyone' }] }))
  return bench
}

const reads = ['exists', 'getData', 'getChildren'] as const

describe('reads', () => {
  const rows = [
    ['exists', '/a', 'OK', 'data /a'],
    ['exists', '/none', 'NO_NODE', 'exist /none'],
    ['exists', '/none//x', 'NO_NODE', 'exist /none//x'],
    ['exists', '/a\0', 'BAD_ARGUMENTS', undefined],
    ['exists', '/his', 'NO_AUTH', undefined],
    ['getData', '/a', 'OK', 'data /a'],
    ['getData', '/none', 'NO_NODE', undefined],
    ['getData', '/his', 'NO_AUTH', undefined],
    ['getChildren', '/a', 'OK', 'child /a'],
    ['getChildren', '/none', 'NO_NODE', undefined],
    ['getChildren', '/his', 'NO_AUTH', undefined],
  ] as const
  for (const [kind, path, code, watch] of rows) {
    it(`${kind} ${JSON.stringify(path)} → ${code}${watch ? ', watched' : ', no watch'}`, () => {
      const watches = new RecordedWatches()
      expect(codeOf(prepared().read({ kind, path, watch: true }, NOBODY, watches))).to.equal(code)
      expect(watches.calls).to.deep.equal(watch === undefined ? [] : [watch])
    })
  }

  it('set no watch unless asked to', () => {
    const watches = new RecordedWatches()
    for (const kind of reads) prepared().read({ kind, path: '/a', watch: false }, NOBODY, watches)
    prepared().read({ kind: 'exists', path: '/none', watch: false }, NOBODY, watches)
    expect(watches.calls).to.deep.equal([])
  })

  it('answer with data, names and Stat', () => {
    const bench = prepared()
    const stat = bench.replica.tree.stat('/a')
    expect(bench.read({ kind: 'getData', path: '/a', watch: false })).to.deep.equal({
      kind: 'data',
      data: bytes('abc'),
      stat,
    })
    expect(bench.read({ kind: 'getChildren', path: '/a', watch: false })).to.deep.equal({
      kind: 'children',
      children: ['c'],
      stat,
    })
    expect(bench.read({ kind: 'exists', path: '/a', watch: false })).to.deep.equal({ kind: 'stat', stat })
  })

  it('let in whoever the ACL names', () => {
    for (const kind of reads)
      expect(codeOf(prepared().read({ kind, path: '/his', watch: false }, ALICE))).to.equal('OK')
  })

  it('getAcl needs READ or ADMIN, and hides password hashes from those without ADMIN', () => {
    const bench = prepared()
    const idsSeen = (path: string, identities = NOBODY) => {
      const response = bench.read({ kind: 'getAcl', path }, identities)
      return response.kind === 'acl' ? response.acl.map(entry => entry.id) : codeOf(response)
    }
    expect(idsSeen('/none')).to.equal('NO_NODE')
    expect(idsSeen('/his')).to.equal('NO_AUTH')
    expect(idsSeen('/readable')).to.deep.equal(['alice:x', 'anyone'])
    expect(idsSeen('/admin')).to.deep.equal(['alice:hash', 'anyone'])
    expect(idsSeen('/readable', ALICE)).to.deep.equal(['alice:hash', 'anyone'])
    expect(bench.replica.tree.get('/readable')!.acl[0]!.id, 'the stored one is whole').to.equal('alice:hash')
  })

  it('addWatch, removeWatches and setWatches go to the registry unchecked', () => {
    const bench = prepared()
    const watches = new RecordedWatches()
    const nobody = (request: Parameters<Bench['read']>[0]) => codeOf(bench.read(request, NOBODY, watches))
    expect(nobody({ kind: 'addWatch', path: '/none', mode: 'persistentRecursive' })).to.equal('OK')
    expect(nobody({ kind: 'removeWatches', path: '/none', type: 'any' })).to.equal('OK')
    watches.found = false
    expect(nobody({ kind: 'removeWatches', path: '/none', type: 'data' })).to.equal('NO_WATCHER')
    const none = { exist: [], child: [], persistent: [], persistentRecursive: [] }
    expect(nobody({ kind: 'setWatches', since: ZERO, data: ['/a', '/none'], ...none })).to.equal('OK')
    expect(nobody({ kind: 'ping' })).to.equal('OK')
    expect(watches.calls).to.deep.equal([
      'persistentRecursive /none',
      'remove any /none',
      'remove data /none',
      'restore /a there',
      'restore /none gone',
    ])
  })
})
