import { expect } from 'chai'
import { NO_ZXID, OpCode } from '../../../lib/jute/op-codes.js'
import { JuteReader } from '../../../lib/jute/reader.js'
import * as records from '../../../lib/jute/records.js'
import type { Jute } from '../../../lib/jute/schema.js'
import { type Translated, translate } from '../../../lib/jute/translate.js'
import { JuteWriter } from '../../../lib/jute/writer.js'
import { EPHEMERAL_SEQUENTIAL, PERSISTENT, UNKNOWN_MODE } from '../../../lib/model/create-mode.js'
import type { MultiRequest } from '../../../lib/model/request.js'
import type { MultiResponse, Response } from '../../../lib/model/response.js'
import type { Stat } from '../../../lib/model/stat.js'
import { ZERO, zxid } from '../../../lib/model/zxid.js'

const open = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }]
const acl = [{ perms: 31, scheme: 'world', id: 'anyone' }]
const stat: Stat = {
  czxid: zxid(1, 1),
  mzxid: zxid(1, 1),
  pzxid: zxid(1, 1),
  ctime: 1,
  mtime: 1,
  version: 0,
  cversion: 0,
  aversion: 0,
  ephemeralOwner: undefined,
  dataLength: 0,
  numChildren: 0,
}

function asked<B>(opCode: number, body?: Jute<B>, value?: B): Translated {
  const writer = new JuteWriter()
  body?.write(writer, value as B)
  return translate(opCode, new JuteReader(writer.take()))
}

function multi(...steps: readonly (readonly [number, (writer: JuteWriter) => void])[]): Translated {
  const writer = new JuteWriter()
  for (const [type, write] of steps) {
    records.multiHeader.write(writer, { type, done: false, err: -1 })
    write(writer)
  }
  records.multiHeader.write(writer, records.MULTI_END)
  return translate(OpCode.multi, new JuteReader(writer.take()))
}

function answered(translated: Translated, response: Response): JuteReader {
  const writer = new JuteWriter()
  translated.answer(writer, response)
  return new JuteReader(writer.take())
}

