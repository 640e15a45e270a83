import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import fc from 'fast-check'
import { decodeSnapshotChunk, SnapshotChunkWriter } from '../../../../lib/codec/snapshot-chunk.js'
import { decodeZnode, encodeSession, encodeZnode } from '../../../../lib/codec/tree-codec.js'
import { EMPTY_DIGEST } from '../../../../lib/model/digest.js'
import type { Znode } from '../../../../lib/model/znode.js'
import { ZERO, zxid } from '../../../../lib/model/zxid.js'
import { checkpointOperation } from '../../../../lib/storage/level/checkpoint-record.js'
import { type Database, openDatabase, writeBatch } from '../../../../lib/storage/level/database.js'
import { nodesOf, packsOf } from '../../../../lib/storage/level/keys.js'
import { TreeStore } from '../../../../lib/storage/level/tree-store.js'
import { changes, plainZnode, sessionRecord, znode } from '../../../compliance/storage-fixtures.js'
import { flipped, watchingWrites } from './data-dir.js'

type Model = Map<string, Znode>
const header = { zxid: zxid(2, 1), time: 7, digest: EMPTY_DIGEST }
const inTurn = (step: () => Promise<void>) => step()
const never = () => false

describe('packs of the tree', () => {
  let place: string
  let database: Database
  let store: TreeStore
  let at = 0

  beforeEach(async () => {
    place = await mkdtemp(path.join(tmpdir(), 'vivarium-packs-'))
    database = await openDatabase(path.join(place, 'tree'), true)
    const first = { generation: 1, chainBase: ZERO, number: 0, journalChunks: 0, packed: false }
    await writeBatch(database, [checkpointOperation({ ...first, zxid: ZERO, time: 0, digest: EMPTY_DIGEST })])
    store = await TreeStore.open(database, { packBytes: 1 })
    at = 0
  })
  afterEach(async () => {
    await database.close()
    await rm(place, { recursive: true })
  })

  async function reopen(): Promise<void> {
    await database.close()
    database = await openDatabase(path.join(place, 'tree'), false)
    store = await TreeStore.open(database, { packBytes: 1 })
  }
  const write = (nodes: Iterable<readonly [string, Znode | undefined]>) => store.write(changes(zxid(1, ++at), nodes))
  const pack = () => store.pack(inTurn, never)
  const counted = async () => {
    const { generation } = store.checkpoint
    const [packs, singles] = await Promise.all([packsOf, nodesOf].map(range => database.keys(range(generation)).all()))
    return { packs: packs!.length, singles: singles!.length }
  }
  const plain = (nodes: Iterable<readonly [string, Znode]>) =>
    [...nodes].map(([name, node]) => [name, plainZnode(node)] as const).sort(([a], [b]) => (a < b ? -1 : 1))

  /** As a start reads it, and as a learner is sent it. */
  async function expectTree(model: Model): Promise<void> {
    const { nodes } = await store.load()
    expect(plain(nodes)).to.deep.equal(plain(model))
    const sent: [string, Znode][] = []
    const { chunks, close } = store.freeze()
    for await (const chunk of chunks) {
      for (const { kind, key, value } of decodeSnapshotChunk(chunk)) {
        if (kind === 'node') sent.push([key, decodeZnode(value)])
      }
    }
    await close()
    const paths = sent.map(([name]) => name)
    expect(paths).to.deep.equal(paths.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))))
    expect(plain(sent)).to.deep.equal(plain(model))
  }

  async function receive(model: Model, order: (a: string, b: string) => number): Promise<void> {
    const writer = new SnapshotChunkWriter(20_000)
    const received = store.receive()
    const take = async (chunk: Uint8Array | undefined) => {
      if (chunk !== undefined) await store.writeReceived(await received.take(chunk))
    }
    for (const name of [...model.keys()].sort(order))
      await take(writer.add('node', name, encodeZnode(model.get(name)!)))
    const session = sessionRecord(1)
    await take(writer.add('session', session.session, encodeSession(session)))
    await take(writer.end())
    const image = await store.loadReceived(header, received)
    expect(plain(image.nodes)).to.deep.equal(plain(model))
    expect([...image.sessions]).to.have.length(1)
    await store.switchOver(header, received)
  }
  const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))
  const many = (count: number, bytes = 300): Model =>
    new Map(Array.from({ length: count }, (_, n) => [`/d${n % 7}/n${n}`, znode(n, bytes)]))

  it('Z27: have what was written, whatever is created, changed, deleted, packed, sent and received in whatever order', async () => {
    const name = fc.tuple(fc.constantFrom('/a', '/a/b', '/é', '/z'), fc.nat(150)).map(([a, n]) => `${a}/${n}`)
    const some = fc.array(fc.tuple(name, fc.option(fc.nat(5000), { freq: 4 })), { maxLength: 250, size: 'max' })
    const step = fc.oneof(
      { weight: 5, arbitrary: some.map(nodes => ({ kind: 'write' as const, nodes })) },
      { weight: 3, arbitrary: fc.constant({ kind: 'pack' as const }) },
      { weight: 1, arbitrary: fc.constant({ kind: 'reopen' as const }) },
      { weight: 1, arbitrary: fc.boolean().map(inOrder => ({ kind: 'receive' as const, inOrder })) },
    )
    const model: Model = new Map()
    let packed = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6, size: 'max' }), async steps => {
        for (const each of steps) {
          if (each.kind === 'pack') await pack()
          else if (each.kind === 'reopen') await reopen()
          else if (each.kind === 'receive') await receive(model, each.inOrder ? byBytes : (a, b) => byBytes(b, a))
          else {
            const nodes = each.nodes.map(([path, n]) => [path, n === null ? undefined : znode(n, n % 900)] as const)
            await write(nodes)
            for (const [path, node] of nodes) {
              if (node === undefined) model.delete(path)
              else model.set(path, node)
            }
          }
          await expectTree(model)
        }
        packed = Math.max(packed, (await counted()).packs)
      }),
      { numRuns: 10 },
    )
    expect(packed).to.be.greaterThan(1)
  })

  it('leave no znode single that is worth a pack, and nothing of what was deleted', async () => {
    const model = many(2000)
    await write(model)
    await pack()
    const first = await counted()
    expect(first.singles).to.equal(0)
    expect(first.packs).to.be.within(2000 / 200, 2000 / 100)
    await write([...model.keys()].map(name => [name, undefined] as const))
    expect((await counted()).singles).to.equal(2000)
    await pack()
    expect(await counted()).to.deep.equal({ packs: 0, singles: 0 })
    await expectTree(new Map())
  })

  it('are left alone while little in them has changed, so the cost follows the change', async () => {
    const model = many(2000)
    await write(model)
    await pack()
    const few = [...model.keys()].filter((_, n) => n % 100 === 0).map(name => [name, znode(1, 300)] as const)
    await write(few)
    let keys = 0
    const before = async (operations: readonly unknown[]) => {
      keys += operations.length
    }
    await watchingWrites({ before }, pack)
    expect(keys).to.equal(0)
    await expectTree(new Map([...model, ...few]))
  })

  it('D6: are whole wherever packing is broken off', async () => {
    const model = many(1500)
    await write(model)
    await pack()
    const others = [...many(1500, 500)].filter((_, n) => n % 2 === 0)
    await write(others)
    for (const [name, node] of others) model.set(name, node)
    let steps = 0
    const stopAfter = (count: number) => () => steps++ >= count
    for (let count = 1; ; count++) {
      steps = 0
      await store.pack(inTurn, stopAfter(count))
      await reopen()
      await expectTree(model)
      if (steps <= count) break
    }
    expect((await counted()).singles).to.equal(0)
  })

  it('are sent as they are where nothing has changed', async () => {
    const model = many(1000)
    await receive(model, byBytes)
    await write([['/d3/n3', znode(9, 30)]])
    const stored = await database.values(packsOf(store.checkpoint.generation)).all()
    const { chunks, close } = store.freeze()
    const sent = new Set<string>()
    for await (const chunk of chunks) sent.add(Buffer.from(chunk).toString('hex'))
    await close()
    expect(stored.length).to.be.greaterThan(10)
    expect(stored.filter(chunk => !sent.has(chunk.toString('hex')))).to.have.length(1)
  })

  it('D9: a flipped bit anywhere in one, or in its key, is found', async () => {
    await receive(many(200), byBytes)
    const [key, bytes] = (await database.iterator(packsOf(store.checkpoint.generation)).all())[0]! as [Buffer, Buffer]
    const codeOf = async () => {
      const error = await store.load().then(
        () => undefined,
        (reason: unknown) => reason,
      )
      return (error as { code?: string } | undefined)?.code
    }
    for (let byte = 0; byte < bytes.length; byte += 997) {
      await database.put(key, flipped(bytes, byte, 1 << (byte % 8)))
      expect(await codeOf(), `byte ${byte}`).to.equal('DATA_CORRUPT')
    }
    await database.del(key)
    await database.put(flipped(key, key.length - 1), bytes)
    expect(await codeOf()).to.equal('DATA_CORRUPT')
  })

  it('D9: a received pack that the disk gives back otherwise is found before it counts', async () => {
    const received = store.receive()
    const writer = new SnapshotChunkWriter()
    for (const [name, node] of [...many(100)].sort(([a], [b]) => byBytes(a, b)))
      writer.add('node', name, encodeZnode(node))
    const operations = await received.take(writer.end()!)
    const { key, value } = operations[0] as { key: Buffer; value: Buffer }
    await database.put(key, flipped(value, 50))
    const error = await store.loadReceived(header, received).catch((reason: unknown) => reason)
    expect(error).to.have.property('code', 'DATA_CORRUPT')
  })
})
