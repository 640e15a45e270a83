import { expect } from 'chai'
import fc, { type Arbitrary } from 'fast-check'
import { JuteReader } from '../../../lib/jute/reader.js'
import * as records from '../../../lib/jute/records.js'
import type { Jute } from '../../../lib/jute/schema.js'
import { JuteWriter } from '../../../lib/jute/writer.js'
import { hasCode } from '../../../lib/model/errors.js'
import type { SessionId } from '../../../lib/model/ids.js'
import { zxid } from '../../../lib/model/zxid.js'
import * as arbitrary from '../../helpers/arbitraries.js'
import { juteValues } from '../../helpers/jute-values.js'

function encode<T>(record: Jute<T>, value: T): Buffer {
  const writer = new JuteWriter()
  record.write(writer, value)
  return Buffer.from(writer.take())
}

const decode = <T>(record: Jute<T>, bytes: Uint8Array): T => record.read(new JuteReader(bytes))
const unhex = (hex: string): Buffer => Buffer.from(hex.replaceAll(/\s/g, ''), 'hex')

const session = '0123456789abcdef' as SessionId
const password = unhex('000102030405060708090a0b0c0d0e0f')
const stat: records.StatRecord = {
  czxid: zxid(1, 2),
  mzxid: zxid(1, 3),
  ctime: 1,
  mtime: 0x0198_0000_0002,
  version: -1,
  cversion: 4,
  aversion: 5,
  ephemeralOwner: session,
  dataLength: 6,
  numChildren: 7,
  pzxid: zxid(0x80000000, 0xffffffff),
}
/** Semantics §1: 68 bytes. */
const statHex = `0000000100000002 0000000100000003 0000000000000001 0000019800000002
  ffffffff 00000004 00000005 0123456789abcdef 00000006 00000007 80000000ffffffff`
const openAcl = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }]
const openAclHex = '00000001 0000001f 00000005 776f726c64 00000006 616e796f6e65'

/** By hand, from the tables of semantics §1, §5, §6, §9, §10. */
const vectors: readonly { name: string; record: Jute<never>; value: unknown; hex: string }[] = [
  vector(
    'ConnectRequest with readOnly',
    records.connectRequest,
    {
      protocolVersion: 0,
      lastZxidSeen: zxid(1, 2),
      timeOut: 10_000,
      sessionId: session,
      passwd: password,
      readOnly: true,
    },
    '00000000 0000000100000002 00002710 0123456789abcdef 00000010 000102030405060708090a0b0c0d0e0f 01',
  ),
  vector(
    'ConnectRequest of an old client',
    records.connectRequest,
    {
      protocolVersion: 0,
      lastZxidSeen: zxid(0, 0),
      timeOut: 4000,
      sessionId: records.NO_SESSION,
      passwd: null,
      readOnly: undefined,
    },
    '00000000 0000000000000000 00000fa0 0000000000000000 ffffffff',
  ),
  vector(
    'ConnectResponse, 37 bytes',
    records.connectResponse,
    { protocolVersion: 0, timeOut: 10_000, sessionId: session, passwd: password, readOnly: false },
    '00000000 00002710 0123456789abcdef 00000010 000102030405060708090a0b0c0d0e0f 00',
  ),
  vector(
    'ConnectResponse of an old client, 36 bytes',
    records.connectResponse,
    { protocolVersion: 0, timeOut: 10_000, sessionId: session, passwd: password, readOnly: undefined },
    '00000000 00002710 0123456789abcdef 00000010 000102030405060708090a0b0c0d0e0f',
  ),
  vector('RequestHeader', records.requestHeader, { xid: -2, type: 11 }, 'fffffffe 0000000b'),
  vector(
    'ReplyHeader',
    records.replyHeader,
    { xid: 7, zxid: zxid(2, 9), err: -101 },
    '00000007 0000000200000009 ffffff9b',
  ),
  vector('WatcherEvent', records.watcherEvent, { type: 4, state: 3, path: '/a' }, '00000004 00000003 00000002 2f61'),
  vector('Stat, 68 bytes', records.stat, stat, statHex),
  vector(
    'CreateRequest',
    records.createRequest,
    { path: '/é', data: unhex('ff00'), acl: openAcl, flags: 3 },
    `00000003 2fc3a9 00000002 ff00 ${openAclHex} 00000003`,
  ),
  vector(
    'CreateRequest with null data',
    records.createRequest,
    { path: '/a', data: null, acl: [], flags: 0 },
    '00000002 2f61 ffffffff 00000000 00000000',
  ),
  vector(
    'CreateTTLRequest',
    records.createTtlRequest,
    { path: '/a', data: unhex(''), acl: openAcl, flags: 5, ttl: 0x1_0000_0001 },
    `00000002 2f61 00000000 ${openAclHex} 00000005 0000000100000001`,
  ),
  vector('delete', records.versionRequest, { path: '/a', version: -1 }, '00000002 2f61 ffffffff'),
  vector('exists', records.watchRequest, { path: '/a', watch: true }, '00000002 2f61 01'),
  vector(
    'setData',
    records.setDataRequest,
    { path: '/a', data: unhex('01'), version: 2 },
    '00000002 2f61 00000001 01 00000002',
  ),
  vector(
    'setWatches2',
    records.setWatches2Request,
    {
      relativeZxid: zxid(1, 2),
      dataWatches: ['/a'],
      existWatches: [],
      childWatches: ['/b'],
      persistentWatches: [],
      persistentRecursiveWatches: ['/'],
    },
    '0000000100000002 00000001 00000002 2f61 00000000 00000001 00000002 2f62 00000000 00000001 00000001 2f',
  ),
  vector('MultiHeader', records.multiHeader, { type: 14, done: false, err: -1 }, '0000000e 00 ffffffff'),
  vector('the end of a multi', records.multiHeader, records.MULTI_END, 'ffffffff 01 ffffffff'),
  vector('Create2Response', records.createdResponse, { path: '/a', stat }, `00000002 2f61 ${statHex}`),
  vector('getData response', records.dataResponse, { data: null, stat }, `ffffffff ${statHex}`),
  vector(
    'getChildren2 response',
    records.children2Response,
    { children: ['a', 'bc'], stat },
    `00000002 00000001 61 00000002 6263 ${statHex}`,
  ),
  vector('getACL response', records.aclResponse, { acl: openAcl, stat }, `${openAclHex} ${statHex}`),
  vector(
    'AuthPacket',
    records.authPacket,
    { type: 0, scheme: 'digest', auth: Buffer.from('u:p') },
    '00000000 00000006 646967657374 00000003 753a70',
  ),
]

