import { expect } from 'chai'
import { type Acl, Permission } from '../../../../lib/model/acl.js'
import { EPHEMERAL } from '../../../../lib/model/create-mode.js'
import { ZERO } from '../../../../lib/model/zxid.js'
import { ALICE, Bench, bytes, codeOf, create, NOBODY, OTHER, RecordedWatches } from './bench.js'

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

  it("countDescendants counts all below, the system's too, and needs READ on the znode alone", () => {
    const bench = prepared()
    bench.run(create('/a/c/d'))
    bench.run(create('/ab'))
    const count = (path: string, identities = NOBODY) => {
      const response = bench.read({ kind: 'countDescendants', path }, identities)
      return response.kind === 'count' ? response.count : codeOf(response)
    }
    expect(['/', '/a', '/a/c', '/ab', '/zookeeper', '/none', '/his'].map(path => count(path))).to.deep.equal([
      10,
      2,
      1,
      0,
      2,
      'NO_NODE',
      'NO_AUTH',
    ])
    expect(count('/his', ALICE)).to.equal(0)
  })

  it("getEphemerals: the asking session's, whose path begins with the text", () => {
    const bench = prepared()
    bench.openSession(OTHER)
    for (const path of ['/a/e', '/ae', '/f']) bench.run(create(path, { mode: EPHEMERAL }))
    bench.run(create('/a/his', { mode: EPHEMERAL }), { session: OTHER })
    const owned = (prefix: string) => {
      const response = bench.read({ kind: 'getEphemerals', prefix }, NOBODY)
      return response.kind === 'paths' ? [...response.paths].sort() : codeOf(response)
    }
    for (const all of ['/', '', ' ']) expect(owned(all)).to.deep.equal(['/a/e', '/ae', '/f'])
    expect(owned('/a')).to.deep.equal(['/a/e', '/ae'])
    expect(owned('/a/')).to.deep.equal(['/a/e'])
    expect(owned('/none')).to.deep.equal([])
  })

  it('multiRead: one result or error per step, and no watch', () => {
    const bench = prepared()
    const watches = new RecordedWatches()
    const stat = bench.replica.tree.stat('/a')
    const steps = [
      { kind: 'getData', path: '/a', watch: true },
      { kind: 'getData', path: '/none', watch: true },
      { kind: 'getChildren', path: '/his', watch: true },
      { kind: 'getChildren', path: '/a', watch: true },
    ] as const
    expect(bench.read({ kind: 'multiRead', steps }, NOBODY, watches)).to.deep.equal({
      kind: 'multiRead',
      results: [
        { kind: 'data', data: bytes('abc'), stat },
        { kind: 'error', code: 'NO_NODE' },
        { kind: 'error', code: 'NO_AUTH' },
        { kind: 'children', children: ['c'], stat },
      ],
    })
    expect(watches.calls).to.deep.equal([])
    expect(bench.read({ kind: 'multiRead', steps: [] })).to.deep.equal({ kind: 'multiRead', results: [] })
  })

  it('checkWatches asks, and removes nothing', () => {
    const watches = new RecordedWatches()
    const ask = () => codeOf(prepared().read({ kind: 'checkWatches', path: '/none', type: 'data' }, NOBODY, watches))
    expect(ask()).to.equal('OK')
    watches.found = false
    expect(ask()).to.equal('NO_WATCHER')
    expect(watches.calls).to.deep.equal(['has data /none', 'has data /none'])
  })

  it('whoAmI tells names, in order, without what proves them', () => {
    const known = [
      { scheme: 'ip', id: '127.0.0.1' },
      { scheme: 'digest', id: 'alice:hash' },
      { scheme: 'super', id: '' },
    ]
    expect(prepared().read({ kind: 'whoAmI' }, known)).to.deep.equal({
      kind: 'identities',
      identities: [
        { scheme: 'ip', user: '127.0.0.1' },
        { scheme: 'digest', user: 'alice' },
        { scheme: 'super', user: '' },
      ],
    })
  })
})
