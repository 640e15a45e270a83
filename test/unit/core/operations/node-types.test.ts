import { expect } from 'chai'
import {
  CONTAINER,
  createModeFromFlag,
  EPHEMERAL,
  type Lifetime,
  PERSISTENT_WITH_TTL,
} from '../../../../lib/model/create-mode.js'
import { CONTAINER_MARK, ttlMark } from '../../../../lib/model/owner.js'
import type { CreateRequest, ReapRequest } from '../../../../lib/model/request.js'
import { Bench, codeOf, create, OTHER, SESSION } from './bench.js'

const container: Partial<CreateRequest> = { mode: CONTAINER, lifetime: { kind: 'container' } }
const ttl = (ttlMs: number): Partial<CreateRequest> => ({ mode: PERSISTENT_WITH_TTL, lifetime: { kind: 'ttl', ttlMs } })

function reapOf(bench: Bench, path: string): ReapRequest {
  return { kind: 'reap', path, mzxid: bench.replica.tree.get(path)!.mzxid }
}

describe('containers and TTL znodes', () => {
  it("have ZooKeeper's marks inside, and no owner for a client", () => {
    const bench = Bench.withSession()
    const rows = [
      ['/container', container, CONTAINER_MARK],
      ['/ttl', ttl(86_400_000), 'ff00000005265c00'],
      ['/long', ttl(2 ** 40 - 1), 'ff0000ffffffffff'],
    ] as const
    for (const [path, more, mark] of rows) {
      const response = bench.run(create(path, more))
      expect(response).to.have.nested.property('stat.ephemeralOwner', undefined)
      expect(bench.replica.tree.get(path)!.owner).to.equal(mark)
      expect(bench.replica.tree.stat(path)!.ephemeralOwner).to.equal(undefined)
    }
    expect([...bench.replica.tree.mortal]).to.deep.equal(rows.map(([path]) => path))
    expect(bench.replica.tree.ephemerals.size).to.equal(0)
  })

  it('by the kind of request, not by the flag', () => {
    const bench = Bench.withSession()
    const owner = (flag: number, lifetime?: Lifetime) => {
      const response = bench.run(create('/q-', { mode: createModeFromFlag(flag), lifetime }))
      if (response.kind !== 'created') throw new Error(codeOf(response))
      const made = bench.replica.tree.get(response.path)!.owner
      bench.run({ kind: 'delete', path: response.path, version: -1 })
      return made
    }
    expect(owner(4)).to.equal(undefined)
    for (const flag of [0, 1, 2, 3, 4]) expect(owner(flag, { kind: 'container' })).to.equal(CONTAINER_MARK)
    for (const flag of [5, 6]) expect(owner(flag, { kind: 'ttl', ttlMs: 9 })).to.equal(ttlMark(9))
  })

  it('outlive every session', () => {
    const bench = Bench.withSession()
    bench.run(create('/container', container))
    bench.run(create('/ttl', ttl(5)))
    bench.run(create('/owned', { mode: EPHEMERAL }))
    bench.run({ kind: 'closeSession' })
    expect([...bench.replica.tree.childrenOf('/')].sort()).to.deep.equal(['container', 'ttl', 'zookeeper'])
  })

  it('TTL znodes are refused where the leader says so, containers are not', () => {
    const bench = new Bench(undefined, 1000, { extendedTypesEnabled: false })
    bench.openSession(SESSION)
    expect(codeOf(bench.run(create('/ttl', ttl(5))))).to.equal('UNIMPLEMENTED')
    expect(codeOf(bench.run(create('/ttl', ttl(-5))))).to.equal('UNIMPLEMENTED')
    expect(codeOf(bench.run(create('/container', container)))).to.equal('OK')
  })
})

describe('reap', () => {
  it('takes away what was judged, as a delete that its parent and watches see', () => {
    const bench = Bench.withSession()
    bench.run(create('/container', container))
    bench.prepare(reapOf(bench, '/container'))
    const [applied] = bench.commit()
    expect(applied!.response.kind).to.equal('done')
    expect(applied!.changes).to.have.lengthOf(1)
    expect(applied!.changes[0]).to.include({ type: 'deleted', path: '/container' })
    expect(bench.replica.tree.get('/')!.pzxid).to.deep.equal(bench.replica.zxid)
    expect(bench.replica.tree.mortal.size).to.equal(0)
  })

  it('spares one that has a child, or gets one', () => {
    const bench = Bench.withSession()
    bench.run(create('/container', container))
    bench.prepare(create('/container/child'))
    bench.prepare(reapOf(bench, '/container'))
    expect(bench.commit().map(({ response }) => codeOf(response))).to.deep.equal(['OK', 'NOT_EMPTY'])
    expect(codeOf(bench.run(reapOf(bench, '/container')))).to.equal('NOT_EMPTY')
  })

  it('spares one that is set meanwhile, gone meanwhile, or another one meanwhile', () => {
    const bench = Bench.withSession()
    bench.run(create('/ttl', ttl(5)))
    const judged = reapOf(bench, '/ttl')
    bench.prepare({ kind: 'setData', path: '/ttl', data: null, version: -1 })
    bench.prepare(judged)
    bench.prepare({ kind: 'delete', path: '/ttl', version: -1 })
    bench.prepare(judged)
    bench.prepare(create('/ttl', ttl(5)))
    bench.prepare(judged)
    const codes = bench.commit().map(({ response }) => codeOf(response))
    expect(codes).to.deep.equal(['OK', 'BAD_VERSION', 'OK', 'NO_NODE', 'OK', 'BAD_VERSION'])
  })

  it('never takes an ordinary znode or an ephemeral', () => {
    const bench = Bench.withSession()
    bench.openSession(OTHER)
    bench.run(create('/plain'))
    bench.run(create('/owned', { mode: EPHEMERAL }), { session: OTHER })
    for (const path of ['/plain', '/owned', '/zookeeper/quota'])
      expect(codeOf(bench.run(reapOf(bench, path))), path).to.equal('BAD_VERSION')
  })
})
