import { expect } from 'chai'
import { applyTxn } from '../../../../lib/core/operations/apply-txn.js'
import { Replica } from '../../../../lib/core/replica.js'
import { OPEN_ACL_UNSAFE } from '../../../../lib/model/acl.js'
import { EPHEMERAL, PERSISTENT_SEQUENTIAL } from '../../../../lib/model/create-mode.js'
import { InvariantViolation } from '../../../../lib/model/invariant.js'
import type { Znode } from '../../../../lib/model/znode.js'
import { ZERO, zxid } from '../../../../lib/model/zxid.js'
import { Bench, bytes, codeOf, create, OTHER, SESSION } from './bench.js'

/** A bench whose tree holds `/n` with these counters. */
function withNode(counters: Partial<Znode>): Bench {
  const znode: Znode = {
    data: null,
    acl: OPEN_ACL_UNSAFE,
    czxid: ZERO,
    mzxid: ZERO,
    pzxid: ZERO,
    ctime: 0,
    mtime: 0,
    version: 0,
    cversion: 0,
    aversion: 0,
    owner: undefined,
    ...counters,
  }
  const image = { ...Replica.empty().image(), nodes: [['/n', znode]] as const }
  const bench = new Bench(Replica.from(image))
  bench.openSession(SESSION)
  return bench
}

describe('Stat', () => {
  it('is all zero for the system znodes, and /zookeeper/config has version -1', () => {
    const { tree } = Replica.empty()
    const zero = { czxid: ZERO, mzxid: ZERO, pzxid: ZERO, ctime: 0, mtime: 0, ephemeralOwner: undefined, dataLength: 0 }
    expect(tree.stat('/')).to.deep.equal({ ...zero, version: 0, aversion: 0, cversion: -1, numChildren: 1 })
    expect(tree.stat('/zookeeper')).to.deep.equal({ ...zero, version: 0, aversion: 0, cversion: -2, numChildren: 2 })
    expect(tree.stat('/zookeeper/quota')).to.deep.equal({
      ...zero,
      version: 0,
      aversion: 0,
      cversion: 0,
      numChildren: 0,
    })
    expect(tree.stat('/zookeeper/config')).to.deep.equal({
      ...zero,
      version: -1,
      aversion: -1,
      cversion: 0,
      numChildren: 0,
    })
    expect(tree.size).to.equal(4)
  })

  it('of the parent: a create and a delete raise cversion and pzxid; setData on the child raises neither', () => {
    const bench = Bench.withSession()
    bench.run(create('/p'))
    bench.run(create('/p/c', { data: bytes('abc') }))
    const created = bench.replica.zxid
    expect(bench.replica.tree.stat('/p')).to.deep.include({ cversion: 1, numChildren: 1, pzxid: created, version: 0 })
    bench.run({ kind: 'setData', path: '/p/c', data: null, version: 0 })
    expect(bench.replica.tree.stat('/p')).to.deep.include({ cversion: 1, pzxid: created })
    expect(bench.replica.tree.stat('/p/c')).to.deep.include({
      version: 1,
      mzxid: bench.replica.zxid,
      pzxid: created,
      dataLength: 0,
    })
    bench.run({ kind: 'delete', path: '/p/c', version: 1 })
    expect(bench.replica.tree.stat('/p')).to.deep.include({ cversion: 2, numChildren: 0, pzxid: bench.replica.zxid })
    expect(bench.replica.tree.get('/p')).to.include({ cversion: 1 })
  })

  it('setAcl changes aversion and the ACL, and no zxid or time', () => {
    const bench = Bench.withSession()
    bench.run(create('/p'))
    const before = bench.replica.tree.stat('/p')!
    bench.prepare({ kind: 'setAcl', path: '/p', acl: [{ perms: 1, scheme: 'world', id: 'anyone' }], version: -1 })
    const [applied] = bench.commit()
    expect(applied!.changes).to.deep.equal([])
    expect(applied!.response).to.deep.equal({ kind: 'stat', stat: { ...before, aversion: 1 } })
  })

  it('null data stays null, empty data stays empty', () => {
    const bench = Bench.withSession()
    bench.run(create('/null'))
    bench.run(create('/empty', { data: new Uint8Array(0) }))
    expect(bench.read({ kind: 'getData', path: '/null', watch: false })).to.include({ data: null })
    expect(bench.read({ kind: 'getData', path: '/empty', watch: false })).to.have.deep.property(
      'data',
      new Uint8Array(0),
    )
  })

  it('C10: versions wrap to the most negative number and leave -1 out', () => {
    const high = withNode({ version: 2147483647 })
    high.run({ kind: 'setData', path: '/n', data: null, version: -1 })
    expect(high.replica.tree.get('/n')!.version).to.equal(-2147483648)
    const low = withNode({ version: -2, aversion: -2 })
    low.run({ kind: 'setData', path: '/n', data: null, version: -2 })
    low.run({ kind: 'setAcl', path: '/n', acl: OPEN_ACL_UNSAFE, version: -2 })
    expect(low.replica.tree.get('/n')).to.include({ version: 0, aversion: 0 })
  })

  it('C11: sequence numbers count every create, overflow into the negative and go on', () => {
    const bench = withNode({ cversion: 2147483646 })
    const numbered = create('/n/x', { mode: PERSISTENT_SEQUENTIAL })
    for (let i = 0; i < 4; i += 1) bench.prepare(numbered)
    bench.commit()
    bench.run(create('/n/plain'))
    bench.run({ kind: 'delete', path: '/n/plain', version: -1 })
    bench.run(numbered)
    expect([...bench.replica.tree.childrenOf('/n')]).to.deep.equal([
      'x2147483646',
      'x2147483647',
      'x-2147483648',
      'x-2147483647',
      'x-2147483645',
    ])
  })
})