describe('translation of requests', () => {
  const create = { path: '/a', data: null, acl: open, flags: 3 }

  it('makes a create of create, create2 and each known flag', () => {
    for (const opCode of [OpCode.create, OpCode.create2]) {
      const expected = { kind: 'create', path: '/a', data: null, acl, mode: EPHEMERAL_SEQUENTIAL }
      expect(asked(opCode, records.createRequest, create).request).to.deep.equal(expected)
    }
  })

  it('answers create by the path, create2 by path and Stat', () => {
    const response = { kind: 'created', path: '/a0000000000', stat } as const
    const short = answered(asked(OpCode.create, records.createRequest, create), response)
    expect([records.pathResponse.read(short).path, short.remaining]).to.deep.equal(['/a0000000000', 0])
    const long = answered(asked(OpCode.create2, records.createRequest, create), response)
    expect(records.createdResponse.read(long).stat.ephemeralOwner).to.equal(records.NO_SESSION)
    expect(long.remaining).to.equal(0)
  })

  it('leaves an unknown flag to be refused in its turn', () => {
    const { request } = asked(OpCode.create, records.createRequest, { ...create, flags: 9 })
    expect(request).to.deep.equal({ kind: 'create', path: '/a', data: null, acl, mode: UNKNOWN_MODE })
  })

  it('takes the lifetime from the opcode, whatever the flag says, and answers createContainer and createTTL like create2', () => {
    const container = asked(OpCode.createContainer, records.createRequest, { ...create, flags: 4 })
    const ttl = asked(OpCode.createTtl, records.createTtlRequest, { ...create, flags: 6, ttl: 1234 })
    expect([container.request, ttl.request].map(request => 'lifetime' in request && request.lifetime)).to.deep.equal([
      { kind: 'container' },
      { kind: 'ttl', ttlMs: 1234 },
    ])
    for (const translated of [container, ttl]) {
      const reader = answered(translated, { kind: 'created', path: '/a', stat })
      expect(records.createdResponse.read(reader).path).to.equal('/a')
    }
  })

  it('tells no zxid with the answer to auth, which is no part of the order', () => {
    const { request, zxid } = asked(OpCode.auth, records.authPacket, {
      type: 0,
      scheme: 'digest',
      auth: Buffer.from('a:b'),
    })
    expect([request.kind, zxid]).to.deep.equal(['auth', ZERO])
  })

  it('ends the connection behind an opcode that clients do not send: unknown, check alone, createSession, deleteContainer', () => {
    for (const opCode of [0, 10, OpCode.check, OpCode.error, OpCode.createSession, OpCode.deleteContainer, 9999]) {
      const { refusal, last, zxid } = asked(opCode)
      expect([refusal, last, zxid], String(opCode)).to.deep.equal(['UNIMPLEMENTED', true, NO_ZXID])
    }
  })

  it('answers a body that is none by MARSHALLING_ERROR, a write under a zxid of its own, and goes on', () => {
    expect(asked(OpCode.create).request).to.deep.equal({ kind: 'invalid', code: 'MARSHALLING_ERROR' })
    expect(asked(OpCode.multi).request).to.deep.equal({ kind: 'invalid', code: 'MARSHALLING_ERROR' })
    const read = asked(OpCode.getData)
    expect([read.request.kind, read.refusal, read.last]).to.deep.equal(['ping', 'MARSHALLING_ERROR', undefined])
  })

  it('knows the modes of addWatch and the types of removeWatches, and no others', () => {
    const modes = [0, 1, 2, -1].map(mode => asked(OpCode.addWatch, records.addWatchRequest, { path: '/a', mode }))
    expect(modes.map(({ refusal }) => refusal)).to.deep.equal([
      undefined,
      undefined,
      'MARSHALLING_ERROR',
      'MARSHALLING_ERROR',
    ])
    const types = [1, 2, 3, 4, 5].map(
      type => asked(OpCode.removeWatches, records.watchesOfType, { path: '/a', type }).request,
    )
    expect(types.map(request => 'type' in request && request.type)).to.deep.equal([
      'children',
      'data',
      'any',
      'persistent',
      'persistentRecursive',
    ])
    const type = asked(OpCode.removeWatches, records.watchesOfType, { path: '/a', type: 6 })
    expect(type.refusal).to.equal('MARSHALLING_ERROR')
  })

  it('takes a negative zxid of setWatches for the beginning', () => {
    const lists = { dataWatches: ['/a'], existWatches: [], childWatches: [] }
    const request = asked(OpCode.setWatches, records.setWatchesRequest, { relativeZxid: zxid(-1 >>> 0, 5), ...lists })
    expect(request.request).to.deep.include({ kind: 'setWatches', since: ZERO, data: ['/a'], persistent: [] })
  })

  it('echoes the path of sync, also one that is not there', () => {
    for (const path of ['/a', 'anything', null]) {
      const translated = asked(OpCode.sync, records.syncRequest, { path })
      expect(records.pathResponse.read(answered(translated, { kind: 'done' })).path).to.equal(path)
    }
  })
})

