import { expect } from 'chai'
import fc from 'fast-check'
import { crc32 } from '../../../lib/codec/checksum.js'
import { decodeSession, decodeZnode, encodeSession, encodeZnode, SharedParts } from '../../../lib/codec/tree-codec.js'
import { OPEN_ACL_UNSAFE } from '../../../lib/model/acl.js'
import { hasCode, ZooKeeperError } from '../../../lib/model/errors.js'
import type { SessionId } from '../../../lib/model/ids.js'
import type { Znode } from '../../../lib/model/znode.js'
import { DATA_AS_STRING_MAX, keepData } from '../../../lib/model/znode-data.js'
import { zxid } from '../../../lib/model/zxid.js'
import { sessionRecord, znode } from '../../helpers/arbitraries.js'

const sample: Znode = {
  data: Uint8Array.from([1, 2, 3]),
  acl: OPEN_ACL_UNSAFE,
  czxid: zxid(1, 1),
  mzxid: zxid(1, 2),
  pzxid: zxid(1, 1),
  ctime: 1_790_000_000_000,
  mtime: 1_790_000_000_001,
  version: 1,
  cversion: 0,
  aversion: 0,
  owner: undefined,
}
const refuses = (code: string, act: () => unknown) => expect(act).to.throw(ZooKeeperError).with.property('code', code)
const resealed = (bytes: Uint8Array): Uint8Array => {
  const copy = Uint8Array.from(bytes)
  new DataView(copy.buffer).setUint32(copy.length - 4, crc32(copy, 0, copy.length - 4))
  return copy
}

describe('tree codec', () => {
  it('R5: gives back every znode as it was, with shared ACLs and without', () => {
    const shared = new SharedParts()
    fc.assert(
      fc.property(znode, value => {
        const bytes = encodeZnode(value)
        for (const decoded of [decodeZnode(bytes), decodeZnode(bytes, shared), decodeZnode(bytes, shared)]) {
          expect(decoded).to.deep.equal({ ...value, data: keepData(value.data) })
          expect(encodeZnode(decoded)).to.deep.equal(bytes)
        }
      }),
      { numRuns: 500 },
    )
  })

  it('R5: gives back every session as it was', () => {
    fc.assert(
      fc.property(sessionRecord, value => {
        const bytes = encodeSession(value)
        expect(decodeSession(bytes)).to.deep.equal(value)
        expect(encodeSession(decodeSession(bytes))).to.deep.equal(bytes)
      }),
    )
  })

  it('makes one object of equal ACLs, and only of those', () => {
    const shared = new SharedParts()
    const other = { ...sample, acl: [{ perms: 1, scheme: 'world', id: 'anyone' }] }
    const [a, b, c] = [sample, sample, other].map(value => decodeZnode(encodeZnode(value), shared))
    expect(a!.acl).to.equal(b!.acl)
    expect(c!.acl).to.deep.equal(other.acl)
  })

  it('copies data: short ones as a string, long ones into an allocation of exactly their size', () => {
    const long = new Uint8Array(DATA_AS_STRING_MAX + 1).fill(200)
    const inputs = [sample, { ...sample, data: long }].map(value => Buffer.from(encodeZnode(value)))
    const [short, other] = inputs.map(input => decodeZnode(input).data)
    for (const input of inputs) input.fill(0)
    expect(short).to.equal(keepData(sample.data))
    expect(other).to.deep.equal(long)
    expect((other as Uint8Array).buffer.byteLength).to.equal(long.length)
  })

  for (const [what, bytes, decode] of [
    ['znode', encodeZnode({ ...sample, owner: '0100000000000001' as SessionId }), decodeZnode],
    [
      'session',
      encodeSession({ session: '0100000000000001' as SessionId, timeoutMs: 4000, password: new Uint8Array(16) }),
      decodeSession,
    ],
  ] as const) {
    it(`D9: notices every changed byte and every cut of a ${what} (store-4)`, () => {
      for (let at = 0; at < bytes.length; at++) {
        for (let flip = 1; flip <= 0xff; flip++) {
          const damaged = Uint8Array.from(bytes)
          damaged[at]! ^= flip
          refuses('DATA_CORRUPT', () => decode(damaged))
        }
        refuses('DATA_CORRUPT', () => decode(bytes.subarray(0, at)))
      }
    })

    it(`tells a newer ${what} from a damaged one`, () => {
      const newer = Uint8Array.from(bytes)
      newer[0] = 3
      refuses('DATA_TOO_NEW', () => decode(resealed(newer)))
    })

    it(`R5: takes nothing but the canonical form of a ${what}, even under a right checksum`, () => {
      const shared = new SharedParts()
      const encode = (what === 'znode' ? encodeZnode : encodeSession) as (value: unknown) => Uint8Array
      for (let at = 1; at < bytes.length - 4; at++) {
        for (let byte = 0; byte <= 0xff; byte++) {
          const changed = Uint8Array.from(bytes)
          changed[at] = byte
          const input = resealed(changed)
          // Twice: what the first attempt left in the shared ACLs must not make the second succeed.
          for (let attempt = 0; attempt < 2; attempt++) {
            try {
              expect(encode(what === 'znode' ? decodeZnode(input, shared) : decode(input))).to.deep.equal(input)
            } catch (error) {
              if (!hasCode(error, 'DATA_CORRUPT')) throw error
            }
          }
        }
      }
    })
  }
})
