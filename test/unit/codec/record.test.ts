import { expect } from 'chai'
import fc from 'fast-check'
import { crc32 } from '../../../lib/codec/checksum.js'
import { decodeGroup, decodeRecord, encodeGroup, recordOf } from '../../../lib/codec/record.js'
import { decodeTxn, encodeTxn } from '../../../lib/codec/txn-codec.js'
import { hasCode, ZooKeeperError } from '../../../lib/model/errors.js'
import type { SessionId } from '../../../lib/model/ids.js'
import { InvariantViolation } from '../../../lib/model/invariant.js'
import { CONTAINER_MARK, TTL_MAX_MS, ttlMark } from '../../../lib/model/owner.js'
import type { Proposal } from '../../../lib/model/proposal.js'
import type { Txn } from '../../../lib/model/txn.js'
import { zxid } from '../../../lib/model/zxid.js'
import { proposal, txns } from '../../helpers/arbitraries.js'

const sample = (txn?: Txn): Proposal => ({
  zxid: zxid(1, 2),
  previous: zxid(1, 1),
  session: '0100000000000001' as SessionId,
  cxid: 7,
  time: 1_790_000_000_000,
  txn: txn ?? {
    kind: 'setData',
    path: '/config',
    data: new Uint8Array(100).fill(1),
    version: 3,
    replaces: zxid(1, 1),
  },
})
/** Recalculates the checksum, to get at what stands behind it. */
const resealed = (bytes: Uint8Array): Uint8Array => {
  const copy = Uint8Array.from(bytes)
  new DataView(copy.buffer).setUint32(copy.length - 4, crc32(copy, 0, copy.length - 4))
  return copy
}
const refuses = (code: string, act: () => unknown) => expect(act).to.throw(ZooKeeperError).with.property('code', code)

describe('txn codec', () => {
  for (const [kind, arbitrary] of Object.entries(txns)) {
    it(`R5: gives back every ${kind} txn as it was`, () => {
      fc.assert(
        fc.property(arbitrary as fc.Arbitrary<Txn>, txn => {
          const bytes = encodeTxn(txn)
          const decoded = decodeTxn(bytes)
          expect(decoded).to.deep.equal(txn)
          expect(encodeTxn(decoded)).to.deep.equal(bytes)
        }),
      )
    })
  }

  it('takes every other input for damage', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 30 }), bytes => {
        try {
          expect(encodeTxn(decodeTxn(bytes))).to.deep.equal(bytes)
        } catch (error) {
          expect(hasCode(error, 'DATA_CORRUPT')).to.equal(true)
        }
      }),
      { numRuns: 5000 },
    )
  })
})

