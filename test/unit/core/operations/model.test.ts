import { expect } from 'chai'
import fc from 'fast-check'
import { applyTxn } from '../../../../lib/core/operations/apply-txn.js'
import { Replica } from '../../../../lib/core/replica.js'
import { sessionOf } from '../../../../lib/model/owner.js'
import type { Response } from '../../../../lib/model/response.js'
import { bytesOfData } from '../../../../lib/model/znode-data.js'
import { Bench, codeOf, OTHER, SESSION } from './bench.js'
import { type RandomWrite, writes } from './random-requests.js'
import { ReferenceTree } from './reference-tree.js'

const runs = fc.array(writes, { maxLength: 60, size: 'max' })

function bench(): Bench {
  const made = Bench.withSession()
  made.openSession(OTHER)
  return made
}

function codes(response: Response): string[] {
  return response.kind === 'multi' ? response.results.map(codeOf) : [codeOf(response)]
}

function everything(replica: Replica) {
  const { tree, sessions } = replica
  const nodes = [...tree.entries()].map(([path, znode]) => [
    path,
    {
      ...tree.statOf(path, znode),
      data: znode.data === null ? null : [...bytesOfData(znode.data)!],
      acl: znode.acl,
    },
  ])
  return {
    nodes: new Map(nodes as [string, object][]),
    sessions: [...sessions.all()].map(record => record.session).sort(),
  }
}

function expected(reference: ReferenceTree) {
  const at = (counter: number) => ({ epoch: counter === 0 ? 0 : 1, counter })
  const nodes = [...reference.nodes].map(([path, node]) => {
    const numChildren = reference.children(path).length
    return [
      path,
      {
        czxid: at(node.czxid),
        mzxid: at(node.mzxid),
        pzxid: at(node.pzxid),
        ctime: node.ctime,
        mtime: node.mtime,
        version: node.version,
        cversion: 2 * node.creations - numChildren,
        aversion: node.aversion,
        ephemeralOwner: sessionOf(node.owner),
        dataLength: node.data?.length ?? 0,
        numChildren,
        data: node.data,
        acl: node.acl,
      },
    ]
  })
  return { nodes: new Map(nodes as [string, object][]), sessions: [...reference.sessions].sort() }
}

function runAll(made: Bench, all: readonly RandomWrite[]): void {
  for (const { request, session } of all) made.run(request, { session })
}

describe('prepare and apply', () => {
  it('C10, C12, S4: do what a simple tree does, request by request', () => {
    fc.assert(
      fc.property(runs, all => {
        const made = bench()
        const reference = new ReferenceTree()
        reference.sessions.add(SESSION).add(OTHER)
        for (const { request, session } of all) {
          const response = made.run(request, { session })
          const { zxid, time } = made.log.at(-1)!
          expect(codes(response)).to.deep.equal(reference.run(request, session, zxid.counter, time))
        }
        expect(everything(made.replica)).to.deep.equal(expected(reference))
        for (const [, znode] of made.replica.tree.entries()) {
          const owner = sessionOf(znode.owner)
          if (owner !== undefined)
            expect(made.replica.sessions.has(owner), 'S4: an ephemeral has a live owner').to.equal(true)
        }
      }),
      { numRuns: 300 },
    )
  })

  it('pipelined: many prepared before the first is applied give the same txns', () => {
    fc.assert(
      fc.property(runs, fc.array(fc.constantFrom(0, 0, 0, 1, 1, 3), { maxLength: 60, size: 'max' }), (all, commits) => {
        const sequential = bench()
        runAll(sequential, all)
        const pipelined = bench()
        for (const [at, { request, session }] of all.entries()) {
          pipelined.prepare(request, { session })
          pipelined.commit(commits[at] ?? 0)
        }
        pipelined.commit()
        expect(pipelined.log).to.deep.equal(sequential.log)
        expect(pipelined.replica.digest).to.deep.equal(sequential.replica.digest)
        expect(pipelined.preparation.overlay.size + pipelined.preparation.sessions.size).to.equal(0)
      }),
      { numRuns: 300 },
    )
  })

  it('Z26: a second replica that applies the same txns is equal, and so is its digest', () => {
    fc.assert(
      fc.property(runs, all => {
        const made = bench()
        runAll(made, all)
        const second = Replica.empty()
        for (const proposal of made.log) applyTxn(second, structuredClone(proposal))
        expect(everything(second)).to.deep.equal(everything(made.replica))
        expect(second.digest).to.deep.equal(made.replica.digest)
      }),
    )
  })

  it('Z26: the digest kept up to date equals the one computed anew', () => {
    fc.assert(
      fc.property(runs, all => {
        const made = bench()
        runAll(made, all)
        expect(Replica.from(made.replica.image()).digest).to.deep.equal(made.replica.digest)
      }),
    )
  })

  it('Z27, S5: an image and the log behind it give the same state', () => {
    fc.assert(
      fc.property(runs, fc.nat(60), (all, cut) => {
        const made = bench()
        runAll(made, all.slice(0, cut))
        const image = made.replica.image()
        runAll(made, all.slice(cut))
        const restored = Replica.from(image)
        for (const proposal of made.log.slice(image.zxid.counter)) applyTxn(restored, proposal)
        expect(everything(restored)).to.deep.equal(everything(made.replica))
        expect(restored.digest).to.deep.equal(made.replica.digest)
        for (const session of [SESSION, OTHER]) {
          expect([...restored.tree.ephemerals.of(session)].sort()).to.deep.equal(
            [...made.replica.tree.ephemerals.of(session)].sort(),
          )
        }
      }),
    )
  })

  it('Z27: checkpoints of what changed add up to the image', () => {
    fc.assert(
      fc.property(runs, fc.array(fc.nat(60), { maxLength: 4 }), (all, cuts) => {
        const made = bench()
        const nodes = new Map()
        const sessions = new Map()
        const checkpoint = () => {
          const changes = made.replica.captureChanges()
          for (const [path, znode] of changes.nodes) znode === undefined ? nodes.delete(path) : nodes.set(path, znode)
          for (const [id, record] of changes.sessions)
            record === undefined ? sessions.delete(id) : sessions.set(id, record)
        }
        for (const [at, { request, session }] of all.entries()) {
          if (cuts.includes(at)) checkpoint()
          made.run(request, { session })
        }
        checkpoint()
        const image = { ...made.replica.image(), nodes, sessions: sessions.values() }
        const restored = Replica.from(image)
        expect(everything(restored)).to.deep.equal(everything(made.replica))
        expect(restored.digest).to.deep.equal(made.replica.digest)
      }),
    )
  })
})
