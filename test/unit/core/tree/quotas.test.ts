import { expect } from 'chai'
import fc from 'fast-check'
import { applyTxn } from '../../../../lib/core/operations/apply-txn.js'
import { Replica } from '../../../../lib/core/replica.js'
import { DataTree } from '../../../../lib/core/tree/data-tree.js'
import { EPHEMERAL } from '../../../../lib/model/create-mode.js'
import { sameDigest } from '../../../../lib/model/digest.js'
import { readQuota } from '../../../../lib/model/quota-text.js'
import { bytesOfData } from '../../../../lib/model/znode-data.js'
import { Bench, bytes, codeOf, create, SESSION } from '../operations/bench.js'
import { type RandomWrite, writes } from '../operations/random-requests.js'

const ROOT = '/zookeeper/quota'

function limit(bench: Bench, path: string, text: string): void {
  for (let at = path.indexOf('/', 1); at > 0; at = path.indexOf('/', at + 1))
    bench.run(create(ROOT + path.slice(0, at)))
  bench.run(create(ROOT + path))
  bench.run(create(`${ROOT}${path}/zookeeper_limits`, { data: bytes(text) }))
  bench.run(create(`${ROOT}${path}/zookeeper_stats`))
}

function textAt(tree: DataTree, path: string): string | undefined {
  const znode = tree.get(path)
  return znode === undefined ? undefined : new TextDecoder().decode(bytesOfData(znode.data) ?? new Uint8Array(0))
}
const statistics = (bench: Bench, path: string) => textAt(bench.replica.tree, `${ROOT}${path}/zookeeper_stats`)

function prepared(text: string): Bench {
  const bench = Bench.withSession()
  bench.run(create('/a', { data: bytes('four') }))
  bench.run(create('/a/b', { data: bytes('xy') }))
  bench.run(create('/ab', { data: bytes('not counted') }))
  limit(bench, '/a', text)
  return bench
}