function vector<T>(name: string, record: Jute<T>, value: T, hex: string) {
  return { name, record: record as unknown as Jute<never>, value, hex }
}

function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return [...value]
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plain(each)]))
}

describe('jute records', () => {
  for (const { name, record, value, hex } of vectors) {
    it(`are ZooKeeper's bytes: ${name}`, () => {
      expect(encode(record, value as never).toString('hex')).to.equal(unhex(hex).toString('hex'))
      expect(plain(decode(record, unhex(hex)))).to.deep.equal(plain(value))
    })
  }

  for (const [name, record, values] of juteValues) {
    it(`come back as they went: ${name} (R5)`, () => {
      fc.assert(
        fc.property(values as Arbitrary<never>, value => {
          expect(plain(decode(record, encode(record, value)))).to.deep.equal(plain(value))
        }),
      )
    })

    it(`end every cut with a PROTOCOL_ERROR: ${name} (R5)`, () => {
      for (const value of fc.sample(values as Arbitrary<never>, { seed: 1, numRuns: 5 })) {
        const bytes = encode(record, value)
        for (let length = 0; length < Math.min(bytes.length, 200); length++) {
          try {
            decode(record, bytes.subarray(0, length))
          } catch (error) {
            expect(hasCode(error, 'PROTOCOL_ERROR'), String(error)).to.equal(true)
          }
        }
      }
    })
  }

  it('leave what follows the last field alone: that is how later versions add fields', () => {
    expect(decode(records.watchRequest, unhex('00000002 2f61 02 99'))).to.deep.equal({ path: '/a', watch: true })
  })

  it('take a list that is not there for an empty one', () => {
    expect(decode(records.childrenResponse, unhex('ffffffff'))).to.deep.equal({ children: [] })
  })

  for (const [name, hex] of [
    ['a string longer than its frame', '00000003 2f61 00'],
    ['a string of a negative length', 'fffffffe 00'],
    ['a string of 2 GiB', '7fffffff 00'],
    ['a path that is not there', 'ffffffff 00'],
  ] as const) {
    it(`are refused before anything is allocated: ${name}`, () => {
      expect(() => decode(records.watchRequest, unhex(hex))).to.throw('PROTOCOL_ERROR')
    })
  }

  for (const count of ['7fffffff', 'fffffffe', '00000002']) {
    it(`are refused before anything is allocated: a vector of 0x${count} items in a few bytes`, () => {
      expect(() => decode(records.childrenResponse, unhex(`${count} 00000000 0000`))).to.throw('PROTOCOL_ERROR')
    })
  }

  it('copy bytes out of the frame, so that nothing holds what a socket has received', () => {
    const frame = unhex('00000002 2f61 00000001 01 00000002')
    const { data } = decode(records.setDataRequest, frame)
    frame.fill(0xff)
    expect([...data!]).to.deep.equal([1])
    expect(data!.buffer.byteLength).to.equal(1)
  })

  it('decode text as Java does: U+FFFD for what is no UTF-8, and a BOM is a character', () => {
    expect(decode(records.syncRequest, unhex('00000002 2fff')).path).to.equal('/\ufffd')
    expect(decode(records.syncRequest, unhex('00000003 efbbbf')).path).to.equal('\ufeff')
  })
})

describe('jute writer', () => {
  it('puts frame behind frame, each behind its length', () => {
    const writer = new JuteWriter()
    for (const text of ['one', '', 'x'.repeat(5000)]) {
      writer.begin()
      writer.text(text)
      writer.end()
    }
    const bytes = Buffer.from(writer.take())
    expect(bytes.length).to.equal(3 * 8 + 3 + 5000)
    expect(bytes.subarray(0, 11).toString('hex')).to.equal('00000007000000036f6e65')
    expect(bytes.readInt32BE(11)).to.equal(4)
    expect(bytes.readInt32BE(19)).to.equal(5004)
    expect(writer.length).to.equal(0)
  })

  it('never writes again what it has handed out', () => {
    const writer = new JuteWriter()
    fc.assert(
      fc.property(fc.array(arbitrary.text, { maxLength: 20 }), texts => {
        const taken = texts.map(text => {
          writer.text(text)
          const bytes = writer.take()
          return [bytes, Buffer.from(bytes).toString('hex')] as const
        })
        for (const [bytes, then] of taken) expect(Buffer.from(bytes).toString('hex')).to.equal(then)
      }),
    )
  })
})