describe('sessions', () => {
  it('S4: closing deletes every ephemeral, pending ones too, in path order, in one txn', () => {
    const bench = Bench.withSession()
    bench.openSession(OTHER)
    bench.run(create('/b', { mode: EPHEMERAL }))
    bench.run(create('/other', { mode: EPHEMERAL }), { session: OTHER })
    bench.prepare(create('/a', { mode: EPHEMERAL }))
    bench.prepare({ kind: 'delete', path: '/b', version: -1 })
    bench.prepare(create('/b', { mode: EPHEMERAL }), { session: OTHER })
    bench.prepare(create('/c', { mode: EPHEMERAL }))
    bench.prepare({ kind: 'closeSession' })
    bench.prepare(create('/late', { mode: EPHEMERAL }))
    const reused = bench.prepare(create('/a'), { session: OTHER })
    expect(reused.txn.kind, 'the state-to-be has /a free').to.equal('create')
    const applied = bench.commit()
    expect(applied[4]).to.deep.include({
      closedSession: SESSION,
      changes: [
        { type: 'deleted', path: '/a', acl: OPEN_ACL_UNSAFE },
        { type: 'deleted', path: '/c', acl: OPEN_ACL_UNSAFE },
      ],
    })
    expect(codeOf(applied[5]!.response)).to.equal('SESSION_EXPIRED')
    expect([...bench.replica.tree.ephemerals.of(SESSION)]).to.deep.equal([])
    expect([...bench.replica.tree.ephemerals.of(OTHER)]).to.deep.equal(['/other', '/b'])
    expect(bench.replica.sessions.has(SESSION)).to.equal(false)
  })

  it('a session lives from the moment its createSession is prepared', () => {
    const bench = new Bench()
    bench.prepare({ kind: 'createSession', session: SESSION, timeoutMs: 1, password: new Uint8Array(16) })
    expect(bench.prepare(create('/e', { mode: EPHEMERAL })).txn).to.include({ kind: 'create', owner: SESSION })
  })

  it('a deleted znode is told with the ACL it had', () => {
    const bench = Bench.withSession()
    const acl = [{ perms: 31, scheme: 'digest', id: 'a:b' }]
    bench.run(create('/secret', { acl }))
    bench.prepare({ kind: 'delete', path: '/secret', version: -1 })
    expect(bench.commit()[0]!.changes).to.deep.equal([{ type: 'deleted', path: '/secret', acl }])
  })

  it('closing twice is harmless', () => {
    const bench = Bench.withSession()
    bench.run({ kind: 'closeSession' })
    const before = bench.replica.digest
    expect(bench.run({ kind: 'closeSession' })).to.deep.equal({ kind: 'done' })
    expect(bench.replica.digest).to.deep.equal(before)
  })
})