describe('quotas', () => {
  it('count the subtree with its root when the statistics are made, and every change from then on', () => {
    const bench = prepared('count=-1,bytes=-1')
    expect(statistics(bench, '/a')).to.equal('count=2,bytes=6')
    bench.run(create('/a/b/c', { data: bytes('123'), mode: EPHEMERAL }))
    bench.run({ kind: 'setData', path: '/a', data: null, version: -1 })
    bench.run(create('/ab/c', { data: bytes('not counted') }))
    expect(statistics(bench, '/a')).to.equal('count=3,bytes=5')
    bench.run({ kind: 'closeSession' })
    expect(statistics(bench, '/a')).to.equal('count=2,bytes=2')
  })

  it('change in place: no version, no zxid, no event; ZooKeeper’s digest does not see it, ours does (D9)', () => {
    const bench = prepared('count=-1,bytes=-1')
    const path = `${ROOT}/a/zookeeper_stats`
    const before = bench.replica.tree.get(path)!
    bench.prepare(create('/a/c'))
    const [applied] = bench.commit()
    expect(applied!.changes.map(change => change.path)).to.deep.equal(['/a/c'])
    const after = bench.replica.tree.get(path)!
    const { nodes, ...image } = bench.replica.image()
    const stale = new DataTree(new Map(nodes).set(path, before))
    expect(stale.statDigest).to.deep.equal(bench.replica.tree.statDigest)
    expect(sameDigest({ ...image.digest, system: stale.systemDigest }, image.digest)).to.equal(false)
    expect({ ...after, data: '', content: 0 }).to.deep.equal({ ...before, data: '', content: 0 })
    expect(Replica.from(bench.replica.image()).digest).to.deep.equal(bench.replica.digest)
  })

  it('count for the deepest only, and end with the limits', () => {
    const bench = prepared('count=-1,bytes=-1')
    limit(bench, '/a/b', 'count=-1,bytes=-1')
    expect([statistics(bench, '/a'), statistics(bench, '/a/b')]).to.deep.equal(['count=2,bytes=6', 'count=1,bytes=2'])
    bench.run(create('/a/b/c', { data: bytes('1') }))
    bench.run(create('/a/d', { data: bytes('12') }))
    expect([statistics(bench, '/a'), statistics(bench, '/a/b')]).to.deep.equal(['count=3,bytes=8', 'count=2,bytes=3'])
    bench.run({ kind: 'delete', path: `${ROOT}/a/b/zookeeper_limits`, version: -1 })
    bench.run(create('/a/b/e'))
    expect([statistics(bench, '/a'), statistics(bench, '/a/b')]).to.deep.equal(['count=4,bytes=8', 'count=2,bytes=3'])
    expect(bench.replica.tree.quotas.size).to.equal(1)
  })

  it('a hard limit refuses what goes beyond it, growing or shrinking, and nothing else', () => {
    const bench = prepared('count=1,bytes=1=;byteHardLimit=8;countHardLimit=3')
    const set = (path: string, length: number, version = -1) =>
      codeOf(bench.run({ kind: 'setData', path, data: new Uint8Array(length), version }))
    expect(codeOf(bench.run(create('/a/c')))).to.equal('OK')
    expect(codeOf(bench.run(create('/a/d')))).to.equal('QUOTA_EXCEEDED')
    expect(codeOf(bench.run(create('/a')))).to.equal('NODE_EXISTS')
    expect(set('/a/c', 2)).to.equal('OK')
    expect(set('/a/c', 3)).to.equal('QUOTA_EXCEEDED')
    expect(set('/a/c', 2)).to.equal('OK')
    expect(set('/a/c', 3, 7), 'before the version').to.equal('QUOTA_EXCEEDED')
    bench.run({ kind: 'setData', path: `${ROOT}/a/zookeeper_limits`, data: bytes('byteHardLimit=3'), version: -1 })
    expect(set('/a/c', 1), 'smaller, but still beyond').to.equal('QUOTA_EXCEEDED')
    expect(codeOf(bench.run(create('/ab/c')))).to.equal('OK')
  })

  it('is checked against what is applied: pipelined writes overshoot, and so does a multi', () => {
    const bench = prepared('countHardLimit=3')
    for (const path of ['/a/c', '/a/d']) bench.prepare(create(path))
    expect(bench.commit().map(({ response }) => codeOf(response))).to.deep.equal(['OK', 'OK'])
    expect(codeOf(bench.run(create('/a/e')))).to.equal('QUOTA_EXCEEDED')
  })

  it('tells of a soft limit and refuses nothing, and of a hard one where it is not enforced', () => {
    const soft = prepared('count=2,bytes=-1')
    expect(codeOf(soft.run(create('/a/c')))).to.equal('OK')
    expect(soft.reports).to.deep.equal(['quota of /a: 3 znodes, soft limit 2'])
    const lax = new Bench(prepared('byteHardLimit=7').replica, 1000, { enforceQuota: false })
    expect(codeOf(lax.run(create('/a/c', { data: bytes('12') })))).to.equal('OK')
    expect(lax.reports).to.deep.equal(['quota of /a: 8 bytes, hard limit 7'])
  })

  it('is of no consequence where limits or statistics are missing, are no text or belong to the root', () => {
    const bench = prepared('\u00ff=\u0000')
    bench.run({ kind: 'delete', path: `${ROOT}/a/zookeeper_stats`, version: -1 })
    expect(codeOf(bench.run(create('/a/c')))).to.equal('OK')
    bench.run(create(`${ROOT}/zookeeper_limits`, { data: bytes('countHardLimit=1') }))
    bench.run(create(`${ROOT}/zookeeper_stats`))
    expect(statistics(bench, '')).to.match(/^count=1\d,bytes=/)
    expect(codeOf(bench.run(create('/free')))).to.equal('OK')
  })

  const quotaWrites: fc.Arbitrary<RandomWrite> = fc
    .tuple(
      fc.constantFrom('/a', '/a/a', '/b'),
      fc.constantFrom('zookeeper_limits', 'zookeeper_stats', undefined),
      fc.constantFrom('create', 'create', 'delete', 'set'),
    )
    .map(([path, name, what]) => {
      const at = ROOT + path + (name === undefined ? '' : `/${name}`)
      const data = bytes('count=3,bytes=9=;countHardLimit=4')
      const request =
        what === 'create'
          ? create(at, { data })
          : what === 'delete'
            ? ({ kind: 'delete', path: at, version: -1 } as const)
            : ({ kind: 'setData', path: at, data, version: -1 } as const)
      return { request, session: SESSION }
    })

  it('Z26, Z27: replicas have the same statistics, by a checkpoint and the log behind it, and by every txn', () => {
    const runs = fc.array(fc.oneof({ weight: 3, arbitrary: writes }, quotaWrites), { maxLength: 60, size: 'max' })
    fc.assert(
      fc.property(runs, fc.nat(60), (all, cut) => {
        const bench = Bench.withSession()
        for (const { request, session } of all.slice(0, cut)) bench.run(request, { session })
        const restored = Replica.from(bench.replica.image())
        const behind = bench.log.length
        for (const { request, session } of all.slice(cut)) bench.run(request, { session })
        for (const proposal of bench.log.slice(behind)) applyTxn(restored, proposal)
        const second = Replica.empty()
        for (const proposal of bench.log) applyTxn(second, structuredClone(proposal))
        const quotasOf = (replica: Replica) =>
          [...replica.tree.entries()]
            .filter(([path]) => path.startsWith(ROOT))
            .map(([path]) => [path, textAt(replica.tree, path)])
            .sort()
        expect(quotasOf(restored)).to.deep.equal(quotasOf(bench.replica))
        expect(quotasOf(second)).to.deep.equal(quotasOf(bench.replica))
        expect(restored.tree.quotas.size).to.equal(bench.replica.tree.quotas.size)
      }),
      { numRuns: 300 },
    )
  })

  it('agree with a count of the subtree, however it changed', () => {
    fc.assert(
      fc.property(fc.array(writes, { maxLength: 60, size: 'max' }), all => {
        const bench = prepared('count=-1,bytes=-1')
        for (const { request, session } of all) bench.run(request, { session })
        const inside = [...bench.replica.tree.entries()].filter(([path]) => path === '/a' || path.startsWith('/a/'))
        const used = readQuota(statistics(bench, '/a')!)
        expect(used.count).to.equal(inside.length)
        expect(used.bytes).to.equal(inside.reduce((sum, [, znode]) => sum + (znode.data?.length ?? 0), 0))
      }),
    )
  })
})