describe('translation of a multi', () => {
  const step = (flags: number) => (writer: JuteWriter) =>
    records.createRequest.write(writer, { path: '/a', data: null, acl: open, flags })
  const versioned = (writer: JuteWriter) => records.versionRequest.write(writer, { path: '/a', version: 1 })
  const all = () =>
    multi(
      [OpCode.create, step(0)],
      [OpCode.create2, step(0)],
      [OpCode.setData, writer => records.setDataRequest.write(writer, { path: '/a', data: null, version: 1 })],
      [OpCode.check, versioned],
      [OpCode.delete, versioned],
    )

  it('has the steps in their order', () => {
    expect(all().request).to.deep.equal({
      kind: 'multi',
      steps: [
        { kind: 'create', path: '/a', data: null, acl, mode: PERSISTENT },
        { kind: 'create', path: '/a', data: null, acl, mode: PERSISTENT },
        { kind: 'setData', path: '/a', data: null, version: 1 },
        { kind: 'check', path: '/a', version: 1 },
        { kind: 'delete', path: '/a', version: 1 },
      ],
    })
    expect(multi().request).to.deep.equal({ kind: 'multi', steps: [] })
  })

  it('answers each step by its type and body, and ends with a header that says so (semantics §9)', () => {
    const created = { kind: 'created', path: '/a', stat } as const
    const results: MultiResponse['results'] = [
      created,
      created,
      { kind: 'stat', stat },
      { kind: 'done' },
      { kind: 'done' },
    ]
    const reader = answered(all(), { kind: 'multi', failed: false, results })
    const bodies = [
      records.pathResponse,
      records.pathResponse,
      records.statResponse,
      undefined,
      undefined,
    ] as readonly (Jute<unknown> | undefined)[]
    const types = bodies.map(body => {
      const { type, done, err } = records.multiHeader.read(reader)
      expect([done, err]).to.deep.equal([false, 0])
      body?.read(reader)
      return type
    })
    expect(types).to.deep.equal([1, 1, 5, 13, 2])
    expect(records.multiHeader.read(reader)).to.deep.equal(records.MULTI_END)
    expect(reader.remaining).to.equal(0)
  })

  it('answers a failed one by a code for each step, twice', () => {
    const failure = (code: 'OK' | 'NO_NODE' | 'RUNTIME_INCONSISTENCY') => ({ kind: 'error', code }) as const
    const results = [failure('OK'), failure('NO_NODE'), failure('RUNTIME_INCONSISTENCY')]
    const translated = multi([OpCode.delete, versioned], [OpCode.delete, versioned], [OpCode.delete, versioned])
    const reader = answered(translated, { kind: 'multi', failed: true, results })
    for (const err of [0, -101, -2]) {
      expect(records.multiHeader.read(reader)).to.deep.equal({ type: -1, done: false, err })
      expect(records.errorResponse.read(reader)).to.deep.equal({ err })
    }
    expect(records.multiHeader.read(reader)).to.deep.equal(records.MULTI_END)
  })

  it('makes of a create what its flag says, whatever the opcode, and answers containers and TTL znodes with their Stat', () => {
    const ttl = (flags: number) => (writer: JuteWriter) =>
      records.createTtlRequest.write(writer, { path: '/a', data: null, acl: open, flags, ttl: 5 })
    const translated = multi(
      [OpCode.createContainer, step(0)],
      [OpCode.create, step(4)],
      [OpCode.createTtl, ttl(6)],
      [OpCode.createTtl, ttl(0)],
      [OpCode.create, step(9)],
    )
    const { steps } = translated.request as MultiRequest
    const lifetimes = steps.map(each => 'lifetime' in each && each.lifetime)
    expect(lifetimes).to.deep.equal([false, { kind: 'container' }, { kind: 'ttl', ttlMs: 5 }, false, false])
    const results = steps.map(() => ({ kind: 'created', path: '/a', stat }) as const)
    const reader = answered(translated, { kind: 'multi', failed: false, results })
    const types = results.map(() => {
      const { type } = records.multiHeader.read(reader)
      if (type === OpCode.create) records.pathResponse.read(reader)
      else records.createdResponse.read(reader)
      return type
    })
    expect(types).to.deep.equal([1, 15, 15, 1, 1])
  })

  it('is no request with a TTL flag and no TTL, a read, another multi or a container of its own in it', () => {
    for (const wrong of [
      multi([OpCode.create2, step(5)]),
      multi([OpCode.getData, writer => records.watchRequest.write(writer, { path: '/a', watch: false })]),
      multi([OpCode.multi, () => {}]),
      multi([OpCode.deleteContainer, writer => records.pathRequest.write(writer, { path: '/a' })]),
    ])
      expect(wrong.request).to.deep.equal({ kind: 'invalid', code: 'MARSHALLING_ERROR' })
  })
})