describe('applying over a newer state', () => {
  /** `/p` with `/p/a`, changed once more since. */
  function newer() {
    const bench = Bench.withSession()
    bench.run(create('/p'))
    bench.run(create('/p/a'))
    bench.run(create('/p/b'))
    bench.run({ kind: 'delete', path: '/p/b', version: -1 })
    bench.run({ kind: 'setData', path: '/p/a', data: bytes('1'), version: -1 })
    bench.run({ kind: 'setAcl', path: '/p/a', acl: [{ perms: 31, scheme: 'digest', id: 'a:b' }], version: -1 })
    bench.run({ kind: 'setData', path: '/p/a', data: bytes('2'), version: -1 })
    bench.run({ kind: 'multi', steps: [create('/p/c'), { kind: 'delete', path: '/p/c', version: -1 }] })
    bench.run({ kind: 'delete', path: '/p/a', version: -1 })
    bench.run(create('/p/a'))
    bench.run(create('/q'))
    bench.run(create('/q/a'))
    bench.run({ kind: 'delete', path: '/q/a', version: -1 })
    bench.run({ kind: 'delete', path: '/q', version: -1 })
    bench.run(create('/q'))
    return bench
  }

  it('Z27: a txn that the state has already changes nothing that is newer', () => {
    const bench = newer()
    for (const proposal of bench.log) {
      const { txn } = proposal
      if (txn.kind === 'create' && txn.path === '/p/b') continue // its delete follows: see below
      if (txn.kind === 'multi' || txn.kind === 'setAcl') continue
      const replica = Replica.from({ ...bench.replica.image(), zxid: ZERO })
      applyTxn(replica, proposal)
      expect(replica.digest, `${txn.kind} ${proposal.zxid.counter}`).to.deep.equal(bench.replica.digest)
    }
  })

  it('Z27: replaying from any earlier point ends in the same state', () => {
    const bench = newer()
    for (let from = 0; from < bench.log.length; from += 1) {
      const replica = Replica.from({ ...bench.replica.image(), zxid: ZERO })
      for (const proposal of bench.log.slice(from)) applyTxn(replica, proposal)
      expect(replica.digest, `from ${from}`).to.deep.equal(bench.replica.digest)
    }
  })

  it('answers, and raises only what is behind, when a txn does not fit', () => {
    const { replica } = Bench.withSession()
    const at = (counter: number) => ({ zxid: zxid(1, counter), previous: ZERO, session: SESSION, cxid: 0, time: 1 })
    const orphan = {
      kind: 'create',
      path: '/no/a',
      data: null,
      acl: OPEN_ACL_UNSAFE,
      owner: undefined,
      parentCversion: 1,
    } as const
    expect(codeOf(applyTxn(replica, { ...at(5), txn: orphan }).response)).to.equal('NO_NODE')
    const gone = { kind: 'delete', path: '/gone', replaces: ZERO } as const
    expect(codeOf(applyTxn(replica, { ...at(6), txn: gone }).response)).to.equal('NO_NODE')
    expect(replica.tree.get('/')!.pzxid).to.deep.equal(zxid(1, 6))
    const data = { kind: 'setData', path: '/gone', data: null, version: 1, replaces: ZERO } as const
    expect(codeOf(applyTxn(replica, { ...at(7), txn: data }).response)).to.equal('NO_NODE')
  })

  it('refuses to apply the same zxid twice', () => {
    const bench = Bench.withSession()
    expect(() => applyTxn(bench.replica, bench.log[0]!)).to.throw(InvariantViolation)
  })
})