describe('record', () => {
  it('R5: gives back every proposal as it was, and the same bytes', () => {
    fc.assert(
      fc.property(proposal, entry => {
        const bytes = recordOf({ ...entry })
        const { record, ...decoded } = decodeRecord(bytes)
        expect(decoded).to.deep.equal(entry)
        expect(record).to.deep.equal(bytes)
        expect(recordOf({ ...decoded })).to.deep.equal(bytes)
      }),
      { numRuns: 500 },
    )
  })

  it('is encoded once', () => {
    const entry = sample()
    expect(recordOf(entry)).to.equal(recordOf(entry))
    expect(entry.record).to.equal(recordOf(entry))
  })

  it('keeps neither the input alive nor the record through the data in it', () => {
    const input = Buffer.from(recordOf(sample()))
    const decoded = decodeRecord(input)
    input.fill(0xff)
    expect(decoded.record).to.deep.equal(recordOf(sample()))
    const { txn } = decoded
    expect(txn.kind === 'setData' && txn.data).to.deep.equal(new Uint8Array(100).fill(1))
    expect(txn.kind === 'setData' && txn.data!.buffer.byteLength).to.equal(100)
  })

  it('gives something large a buffer of its own, of about its size', () => {
    const record = recordOf(
      sample({ kind: 'setData', path: '/a', data: new Uint8Array(1e6), version: 1, replaces: zxid(1, 1) }),
    )
    expect(record.buffer.byteLength).to.be.below(1_010_000)
    expect(recordOf(sample()).buffer, 'a small neighbour').to.not.equal(record.buffer)
    const middling = recordOf(
      sample({ kind: 'setData', path: '/a', data: new Uint8Array(60_000), version: 1, replaces: zxid(1, 1) }),
    )
    expect(middling.buffer.byteLength).to.be.below(66_000)
  })

  it('D1: notices every changed byte', () => {
    const bytes = recordOf(sample())
    for (let at = 0; at < bytes.length; at++) {
      for (let flip = 1; flip <= 0xff; flip++) {
        const damaged = Uint8Array.from(bytes)
        damaged[at]! ^= flip
        try {
          decodeRecord(damaged)
        } catch (error) {
          if (hasCode(error, 'DATA_CORRUPT')) continue
        }
        expect.fail(`byte ${at} xor ${flip} went unnoticed`)
      }
    }
  })

  it('D1: notices every cut, and every byte too many', () => {
    const bytes = recordOf(sample())
    for (let length = 0; length < bytes.length; length++)
      refuses('DATA_CORRUPT', () => decodeRecord(bytes.subarray(0, length)))
    refuses('DATA_CORRUPT', () => decodeRecord(Uint8Array.of(...bytes, 0)))
    refuses('DATA_CORRUPT', () => decodeRecord(new Uint8Array(64)))
  })

  it('tells a newer format from damage', () => {
    const newer = Uint8Array.from(recordOf(sample()))
    newer[0] = 3
    refuses('DATA_CORRUPT', () => decodeRecord(newer))
    refuses('DATA_TOO_NEW', () => decodeRecord(resealed(newer)))
    const flagged = Uint8Array.from(recordOf(sample()))
    flagged[1] = 1
    refuses('DATA_TOO_NEW', () => decodeRecord(resealed(flagged)))
  })

  it('has the second version with a container or a TTL znode in it, and only then', () => {
    const create = { kind: 'create', path: '/a', data: null, acl: [], parentCversion: 1 } as const
    const record = (txn: Txn) => recordOf(sample(txn))
    expect(record({ ...create, owner: '0100000000000001' as SessionId })[0]).to.equal(1)
    for (const owner of [CONTAINER_MARK, ttlMark(1), ttlMark(TTL_MAX_MS)]) {
      for (const txn of [
        { ...create, owner },
        { kind: 'multi', steps: [{ ...create, owner }] },
      ] as Txn[]) {
        const bytes = record(txn)
        expect(bytes[0]).to.equal(2)
        expect(decodeRecord(bytes).txn).to.deep.equal(txn)
        const older = Uint8Array.from(bytes)
        older[0] = 1
        refuses('DATA_CORRUPT', () => decodeRecord(resealed(older)))
      }
    }
  })

  it('R5: whatever has a right checksum is canonical or refused', () => {
    const bytes = recordOf(sample({ kind: 'multi', steps: [{ kind: 'check', path: '/é', version: -1 }] }))
    for (let at = 1; at < bytes.length - 4; at++) {
      for (let byte = 0; byte <= 0xff; byte++) {
        const changed = Uint8Array.from(bytes)
        changed[at] = byte
        const input = resealed(changed)
        try {
          const { record, ...decoded } = decodeRecord(input)
          expect(recordOf({ ...decoded })).to.deep.equal(input)
          expect(record).to.deep.equal(input)
        } catch (error) {
          if (!hasCode(error, 'DATA_CORRUPT') && !hasCode(error, 'DATA_TOO_NEW')) throw error
        }
      }
    }
  })

  it('takes a value outside the format for a programmer error, and is unharmed by it', () => {
    const bad: Partial<Proposal>[] = [
      { time: -1 },
      { time: 0.5 },
      { cxid: 2 ** 53 },
      { session: 'ABCDEF0123456789' as SessionId },
      { session: '1' as SessionId },
      { txn: { kind: 'check', path: '/a', version: 2 ** 31 } },
      { txn: { kind: 'check', path: '/\ud800', version: 0 } },
      { txn: { kind: 'createSession', session: sample().session, timeoutMs: 2 ** 32, password: new Uint8Array(16) } },
    ]
    for (const part of bad) expect(() => recordOf({ ...sample(), ...part })).to.throw(InvariantViolation)
    const { record: _, ...decoded } = decodeRecord(recordOf(sample()))
    expect(decoded).to.deep.equal(sample())
  })
})

describe('group', () => {
  const group = fc.array(proposal, { maxLength: 8 })

  it('R5: gives back its proposals in order, each with its own record', () => {
    fc.assert(
      fc.property(group, entries => {
        const bytes = encodeGroup(entries)
        const decoded = decodeGroup(bytes)
        expect(decoded).to.deep.equal(entries)
        expect(encodeGroup(decoded)).to.deep.equal(bytes)
      }),
    )
  })

  it('D1: notices every changed bit and every cut', () => {
    const bytes = encodeGroup([sample(), sample({ kind: 'error', code: 'NO_NODE' })])
    for (let at = 0; at < bytes.length; at++) {
      for (let bit = 1; bit <= 0x80; bit *= 2) {
        const damaged = Uint8Array.from(bytes)
        damaged[at]! ^= bit
        refuses('DATA_CORRUPT', () => decodeGroup(damaged))
      }
      refuses('DATA_CORRUPT', () => decodeGroup(bytes.subarray(0, at)))
    }
  })

  it('refuses counts and lengths that do not fit, even under a right checksum', () => {
    const bytes = encodeGroup([sample()])
    for (const at of [1, 2, 3, 4, 5, 6, 7, 8]) {
      for (const value of [0, 1, 2, 0x7f, 0xff]) {
        const changed = Uint8Array.from(bytes)
        if (changed[at] === value) continue
        changed[at] = value
        refuses('DATA_CORRUPT', () => decodeGroup(resealed(changed)))
      }
    }
    const newer = Uint8Array.from(bytes)
    newer[0] = 9
    refuses('DATA_TOO_NEW', () => decodeGroup(resealed(newer)))
  })

  it('is as long as what is in it', () => {
    const entries = Array.from({ length: 512 }, () => sample())
    const bytes = encodeGroup(entries)
    expect(bytes.length).to.equal(9 + 512 * (4 + recordOf(sample()).length))
    expect(bytes.buffer.byteLength).to.be.below(2.2 * bytes.length)
  })
})
