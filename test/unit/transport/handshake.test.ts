import { expect } from 'chai'
import fc from 'fast-check'
import type { EnsembleConfig, Member } from '../../../lib/model/ensemble-config.js'
import { hasCode, ZooKeeperError } from '../../../lib/model/errors.js'
import type { PeerId } from '../../../lib/model/ids.js'
import { ZERO } from '../../../lib/model/zxid.js'
import { fnv1a64 } from '../../../lib/transport/fnv1a64.js'
import {
  decodeHello,
  decodeRefusal,
  encodeHello,
  encodeRefusal,
  type Hello,
  isRefusal,
  judgeHello,
  membersHash,
  refusalCodes,
} from '../../../lib/transport/handshake.js'
import { FIRST_FRAME_BYTES_MAX } from '../../../lib/transport/transport.js'

const one: Hello = {
  protocolLowest: 1,
  protocolHighest: 3,
  ensemble: 'zoo',
  peer: 1 as PeerId,
  incarnation: '00112233445566778899aabbccddeeff',
  membersHash: '0123456789abcdef',
  role: 'participant',
}
const two: Hello = { ...one, peer: 2 as PeerId, incarnation: 'ffeeddccbbaa99887766554433221100' }

const hex = (length: number) =>
  fc.array(fc.constantFrom(...'0123456789abcdef'), { minLength: length, maxLength: length }).map(all => all.join(''))
const hellos: fc.Arbitrary<Hello> = fc.record({
  protocolLowest: fc.integer({ min: 1, max: 100 }),
  protocolHighest: fc.integer({ min: 100, max: 65_535 }),
  ensemble: fc.string({ minLength: 1, maxLength: 60, unit: 'grapheme' }).filter(text => {
    const bytes = Buffer.byteLength(text)
    return bytes > 0 && bytes <= 255
  }),
  peer: fc.integer({ min: 1, max: 254 }) as fc.Arbitrary<number> as fc.Arbitrary<PeerId>,
  incarnation: hex(32),
  membersHash: hex(16),
  role: fc.constantFrom('participant' as const, 'observer' as const),
})

describe('hello', () => {
  it('comes back as it was, within the first frame', () => {
    for (const hello of [one, two, { ...one, role: 'observer' as const, ensemble: 'ж'.repeat(127) }]) {
      const bytes = encodeHello(hello)
      expect(decodeHello(bytes)).to.deep.equal(hello)
      expect(bytes.length).to.be.at.most(FIRST_FRAME_BYTES_MAX)
    }
    fc.assert(
      fc.property(hellos, hello => {
        expect(decodeHello(encodeHello(hello))).to.deep.equal(hello)
      }),
    )
  })

  it('has the layout it always had', () => {
    expect(Buffer.from(encodeHello(one)).toString('hex')).to.equal(
      `5649564101010001000301000123456789abcdef${one.incarnation}037a6f6f00`,
    )
  })

  it('E8: cut, lengthened or changed anywhere is PROTOCOL_ERROR or another hello, never another error', () => {
    const bytes = encodeHello(one)
    for (let length = 0; length < bytes.length; length++) expectMalformed(bytes.subarray(0, length))
    expectMalformed(Buffer.concat([bytes, Buffer.of(0)]))
    expectMalformed(new Uint8Array(FIRST_FRAME_BYTES_MAX + 1))
    for (let at = 0; at < bytes.length; at++) {
      for (let value = 0; value < 256; value++) {
        const changed = Uint8Array.from(bytes)
        changed[at] = value
        try {
          const hello = decodeHello(changed)
          expect(decodeHello(encodeHello(hello))).to.deep.equal(hello)
        } catch (error) {
          expect(hasCode(error, 'PROTOCOL_ERROR'), String(error)).to.equal(true)
        }
        if (at < 6 && value !== bytes[at]) expectMalformed(changed)
      }
    }
  })

  it('E8: of random bytes is PROTOCOL_ERROR', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
        expectMalformed(bytes)
      }),
    )
  })
})

describe('judgement of a hello', () => {
  it('accepts a peer of the same ensemble, at the highest version both speak, alike on both sides', () => {
    expect(judgeHello(one, two)).to.deep.equal({ accepted: true, protocol: 3 })
    expect(judgeHello(one, two, two.peer)).to.deep.equal({ accepted: true, protocol: 3 })
    const older = { ...two, protocolHighest: 2 }
    expect(judgeHello(one, older)).to.deep.equal({ accepted: true, protocol: 2 })
    expect(judgeHello(older, one)).to.deep.equal({ accepted: true, protocol: 2 })
  })

  const refusals: readonly [string, Hello, PeerId | undefined, string][] = [
    ['another ensemble', { ...two, ensemble: 'zo' }, undefined, 'ENSEMBLE_MISMATCH'],
    ['another list of members', { ...two, membersHash: '0123456789abcdee' }, undefined, 'MEMBERS_MISMATCH'],
    ['its own id', { ...two, peer: one.peer }, undefined, 'DUPLICATE_PEER'],
    ['another peer than was dialled', two, 3 as PeerId, 'HANDSHAKE_REFUSED'],
    ['only newer versions', { ...two, protocolLowest: 4, protocolHighest: 9 }, undefined, 'PROTOCOL_ERROR'],
  ]
  for (const [what, theirs, expected, code] of refusals) {
    it(`refuses ${what} with ${code}`, () => {
      const judgement = judgeHello(one, theirs, expected)
      expect(judgement).to.deep.include({ accepted: false, code })
      if (expected === undefined) expect(judgeHello(theirs, one)).to.deep.include({ accepted: false, code })
    })
  }

  it('overlooks another list of members where it is told so', () => {
    const reconfigured = { ...two, membersHash: 'ffffffffffffffff' }
    expect(judgeHello(one, reconfigured, undefined, { sameMembers: false })).to.deep.include({ accepted: true })
  })

  it('is the same from both sides', () => {
    fc.assert(
      fc.property(hellos, hellos, (mine, theirs) => {
        const here = judgeHello(mine, theirs)
        const there = judgeHello(theirs, mine)
        expect(here.accepted).to.equal(there.accepted)
        if (here.accepted && there.accepted) expect(here.protocol).to.equal(there.protocol)
        if (!here.accepted && !there.accepted) expect(here.code).to.equal(there.code)
      }),
    )
  })
})

