import { expect } from 'chai'
import fc from 'fast-check'
import { OPEN_ACL_UNSAFE } from '../../../../lib/model/acl.js'
import { EPHEMERAL_SEQUENTIAL, PERSISTENT_SEQUENTIAL } from '../../../../lib/model/create-mode.js'
import type { MultiStep } from '../../../../lib/model/request.js'
import { Bench, bytes, codeOf, create } from './bench.js'
import { multiSteps, writes } from './random-requests.js'

describe('multi', () => {
  it('is refused as a whole when it would not fit into a message, though each step would', () => {
    const bench = Bench.withSession()
    const before = bench.preparation.overlay.state('/')
    const steps = Array.from({ length: 3000 }, (_, n) => create(`/n-${n}`))
    const { txn } = bench.prepare({ kind: 'multi', steps })
    expect(txn).to.deep.equal({ kind: 'error', code: 'BAD_ARGUMENTS' })
    expect(bench.preparation.overlay.state('/')).to.deep.equal(before)
    expect(bench.commit().map(({ response }) => codeOf(response))).to.deep.equal(['BAD_ARGUMENTS'])
    expect(codeOf(bench.run({ kind: 'multi', steps: steps.slice(0, 500) }))).to.equal('OK')
  })

  it('C9: each step sees those before it; one zxid and one time; Stats of the moment', () => {
    const bench = Bench.withSession()
    bench.prepare({
      kind: 'multi',
      steps: [
        create('/a'),
        create('/a/b'),
        { kind: 'setData', path: '/a', data: bytes('xy'), version: 0 },
        { kind: 'check', path: '/a', version: 1 },
        { kind: 'delete', path: '/a/b', version: -1 },
      ],
    })
    const [applied] = bench.commit()
    const response = applied!.response
    if (response.kind !== 'multi') throw new Error('expected a multi')
    expect(response.failed).to.equal(false)
    expect(response.results.map(result => result.kind)).to.deep.equal(['created', 'created', 'stat', 'done', 'done'])
    expect(response.results[0]).to.have.nested.property('stat.numChildren', 0)
    expect(response.results[2]).to.deep.include({ kind: 'stat' }).and.have.nested.property('stat.dataLength', 2)
    expect(applied!.changes).to.deep.equal([
      { type: 'created', path: '/a', acl: OPEN_ACL_UNSAFE },
      { type: 'created', path: '/a/b', acl: OPEN_ACL_UNSAFE },
      { type: 'dataChanged', path: '/a', acl: OPEN_ACL_UNSAFE },
      { type: 'deleted', path: '/a/b', acl: OPEN_ACL_UNSAFE },
    ])
    const at = bench.replica.zxid
    expect(bench.replica.tree.stat('/a')).to.include({ version: 1, cversion: 2, numChildren: 0 })
    expect(bench.replica.tree.get('/a')).to.deep.include({ czxid: at, mzxid: at, pzxid: at })
  })

  it('C9: a failed one answers OK, the code, RUNTIME_INCONSISTENCY, and changes nothing', () => {
    const bench = Bench.withSession()
    const before = bench.replica.digest
    const response = bench.run({
      kind: 'multi',
      steps: [create('/a'), { kind: 'delete', path: '/none', version: -1 }, create('/b')],
    })
    if (response.kind !== 'multi') throw new Error('expected a multi')
    expect(response.failed).to.equal(true)
    expect(response.results.map(result => (result.kind === 'error' ? result.code : ''))).to.deep.equal([
      'OK',
      'NO_NODE',
      'RUNTIME_INCONSISTENCY',
    ])
    expect(bench.replica.digest).to.deep.equal(before)
  })

  it('succeeds without steps', () => {
    const response = Bench.withSession().run({ kind: 'multi', steps: [] })
    expect(response).to.deep.equal({ kind: 'multi', failed: false, results: [] })
  })

  it('bounds the data of all steps together', () => {
    const steps: MultiStep[] = [
      create('/a', { data: new Uint8Array(600) }),
      create('/b', { data: new Uint8Array(401) }),
    ]
    const response = Bench.withSession().run({ kind: 'multi', steps })
    if (response.kind !== 'multi') throw new Error('expected a multi')
    expect(response.results.map(codeOf)).to.deep.equal(['OK', 'BAD_ARGUMENTS'])
  })

  it('C11: a failed one gives its sequence numbers back', () => {
    const bench = Bench.withSession()
    const numbered = create('/n-', { mode: PERSISTENT_SEQUENTIAL })
    bench.prepare(numbered)
    bench.prepare({ kind: 'multi', steps: [numbered, create('/e', { mode: EPHEMERAL_SEQUENTIAL }), create('/')] })
    bench.prepare(numbered)
    bench.commit()
    expect([...bench.replica.tree.childrenOf('/')]).to.deep.equal(['zookeeper', 'n-0000000000', 'n-0000000001'])
  })

  it('C9: after a failed one the state-to-be is exactly what it was', () => {
    fc.assert(
      fc.property(
        fc.array(writes, { maxLength: 15, size: 'max' }),
        fc.nat(15),
        multiSteps,
        (before, committed, steps) => {
          const bench = Bench.withSession()
          for (const { request, session } of before) bench.prepare(request, { session })
          bench.commit(Math.min(committed, before.length))
          const { overlay } = bench.preparation
          const pending = new Map(overlay.entries())
          const owned = overlay.ephemeralsOf('0100000000000001' as never).sort()
          const failing: MultiStep = { kind: 'delete', path: '/', version: -1 }
          const { txn } = bench.prepare({ kind: 'multi', steps: [...steps, failing] })
          expect(txn).to.have.nested.property('steps[0].kind', 'error')
          expect(new Map(overlay.entries())).to.deep.equal(pending)
          expect(overlay.ephemeralsOf('0100000000000001' as never).sort()).to.deep.equal(owned)
          bench.commit()
          expect(overlay.size, 'nothing stays pending').to.equal(0)
        },
      ),
    )
  })
})
