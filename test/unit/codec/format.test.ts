/**
 * The formats of docs/format.md, pinned to the byte: what is on a disk or comes from a peer of this version must be readable for ever.
 * A test that fails here says that the format has changed; that takes a new version, not a new expectation.
 */
import { expect } from 'chai'
import { decodeMessage, encodeMessage } from '../../../lib/codec/message-codec.js'
import { decodeRecord, encodeGroup, recordOf } from '../../../lib/codec/record.js'
import { SnapshotChunkWriter } from '../../../lib/codec/snapshot-chunk.js'
import { decodeSession, decodeZnode, encodeSession, encodeZnode } from '../../../lib/codec/tree-codec.js'
import type { PeerMessage } from '../../../lib/core/zab/messages.js'
import { OPEN_ACL_UNSAFE } from '../../../lib/model/acl.js'
import { EPHEMERAL } from '../../../lib/model/create-mode.js'
import type { PeerId, SessionId } from '../../../lib/model/ids.js'
import type { Proposal } from '../../../lib/model/proposal.js'
import type { SessionRecord } from '../../../lib/model/session-record.js'
import type { Znode } from '../../../lib/model/znode.js'
import { zxid } from '../../../lib/model/zxid.js'

const session = '0100000000000a0b' as SessionId
const proposal: Proposal = {
  zxid: zxid(2, 3),
  previous: zxid(2, 2),
  session,
  cxid: 5,
  time: 0x1_0000_0002,
  txn: { kind: 'setData', path: '/a', data: Uint8Array.of(0xaa, 0xbb), version: -2, replaces: zxid(1, 300) },
}
const znode: Znode = {
  data: null,
  acl: OPEN_ACL_UNSAFE,
  czxid: zxid(1, 1),
  mzxid: zxid(1, 2),
  pzxid: zxid(1, 3),
  ctime: 1,
  mtime: 0x1_0000_0002,
  version: 1,
  cversion: 2,
  aversion: 0,
  owner: session,
}
const sessionRecord: SessionRecord = { session, timeoutMs: 4000, password: new Uint8Array(2).fill(7) }
const withSystem = { high: 1, low: 2, system: { high: 3, low: 4 } }
const hex = (...parts: readonly Uint8Array[]) => Buffer.concat(parts).toString('hex')
const unhex = (digits: string) => Uint8Array.from(Buffer.from(digits, 'hex'))

describe('format', () => {
  const messages: [PeerMessage, string][] = [
    [
      { kind: 'notification', role: 'leading', leader: 3 as PeerId, zxid: zxid(1, 2), epoch: 1, round: 9 },
      '8701020301020109',
    ],
    [
      {
        kind: 'notification',
        role: 'looking',
        leader: 3 as PeerId,
        zxid: zxid(0, 0),
        epoch: 0,
        round: 1,
        fresh: true,
        blank: true,
      },
      '880100030000000103',
    ],
    [{ kind: 'ackEpoch', currentEpoch: 1, lastZxid: zxid(1, 70_000), counted: true }, '850401011a00011170f5'],
    [
      { kind: 'ackEpoch', currentEpoch: 1, lastZxid: zxid(1, 70_000), counted: false, setAside: true },
      '860401011a00011170f4f5',
    ],
    [{ kind: 'diverged', zxid: zxid(1, 128), judged: true }, '841818011880f5'],
    [{ kind: 'ack', zxid: zxid(2, 3) }, '830f0203'],
    [{ kind: 'ping', number: 24, heard: 23 }, '8311181817'],
    [{ kind: 'pong', number: 24, touched: [session] }, '83121818821a01000000190a0b'],
    [
      { kind: 'pong', number: 24, touched: [], mark: { zxid: zxid(1, 128), digest: { high: 1, low: 2 } } },
      '871218188001' + '18800102',
    ],
    [
      { kind: 'pong', number: 24, touched: [], mark: { zxid: zxid(1, 128), digest: withSystem } },
      '891218188001' + '188001020304',
    ],
    [{ kind: 'snapshotBegin', zxid: zxid(1, 2), time: 5, digest: { high: 1, low: 2 } }, '8707010200050102'],
    [{ kind: 'snapshotBegin', zxid: zxid(1, 2), time: 5, digest: withSystem }, '89070102000501020304'],
    [
      {
        kind: 'request',
        session,
        cxid: 5,
        identities: [{ scheme: 'ip', id: '::1' }],
        request: { kind: 'create', path: '/é', data: Uint8Array.of(1), acl: OPEN_ACL_UNSAFE, mode: EPHEMERAL },
      },
      '87131a01000000190a0b000582626970633a3a318501632fc3a9410183181f65776f726c6466616e796f6e6501',
    ],
    [{ kind: 'refused', session, cxid: 5, code: 'SESSION_MOVED' }, '86141a01000000190a0b00053875'],
    [{ kind: 'refused', session, cxid: 5, code: 'STORAGE_LOW' }, '86141a01000000190a0b00053903e8'],
  ]
  for (const [message, bytes] of messages) {
    it(`of a ${message.kind} message${'code' in message ? ` (${message.code})` : ''}`, () => {
      expect(hex(...encodeMessage(message))).to.equal(bytes)
      expect(decodeMessage(unhex(bytes))).to.deep.equal(message)
    })
  }

  it('of digests for a peer of protocol 2: as it knows them', () => {
    const mark = { zxid: zxid(1, 128), digest: withSystem }
    const pong = encodeMessage({ kind: 'pong', number: 24, touched: [], mark }, 2)
    expect(hex(...pong)).to.equal('871218188001' + '18800102')
    const begin = encodeMessage({ kind: 'snapshotBegin', zxid: zxid(1, 2), time: 5, digest: withSystem }, 2)
    expect(hex(...begin)).to.equal('8707010200050102')
    expect(hex(...encodeMessage({ kind: 'pong', number: 24, touched: [] }, 2))).to.equal('831218' + '1880')
  })

  const record =
    '0100000000020000000300000002000000020100000000000a0b000000000000000500000001000000020000000d8603622f6142aabb210119012c0fa4c0a8'
  it('of a record', () => {
    expect(hex(recordOf({ ...proposal }))).to.equal(record)
    expect(decodeRecord(unhex(record))).to.deep.equal({ ...proposal, record: unhex(record) })
  })

  it('of a proposal message and a group, which hold the record as it is', () => {
    expect(hex(...encodeMessage({ kind: 'proposal', proposal: { ...proposal } }))).to.equal(`820a583f${record}`)
    expect(hex(encodeGroup([{ ...proposal }]))).to.equal(`01000000010000003f${record}1b7c0095`)
  })

  it('of a znode entry', () => {
    const bytes = '0190f601010102010300010102010200821a01000000190a0b83181f65776f726c6466616e796f6e65e7dc2d74'
    expect(hex(encodeZnode(znode))).to.equal(bytes)
    expect(decodeZnode(unhex(bytes))).to.deep.equal(znode)
  })

  it('of a session entry', () => {
    const bytes = '01841a01000000190a0b190fa042070735464b3b'
    expect(hex(encodeSession(sessionRecord))).to.equal(bytes)
    expect(decodeSession(unhex(bytes))).to.deep.equal(sessionRecord)
  })

  it('of a snapshot chunk', () => {
    const writer = new SnapshotChunkWriter()
    writer.add('node', '/a', Uint8Array.of(1))
    writer.add('session', session, Uint8Array.of(2, 3))
    expect(hex(writer.end()!)).to.equal(
      '010000000200000000022f610000000101010000001030313030303030303030303030613062000000020203f93c2fc3',
    )
  })
})