describe('hash of the members', () => {
  it('tells shares apart, and is what it was where all count alike', () => {
    const config = (more: Partial<Member>) => ({
      version: ZERO,
      members: [{ id: 1 as PeerId, address: 'm://1', role: 'participant' as const, ...more }],
    })
    const plain = membersHash(config({}))
    expect(membersHash(config({ weight: 1 }))).to.equal(plain)
    const hashes = [{ weight: 2 }, { group: 1 }, { group: 1, weight: 2 }, { group: 2 }].map(each =>
      membersHash(config(each)),
    )
    expect(new Set([plain, ...hashes]).size).to.equal(5)
  })
})

describe('refusal', () => {
  it('carries every code and its reason, cut to a bounded length, without control characters', () => {
    for (const code of refusalCodes) {
      const bytes = encodeRefusal({ code, reason: 'because\u001b[2J\n' })
      expect(isRefusal(bytes)).to.equal(true)
      expect(decodeRefusal(bytes)).to.deep.equal({ code, reason: 'because?[2J?' })
    }
    const long = encodeRefusal({ code: 'CLOSED', reason: '\u{10348}'.repeat(2_000) })
    expect(long.length).to.be.at.most(FIRST_FRAME_BYTES_MAX)
    expect(decodeRefusal(long).reason).to.equal('\u{10348}'.repeat(250))
  })

  it('in the place of a hello is thrown as the error it tells', () => {
    const bytes = encodeRefusal({ code: 'MEMBERS_MISMATCH', reason: 'lists differ' })
    expect(() => decodeHello(bytes)).to.throw(ZooKeeperError, /^MEMBERS_MISMATCH: .*lists differ/)
    expect(isRefusal(encodeHello(one))).to.equal(false)
  })

  it('E8: cut or changed anywhere is PROTOCOL_ERROR or another refusal', () => {
    const bytes = encodeRefusal({ code: 'CLOSED', reason: 'closing' })
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeRefusal(bytes.subarray(0, length))).to.throw(ZooKeeperError, 'PROTOCOL_ERROR')
    }
    for (let at = 0; at < bytes.length; at++) {
      for (let value = 0; value < 256; value++) {
        const changed = Uint8Array.from(bytes)
        changed[at] = value
        try {
          decodeRefusal(changed)
        } catch (error) {
          expect(hasCode(error, 'PROTOCOL_ERROR'), String(error)).to.equal(true)
        }
      }
    }
  })
})

describe('members hash', () => {
  const member = (id: number, address: string, role: Member['role'] = 'participant') => ({
    id: id as PeerId,
    address,
    role,
  })
  const config = (...members: Member[]): EnsembleConfig => ({ version: ZERO, members })
  const base = config(member(1, 'tcp://a:1'), member(2, 'tcp://b:1'))

  it('is the same whatever the order, and stays what it was', () => {
    expect(membersHash(config(...[...base.members].reverse()))).to.equal(membersHash(base))
    expect(membersHash(base)).to.match(/^[0-9a-f]{16}$/)
  })

  it('changes with any id, address, role, member more or less', () => {
    const others = [
      config(member(1, 'tcp://a:1'), member(3, 'tcp://b:1')),
      config(member(1, 'tcp://a:1'), member(2, 'tcp://b:2')),
      config(member(1, 'tcp://a:1'), member(2, 'tcp://b:1', 'observer')),
      config(member(1, 'tcp://a:1')),
      config(member(1, 'tcp://a:1'), member(2, 'tcp://b:1'), member(3, 'tcp://c:1')),
      config(member(1, 'tcp://a:1\n2 participant "tcp://b:1"')),
    ]
    const hashes = new Set([base, ...others].map(membersHash))
    expect(hashes.size).to.equal(1 + others.length)
  })

  it('is FNV-1a with 64 bits, by its published examples', () => {
    expect(fnv1a64(Buffer.from(''))).to.equal('cbf29ce484222325')
    expect(fnv1a64(Buffer.from('a'))).to.equal('af63dc4c8601ec8c')
    expect(fnv1a64(Buffer.from('foobar'))).to.equal('85944171f73967e8')
  })
})

function expectMalformed(bytes: Uint8Array): void {
  let error: unknown
  try {
    decodeHello(bytes)
  } catch (caught) {
    error = caught
  }
  expect(hasCode(error, 'PROTOCOL_ERROR'), String(error)).to.equal(true)
}
